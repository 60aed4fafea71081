/**
 * Settings of every process, read once from the environment: this file, its schemas and tool-settings.ts are the
 * only readers. Times are milliseconds. "Equal on all nodes" marks what must not differ within one cluster.
 */
import { resolve } from "node:path";
import { Type } from "typebox";
import type { Environment } from "./settings-reader.ts";
import { from, optionalFrom, readSettings } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";
import { toolVariables } from "./tool-settings.ts";

/** Good on one's own machine only: everybody can read it here. Refused outside development. */
const DEVELOPMENT_SECRET = "whsec_b3JkZXJseS1kZXZlbG9wbWVudC1zZWNyZXQtMzJieXRlcw==";
const secret = Type.String({ minLength: 32, maxLength: 512, default: DEVELOPMENT_SECRET });

/** Ports of a local cluster, counted from its base port (the first order node's). */
export const portOffsets = { gateway: 900, mailboxHttp: 901, smtp: 925 } as const;

const MAX_LOCAL_NODES = 32;
const MAX_BASE_PORT = 65_535 - portOffsets.smtp;

const clusterFields = {
  port: from("ORDERLY_PORT", Type.Integer({ minimum: 1024, maximum: MAX_BASE_PORT, default: 3000 })),
  nodes: from("ORDERLY_NODES", schemas.count(3, 1, MAX_LOCAL_NODES)),
  natsPort: from("ORDERLY_NATS_PORT", schemas.port(4222)),
  natsUrl: optionalFrom("NATS_URL", schemas.natsUrl),
  home: from("ORDERLY_HOME", Type.String({ default: ".orderly" })),
  fulfillment: from("ORDERLY_FULFILLMENT", schemas.fulfillmentMode),
  stepDelayMs: from("ORDERLY_STEP_DELAY_MS", schemas.milliseconds(1500, 0, 3_600_000)),
  logLevel: from("ORDERLY_LOG_LEVEL", schemas.logLevel),
};

/** Settings of `npm start`. */
export type ClusterSettings = {
  /** HTTP port of the first order node; the others follow (`portOffsets`). 1024 to 64610. */
  readonly port: number;
  /** Order nodes, 1 to 32. */
  readonly nodes: number;
  /** Port for the nats-server that is started; without meaning when `natsUrl` is set. */
  readonly natsPort: number;
  /** A nats-server that runs already; undefined: one is started. */
  readonly natsUrl: string | undefined;
  /** Folder for everything that is kept, absolute. One running cluster per folder. */
  readonly home: string;
  readonly fulfillment: "auto" | "manual";
  /** Pause between automatic fulfillment steps. */
  readonly stepDelayMs: number;
  readonly logLevel: LogLevel;
};

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** @throws SettingsInvalid */
export function loadClusterSettings(env: Environment = process.env): ClusterSettings {
  const read = readSettings(clusterFields, env, ({ port, nodes, natsPort, natsUrl }) => {
    const taken = [...Array(nodes).keys()].concat(Object.values(portOffsets)).map((offset) => port + offset);
    return natsUrl === undefined && taken.includes(natsPort)
      ? [`ORDERLY_NATS_PORT ${natsPort} is one of the ports that ORDERLY_PORT ${port} stands for`]
      : [];
  });
  return Object.freeze({ ...read, home: resolve(read.home) });
}

const nodeFields = {
  nodeId: from("ORDERLY_NODE_ID", schemas.nodeId),
  natsUrl: from("NATS_URL", Type.String({ ...schemas.natsUrl, default: "nats://127.0.0.1:4222" })),
  httpHost: from("ORDERLY_HTTP_HOST", schemas.loopback),
  httpPort: from("ORDERLY_HTTP_PORT", schemas.port(3000)),
  publicUrl: optionalFrom("ORDERLY_PUBLIC_URL", schemas.httpUrl),
  gatewayUrl: from(
    "ORDERLY_GATEWAY_URL",
    Type.String({ ...schemas.httpUrl, default: "http://127.0.0.1:3900" }),
  ),
  gatewayTimeoutMs: from("ORDERLY_GATEWAY_TIMEOUT_MS", schemas.milliseconds(5000, 100, 60_000)),
  smtpUrl: from("ORDERLY_SMTP_URL", Type.String({ ...schemas.smtpUrl, default: "smtp://127.0.0.1:3925" })),
  home: from("ORDERLY_HOME", Type.String({ default: ".orderly/node" })),
  partitions: from("ORDERLY_PARTITIONS", schemas.count(32, 1, 1024)),
  replicas: from("ORDERLY_REPLICAS", schemas.count(1, 1, 5)),
  inventoryShards: from("ORDERLY_INVENTORY_SHARDS", schemas.count(1, 1, 1)),
  fulfillment: from("ORDERLY_FULFILLMENT", schemas.fulfillmentMode),
  stepDelayMs: from("ORDERLY_STEP_DELAY_MS", schemas.milliseconds(1500, 0, 3_600_000)),
  presenceTtlMs: from("ORDERLY_PRESENCE_TTL_MS", schemas.milliseconds(3000, 300, 60_000)),
  presenceRefreshMs: from("ORDERLY_PRESENCE_REFRESH_MS", schemas.milliseconds(750, 50, 20_000)),
  commitTimeoutMs: from("ORDERLY_COMMIT_TIMEOUT_MS", schemas.milliseconds(2000, 100, 60_000)),
  defaultWaitMs: from("ORDERLY_DEFAULT_WAIT_MS", schemas.milliseconds(10_000, 200, 60_000)),
  outboxLimit: from("ORDERLY_OUTBOX_LIMIT", schemas.count(5000, 1, 1_000_000)),
  outboxMaxAgeMs: from("ORDERLY_OUTBOX_MAX_AGE_MS", schemas.milliseconds(5000, 100, 600_000)),
  idempotencySecret: from("ORDERLY_IDEMPOTENCY_SECRET", secret),
  webhookSecret: from("ORDERLY_WEBHOOK_SECRET", secret),
  development: from("ORDERLY_DEVELOPMENT", Type.Boolean({ default: false })),
  logLevel: from("ORDERLY_LOG_LEVEL", schemas.logLevel),
};

/** Settings of one order node. */
export type NodeSettings = {
  /** Name of the node, unique within the cluster. */
  readonly nodeId: string;
  readonly natsUrl: string;
  readonly httpHost: string;
  readonly httpPort: number;
  /** Where clients reach this node, no slash at the end. Default: `http://<httpHost>:<httpPort>`. */
  readonly publicUrl: string;
  /** Payment gateway, no slash at the end. */
  readonly gatewayUrl: string;
  /** Time limit of one call to the gateway; below `defaultWaitMs`, so that a timeout is still answered. */
  readonly gatewayTimeoutMs: number;
  readonly smtpUrl: string;
  /** Folder of this node's SQLite file, absolute; never shared by two nodes. */
  readonly home: string;
  /** Equal on all nodes; fixed when the stream is made, since an order's partition never changes. */
  readonly partitions: number;
  /** Copies of stream and buckets, 1 to 5; at most the number of nats-servers. Equal on all nodes. */
  readonly replicas: number;
  /** Equal on all nodes. One for now. */
  readonly inventoryShards: number;
  /** `auto` runs the steps of the warehouse by itself, `stepDelayMs` apart. Equal on all nodes. */
  readonly fulfillment: { readonly mode: "auto" | "manual"; readonly stepDelayMs: number };
  /** A node unheard of for this long is gone. More than 3 * `presenceRefreshMs`. Equal on all nodes. */
  readonly presenceTtlMs: number;
  readonly presenceRefreshMs: number;
  /** How long one batch waits for the server's answer before it is sent again. */
  readonly commitTimeoutMs: number;
  /** How long a client waits for its order to settle unless it says otherwise. */
  readonly defaultWaitMs: number;
  /** Units waiting to be published; more are refused with 429. */
  readonly outboxLimit: number;
  /** A node whose oldest unit waits longer is not ready. More than `commitTimeoutMs`. */
  readonly outboxMaxAgeMs: number;
  /** Keys the hash of idempotency keys, 32 characters or more. Equal on all nodes, for as long as orders live. */
  readonly idempotencySecret: string;
  /** Signs webhooks (Standard Webhooks), as the gateway has it. Equal on all nodes. */
  readonly webhookSecret: string;
  /** Shows process ids, lifts rate limits on loopback, allows the built-in secrets. Never in production. */
  readonly development: boolean;
  readonly logLevel: LogLevel;
};

/** @throws SettingsInvalid */
export function loadNodeSettings(env: Environment = process.env): NodeSettings {
  const { stepDelayMs, fulfillment, ...read } = readSettings(nodeFields, env, (values) =>
    [
      values.presenceRefreshMs * 3 >= values.presenceTtlMs &&
        `ORDERLY_PRESENCE_REFRESH_MS (${values.presenceRefreshMs}) must be below a third of ORDERLY_PRESENCE_TTL_MS (${values.presenceTtlMs}), or a live node is taken for gone`,
      values.commitTimeoutMs >= values.outboxMaxAgeMs &&
        `ORDERLY_COMMIT_TIMEOUT_MS (${values.commitTimeoutMs}) must be below ORDERLY_OUTBOX_MAX_AGE_MS (${values.outboxMaxAgeMs}), or one resend makes the node not ready`,
      values.gatewayTimeoutMs >= values.defaultWaitMs &&
        `ORDERLY_GATEWAY_TIMEOUT_MS (${values.gatewayTimeoutMs}) must be below ORDERLY_DEFAULT_WAIT_MS (${values.defaultWaitMs}), or a payment that times out is not answered in time`,
      ...secretFaults(values),
    ].filter((fault) => fault !== false),
  );
  return Object.freeze({
    ...read,
    home: resolve(read.home),
    publicUrl: read.publicUrl ?? `http://${read.httpHost}:${read.httpPort}`,
    fulfillment: Object.freeze({ mode: fulfillment, stepDelayMs }),
  });
}

function secretFaults(values: {
  readonly development: boolean;
  readonly idempotencySecret?: string;
  readonly webhookSecret: string;
}): string[] {
  if (values.development) return [];
  const unset = "must be set to a secret of your own (ORDERLY_DEVELOPMENT=true allows the built-in one)";
  return [
    ...(values.idempotencySecret === DEVELOPMENT_SECRET ? [`ORDERLY_IDEMPOTENCY_SECRET ${unset}`] : []),
    ...(values.webhookSecret === DEVELOPMENT_SECRET ? [`ORDERLY_WEBHOOK_SECRET ${unset}`] : []),
  ];
}

const gatewayFields = {
  httpHost: from("ORDERLY_HTTP_HOST", schemas.loopback),
  httpPort: from("ORDERLY_GATEWAY_PORT", schemas.port(3900)),
  publicUrl: optionalFrom("ORDERLY_GATEWAY_URL", schemas.httpUrl),
  webhookUrl: from(
    "ORDERLY_WEBHOOK_URL",
    Type.String({ ...schemas.httpUrl, default: "http://127.0.0.1:3000/v1/webhooks/payments" }),
  ),
  webhookSecret: from("ORDERLY_WEBHOOK_SECRET", secret),
  home: from("ORDERLY_HOME", Type.String({ default: ".orderly/gateway" })),
  development: from("ORDERLY_DEVELOPMENT", Type.Boolean({ default: true })),
  logLevel: from("ORDERLY_LOG_LEVEL", schemas.logLevel),
};

/** Settings of the payment gateway simulator. It is a tool of development, so that is its default. */
export type GatewaySettings = {
  readonly httpHost: string;
  readonly httpPort: number;
  /** Where its hosted pages are reached, no slash at the end. Default: `http://<httpHost>:<httpPort>`. */
  readonly publicUrl: string;
  /** Where webhooks go: any order node. */
  readonly webhookUrl: string;
  /** As on the order nodes. */
  readonly webhookSecret: string;
  /** Folder of the ledger, absolute. */
  readonly home: string;
  readonly development: boolean;
  readonly logLevel: LogLevel;
};

/** @throws SettingsInvalid */
export function loadGatewaySettings(env: Environment = process.env): GatewaySettings {
  const read = readSettings(gatewayFields, env, secretFaults);
  return Object.freeze({
    ...read,
    home: resolve(read.home),
    publicUrl: read.publicUrl ?? `http://${read.httpHost}:${read.httpPort}`,
  });
}

const mailboxFields = {
  httpHost: from("ORDERLY_HTTP_HOST", schemas.loopback),
  httpPort: from("ORDERLY_MAILBOX_HTTP_PORT", schemas.port(3901)),
  smtpPort: from("ORDERLY_SMTP_PORT", schemas.port(3925)),
  home: from("ORDERLY_HOME", Type.String({ default: ".orderly/mailbox" })),
  logLevel: from("ORDERLY_LOG_LEVEL", schemas.logLevel),
};

/** Settings of the development mailbox. */
export type MailboxSettings = {
  /** For SMTP too. */
  readonly httpHost: string;
  readonly httpPort: number;
  readonly smtpPort: number;
  /** Absolute. */
  readonly home: string;
  readonly logLevel: LogLevel;
};

/** @throws SettingsInvalid */
export function loadMailboxSettings(env: Environment = process.env): MailboxSettings {
  const read = readSettings(mailboxFields, env);
  return Object.freeze({ ...read, home: resolve(read.home) });
}

const known: ReadonlySet<string> = new Set([
  ...[clusterFields, nodeFields, gatewayFields, mailboxFields].flatMap((fields) =>
    Object.values(fields).map((field) => field.variable),
  ),
  ...toolVariables,
]);

/** Variables that look like settings of Orderly and are none: misspelt ones, most likely. */
export function unknownVariables(env: Environment = process.env): string[] {
  return Object.keys(env).filter((name) => name.startsWith("ORDERLY_") && !known.has(name));
}

/**
 * Settings of every process, read once from the environment, which only the files of this folder read. Times are ms.
 * "Equal on all nodes" marks settings that must not differ within one cluster.
 */
import { join, resolve } from "node:path";
import { Type } from "typebox";
import { MAX_STREAMS } from "../src/runtime/layout.ts";
import { carrierFields } from "./carrier-settings.ts";
import { catalogueFields } from "./catalogue-settings.ts";
import { gatewayFields, webhooksSwitch } from "./gateway-settings.ts";
import { type NatsLogin, natsFaults, natsFields, foreignNatsFaults } from "./nats-settings.ts";
import {
  DEFAULT_TAX_BASIS_POINTS,
  type Seller,
  sellerFaults,
  sellerFields,
  sellerOf,
} from "./seller-settings.ts";
import {
  DEVELOPMENT_CARRIER_SECRET,
  DEVELOPMENT_SECRET,
  hostFaults,
  PERSONAL_KEY_FILE,
  personalKeyFaults,
  secretFaults,
} from "./settings-faults.ts";
import { type Environment, fileVariables, from, optionalFrom, readSettings } from "./settings-reader.ts";
import * as schemas from "./settings-schemas.ts";
import { toolVariables } from "./tool-settings.ts";

/** Ports of a local cluster, counted from its base port (the first order node's). */
export const portOffsets = { gateway: 900, mailboxHttp: 901, carrier: 902, smtp: 925 } as const;

/** In a local cluster of three: a nats-server's port for the other servers minus its port for clients. */
export const routeOffset = 10;

const MAX_LOCAL_NODES = 32;
const MAX_BASE_PORT = 65_535 - portOffsets.smtp;

const paymentDeadlineMs = from(
  "ORDERLY_PAYMENT_DEADLINE_MS",
  schemas.milliseconds(900_000, 1000, 604_800_000),
);
const paymentPollMs = from("ORDERLY_PAYMENT_POLL_MS", schemas.milliseconds(2000, 100, 60_000));
const taxBasisPoints = from("ORDERLY_TAX_BASIS_POINTS", schemas.count(DEFAULT_TAX_BASIS_POINTS, 0, 10_000));

const clusterFields = {
  port: from("ORDERLY_PORT", Type.Integer({ minimum: 1024, maximum: MAX_BASE_PORT, default: 3000 })),
  nodes: from("ORDERLY_NODES", schemas.count(3, 1, MAX_LOCAL_NODES)),
  natsServers: from("ORDERLY_NATS_SERVERS", Type.Enum(["1", "3"], { default: "1" })),
  natsPort: from("ORDERLY_NATS_PORT", schemas.port(4222)),
  natsBatches: from("ORDERLY_NATS_BATCHES", Type.Enum(["memory", "disk"], { default: "memory" })),
  natsUrl: optionalFrom("NATS_URL", schemas.natsUrl),
  home: optionalFrom("ORDERLY_HOME", Type.String()),
  fulfillment: from("ORDERLY_FULFILLMENT", schemas.fulfillmentMode),
  stepDelayMs: from("ORDERLY_STEP_DELAY_MS", schemas.milliseconds(1500, 0, 3_600_000)),
  paymentDeadlineMs,
  paymentPollMs,
  webhooks: webhooksSwitch,
  auth: from("ORDERLY_AUTH", Type.Enum(["off", "keys"], { default: "off" })),
  personalKeyFile: optionalFrom("ORDERLY_PERSONAL_KEY_FILE", Type.String()),
  logLevel: from("ORDERLY_LOG_LEVEL", schemas.logLevel),
};

/** Settings of `npm start`. */
export type ClusterSettings = {
  /** HTTP port of the first order node; the other ports follow from it (`portOffsets`). 1024 to 64610. */
  readonly port: number;
  /** Order nodes, 1 to 32. */
  readonly nodes: number;
  /** nats-servers to start; with three, everything is stored on each. */
  readonly natsServers: 1 | 3;
  /** Port of the first nats-server to start; the others follow. Their ports for routes are `routeOffset` higher. */
  readonly natsPort: number;
  /**
   * Where a single nats-server stages each atomic batch: in memory, where the system has a tmpfs, or on disk (ADR 13).
   * Three servers always do so in memory.
   */
  readonly natsBatches: "memory" | "disk";
  /** Address of a NATS that already runs; undefined: `npm start` starts one, as the two settings above say. */
  readonly natsUrl: string | undefined;
  /**
   * Folder for everything that is kept, absolute. One running cluster per folder. Default: `.orderly`, with three
   * nats-servers `.orderly/cluster`.
   */
  readonly home: string;
  readonly fulfillment: "auto" | "manual";
  /** Pause between automatic fulfillment steps. */
  readonly stepDelayMs: number;
  /** Time in which a customer can pay on the gateway's page, and the first pause before an order polls the gateway. */
  readonly paymentDeadlineMs: number;
  readonly paymentPollMs: number;
  /** Whether the gateway simulator sends webhooks. */
  readonly webhooks: "on" | "off";
  /** As on the order nodes. With `keys` the sample catalogue is not loaded: it takes a key. */
  readonly auth: "off" | "keys";
  /** As on the order nodes, for all of them; by default in `home`. */
  readonly personalKeyFile: string;
  readonly logLevel: schemas.LogLevel;
};

/** Reads the settings of `npm start`. @throws SettingsInvalid with all faults */
export function loadClusterSettings(env: Environment = process.env): ClusterSettings {
  const read = readSettings(clusterFields, env, ({ port, nodes, natsServers, natsPort, natsUrl }) => {
    if (natsUrl !== undefined) return foreignNatsFaults(natsUrl, natsServers);
    const used = [...Array(nodes).keys()].concat(Object.values(portOffsets)).map((offset) => port + offset);
    const nats = [...Array(Number(natsServers)).keys()].flatMap((index) =>
      natsServers === "1" ? [natsPort] : [natsPort + index, natsPort + index + routeOffset],
    );
    const taken = nats.find((one) => used.includes(one));
    return [
      ...(taken === undefined
        ? []
        : [
            `ORDERLY_NATS_PORT ${natsPort} ${taken === natsPort ? "is" : `implies ${taken} too, which is`} one of the ports that ORDERLY_PORT ${port} implies`,
          ]),
      ...(Math.max(...nats) > 65_535
        ? [`ORDERLY_NATS_PORT ${natsPort} leaves no room for three servers`]
        : []),
    ];
  });
  const natsServers = read.natsServers === "3" ? 3 : 1;
  const home = resolve(read.home ?? (natsServers === 3 ? ".orderly/cluster" : ".orderly"));
  const personalKeyFile = resolve(read.personalKeyFile ?? join(home, PERSONAL_KEY_FILE));
  return Object.freeze({ ...read, natsServers, home, personalKeyFile });
}

const nodeFields = {
  nodeId: from("ORDERLY_NODE_ID", schemas.nodeId),
  ...natsFields,
  httpHost: from("ORDERLY_HTTP_HOST", schemas.loopback),
  httpPort: from("ORDERLY_HTTP_PORT", schemas.port(3000)),
  publicUrl: optionalFrom("ORDERLY_PUBLIC_URL", schemas.httpUrl),
  allowedHosts: from("ORDERLY_ALLOWED_HOSTS", schemas.hostNames),
  gatewayUrl: from("ORDERLY_GATEWAY_URL", schemas.httpUrlOr("http://127.0.0.1:3900")),
  gatewayTimeoutMs: from("ORDERLY_GATEWAY_TIMEOUT_MS", schemas.milliseconds(5000, 100, 60_000)),
  carrierUrl: from("ORDERLY_CARRIER_URL", schemas.httpUrlOr("http://127.0.0.1:3902")),
  gatewayConcurrency: from("ORDERLY_GATEWAY_CONCURRENCY", schemas.count(256, 1, 10_000)),
  carrierConcurrency: from("ORDERLY_CARRIER_CONCURRENCY", schemas.count(64, 1, 10_000)),
  inventoryConcurrency: from("ORDERLY_INVENTORY_CONCURRENCY", schemas.count(512, 1, 10_000)),
  breakerFailures: from("ORDERLY_BREAKER_FAILURES", schemas.count(5, 1, 10_000)),
  breakerProbeMs: from("ORDERLY_BREAKER_PROBE_MS", schemas.milliseconds(1000, 10, 600_000)),
  providerMaxWaitMs: from("ORDERLY_PROVIDER_PATIENCE_MS", schemas.milliseconds(30_000, 0, 600_000)),
  effectLimit: from("ORDERLY_EFFECT_LIMIT", schemas.count(20_000, 1, 1_000_000)),
  mailboxUrl: optionalFrom("ORDERLY_MAILBOX_URL", schemas.httpUrl),
  smtpUrl: from("ORDERLY_SMTP_URL", Type.String({ ...schemas.smtpUrl, default: "smtp://127.0.0.1:3925" })),
  home: from("ORDERLY_HOME", Type.String({ default: ".orderly/node" })),
  partitions: from("ORDERLY_PARTITIONS", schemas.count(32, 1, 1024)),
  workers: from("ORDERLY_WORKERS", schemas.workers),
  projection: from("ORDERLY_PROJECTION", schemas.onOff),
  streams: from("ORDERLY_STREAMS", schemas.count(1, 1, MAX_STREAMS)),
  replicas: from("ORDERLY_REPLICAS", schemas.count(1, 1, 5)),
  inventoryShards: from("ORDERLY_INVENTORY_SHARDS", schemas.count(1, 1, 1)),
  fulfillment: from("ORDERLY_FULFILLMENT", schemas.fulfillmentMode),
  stepDelayMs: from("ORDERLY_STEP_DELAY_MS", schemas.milliseconds(1500, 0, 3_600_000)),
  internalEvents: from("ORDERLY_INTERNAL_EVENTS", Type.Boolean({ default: false })),
  paymentDeadlineMs,
  paymentPollMs,
  taxBasisPoints,
  ...sellerFields,
  paymentPollMaxMs: from("ORDERLY_PAYMENT_POLL_MAX_MS", schemas.milliseconds(60_000, 60_000, 3_600_000)),
  presenceTtlMs: from("ORDERLY_PRESENCE_TTL_MS", schemas.milliseconds(3000, 300, 60_000)),
  presenceRefreshMs: from("ORDERLY_PRESENCE_REFRESH_MS", schemas.milliseconds(500, 50, 20_000)),
  commitTimeoutMs: from("ORDERLY_COMMIT_TIMEOUT_MS", schemas.milliseconds(2000, 100, 60_000)),
  defaultWaitMs: from("ORDERLY_DEFAULT_WAIT_MS", schemas.milliseconds(10_000, 200, 60_000)),
  outboxLimit: from("ORDERLY_OUTBOX_LIMIT", schemas.count(5000, 1, 1_000_000)),
  outboxMaxAgeMs: from("ORDERLY_OUTBOX_MAX_AGE_MS", schemas.milliseconds(5000, 100, 600_000)),
  idempotencySecret: from("ORDERLY_IDEMPOTENCY_SECRET", schemas.secret(DEVELOPMENT_SECRET)),
  webhookSecret: from("ORDERLY_WEBHOOK_SECRET", schemas.secrets(DEVELOPMENT_SECRET)),
  carrierWebhookSecret: from("ORDERLY_CARRIER_WEBHOOK_SECRET", schemas.secrets(DEVELOPMENT_CARRIER_SECRET)),
  personalKeyFile: optionalFrom("ORDERLY_PERSONAL_KEY_FILE", Type.String()),
  development: from("ORDERLY_DEVELOPMENT", Type.Boolean({ default: false })),
  auth: optionalFrom("ORDERLY_AUTH", Type.Enum(["off", "keys"])),
  commit: optionalFrom("ORDERLY_COMMIT", Type.String()),
  settingsChange: optionalFrom("ORDERLY_SETTINGS_CHANGE", Type.Integer({ minimum: 1 })),
  logLevel: from("ORDERLY_LOG_LEVEL", schemas.logLevel),
};

/** A consumer of public events. */
export type WorkerName = "email" | "invoice";

const workersOf: Readonly<Record<"all" | "invoice" | "email" | "none", readonly WorkerName[]>> = {
  all: ["email", "invoice"],
  email: ["email"],
  invoice: ["invoice"],
  none: [],
};

/** Settings of one order node. */
export type NodeSettings = NatsLogin & {
  /** Name of the node, unique within the cluster. */
  readonly nodeId: string;
  /** Loopback by default; in development always. */
  readonly httpHost: string;
  readonly httpPort: number;
  /** Where clients reach this node, no slash at the end. Default: `http://<httpHost>:<httpPort>`. */
  readonly publicUrl: string;
  /**
   * Names under which browsers and other callers reach this process besides addresses of digits, `localhost` and the
   * host of its public address; separated by commas, each with or without a port.
   */
  readonly allowedHosts: string;
  /** Payment gateway, no slash at the end. Equal on all nodes. */
  readonly gatewayUrl: string;
  /** Time limit of one call to the gateway. Below `defaultWaitMs`, so that the caller still learns of a timeout. */
  readonly gatewayTimeoutMs: number;
  /** Carrier, no slash at the end. Equal on all nodes. */
  readonly carrierUrl: string;
  /** Calls in flight at once from this node; more wait in a queue. */
  readonly gatewayConcurrency: number;
  readonly carrierConcurrency: number;
  /** The same for reservations at another node. */
  readonly inventoryConcurrency: number;
  /** Calls to gateway or carrier that must fail in a row before the circuit breaker opens. */
  readonly breakerFailures: number;
  /** Pause before a failing provider is tried again. */
  readonly breakerProbeMs: number;
  /** How long an effect waits for a failing provider. After that a payment expires; a capture is retried later. */
  readonly providerMaxWaitMs: number;
  /** Effects in flight or queued. At this number new orders get 429; orders that begin together may pass together. */
  readonly effectLimit: number;
  readonly smtpUrl: string;
  /** Pages of the mailbox, in development; absent: `GET /v1/dev/mail` is not there. No slash at the end. */
  readonly mailboxUrl: string | undefined;
  /**
   * The workers that run on this node, besides its orders. Each must run on some node: without `invoice` no order is
   * shipped, without `email` no e-mail is sent.
   */
  readonly workers: readonly WorkerName[];
  /** Whether the node keeps a list of all orders. One without it asks a node that has one. */
  readonly projection: "on" | "off";
  /** Folder of this node's SQLite file, absolute; never shared by two nodes. */
  readonly home: string;
  /** Equal on all nodes; fixed when the stream is made, since an order's partition never changes. */
  readonly partitions: number;
  /**
   * Streams over which the partitions are divided, 1 to 16 and at most `partitions`. Equal on all nodes; fixed when the
   * streams are made, since an order never moves.
   */
  readonly streams: number;
  /** Copies of stream and buckets, 1 to 5; at most the number of nats-servers. Equal on all nodes. */
  readonly replicas: number;
  /** Equal on all nodes. Only 1 is supported. */
  readonly inventoryShards: number;
  /** `auto` runs the steps of the warehouse automatically, `stepDelayMs` apart. Equal on all nodes. */
  readonly fulfillment: { readonly mode: "auto" | "manual"; readonly stepDelayMs: number };
  /**
   * Whether the steps within fulfillment are published as events too (`internalEvents` of
   * src/services/orders/definition.ts); their records are the same otherwise. Equal on all nodes.
   */
  readonly internalEvents: boolean;
  /**
   * Payment on the gateway's page: the time that a customer has, and the times at which an order polls the gateway:
   * first after `pollMs`, then after pauses that double up to `pollMaxMs`. Equal on all nodes.
   */
  readonly hostedPayment: {
    readonly deadlineMs: number;
    readonly pollMs: number;
    readonly pollMaxMs: number;
  };
  /**
   * Tax that prices include, in hundredths of a percent of the net price: 2300 is 23 %. Recorded with an order when it
   * is placed, so that a change affects only new orders. Equal on all nodes.
   */
  readonly taxBasisPoints: number;
  /** The seller on invoices. Equal on all nodes. */
  readonly seller: Seller;
  /** A node without a heartbeat for this time is absent. More than 3 * `presenceRefreshMs`. Equal on all nodes. */
  readonly presenceTtlMs: number;
  /** Interval of the node's heartbeats. A missed one is the second witness of a death. Equal on all nodes. */
  readonly presenceRefreshMs: number;
  /** How long one batch waits for the server's answer before it is sent again. */
  readonly commitTimeoutMs: number;
  /** How long a client waits for its order to settle unless it states otherwise. */
  readonly defaultWaitMs: number;
  /** Write sets that wait to be published. At this number new requests get 429. */
  readonly outboxLimit: number;
  /** A node whose oldest write set waits longer is not ready. More than `commitTimeoutMs`. */
  readonly outboxMaxAgeMs: number;
  /** Keys the hash of idempotency keys, 32 characters or more. Equal on all nodes, and unchanged while orders exist. */
  readonly idempotencySecret: string;
  /** Verify webhooks of the gateway (Standard Webhooks), a secret a line, the newest first. Equal on all nodes. */
  readonly webhookSecret: string;
  /** The same for the carrier: other secrets, so that a carrier cannot report payments. Equal on all nodes. */
  readonly carrierWebhookSecret: string;
  /**
   * File of the keys that wrap the keys of sealed data, absolute: one a line, 32 bytes in base64, the newest first. In
   * development a node makes one that is missing, by default in its folder. Its keys: Equal on all nodes.
   */
  readonly personalKeyFile: string;
  /** Shows process ids, lifts rate limits on loopback, allows the built-in secrets. Never in production. */
  readonly development: boolean;
  /** Whether callers show an API key. `off`, the default in development: all may do everything. Equal on all nodes. */
  readonly auth: "off" | "keys";
  /** Commit that the program was built of, for operators; a git checkout is asked first (nodes/order/program.ts). */
  readonly commit: string | undefined;
  /**
   * The number of the cluster's stored settings that this node may replace by its own while other nodes run. A refusal
   * to start shows it; it is of no effect once they are replaced (docs/several-nodes.md).
   */
  readonly settingsChange: number | undefined;
  readonly logLevel: schemas.LogLevel;
};

/** Reads the settings of an order node. @throws SettingsInvalid with all faults */
export function loadNodeSettings(env: Environment = process.env): NodeSettings {
  const {
    stepDelayMs,
    fulfillment,
    workers,
    paymentDeadlineMs,
    paymentPollMs,
    paymentPollMaxMs,
    sellerName,
    sellerAddress,
    sellerTaxId,
    ...read
  } = readSettings(nodeFields, env, (values) =>
    [
      values.presenceRefreshMs * 3 >= values.presenceTtlMs &&
        `ORDERLY_PRESENCE_REFRESH_MS (${values.presenceRefreshMs}) must be below a third of ORDERLY_PRESENCE_TTL_MS (${values.presenceTtlMs}), or a live node is considered absent`,
      values.commitTimeoutMs >= values.outboxMaxAgeMs &&
        `ORDERLY_COMMIT_TIMEOUT_MS (${values.commitTimeoutMs}) must be below ORDERLY_OUTBOX_MAX_AGE_MS (${values.outboxMaxAgeMs}), or one resend makes the node not ready`,
      values.streams > values.partitions &&
        `ORDERLY_STREAMS (${values.streams}) must not be above ORDERLY_PARTITIONS (${values.partitions}), or a stream has no partition`,
      values.gatewayTimeoutMs >= values.defaultWaitMs &&
        `ORDERLY_GATEWAY_TIMEOUT_MS (${values.gatewayTimeoutMs}) must be below ORDERLY_DEFAULT_WAIT_MS (${values.defaultWaitMs}), or a payment that times out is not answered in time`,
      values.auth === "off" &&
        !values.development &&
        "ORDERLY_AUTH=off is for development only: leave it out, and make the first key with `node orderly.mjs keys create --role admin`",
      ...secretFaults(values),
      ...natsFaults(values),
      ...personalKeyFaults(values),
      ...(values.development ? [] : sellerFaults(values)),
      ...hostFaults(values, "ORDERLY_PUBLIC_URL"),
    ].filter((fault) => fault !== false),
  );
  return Object.freeze({
    ...read,
    home: resolve(read.home),
    auth: read.auth ?? (read.development ? "off" : "keys"),
    personalKeyFile: resolve(read.personalKeyFile ?? join(read.home, PERSONAL_KEY_FILE)),
    publicUrl: read.publicUrl ?? `http://${read.httpHost}:${read.httpPort}`,
    fulfillment: Object.freeze({ mode: fulfillment, stepDelayMs }),
    hostedPayment: Object.freeze({
      deadlineMs: paymentDeadlineMs,
      pollMs: paymentPollMs,
      pollMaxMs: paymentPollMaxMs,
    }),
    workers: workersOf[workers],
    seller: sellerOf({ sellerName, sellerAddress, sellerTaxId }),
  });
}

const mailboxFields = {
  httpHost: from("ORDERLY_HTTP_HOST", schemas.loopback),
  httpPort: from("ORDERLY_MAILBOX_HTTP_PORT", schemas.port(3901)),
  smtpPort: from("ORDERLY_SMTP_PORT", schemas.port(3925)),
  allowedHosts: from("ORDERLY_ALLOWED_HOSTS", schemas.hostNames),
  home: from("ORDERLY_HOME", Type.String({ default: ".orderly/mailbox" })),
  logLevel: from("ORDERLY_LOG_LEVEL", schemas.logLevel),
};

/** Settings of the development mailbox. */
export type MailboxSettings = {
  /** Host of both listeners, HTTP and SMTP. */
  readonly httpHost: string;
  readonly httpPort: number;
  readonly smtpPort: number;
  /** As on the order nodes. */
  readonly allowedHosts: string;
  /** Folder of the messages, absolute. */
  readonly home: string;
  readonly logLevel: schemas.LogLevel;
};

/** Reads the mailbox's settings. @throws SettingsInvalid with all faults */
export function loadMailboxSettings(env: Environment = process.env): MailboxSettings {
  const read = readSettings(mailboxFields, env);
  return Object.freeze({ ...read, home: resolve(read.home) });
}

const allFields = [clusterFields, nodeFields, gatewayFields, carrierFields, mailboxFields, catalogueFields];

/** Every variable that any process of Orderly, or nats-server's configuration, reads. */
export const knownVariables: ReadonlySet<string> = new Set([
  ...allFields.flatMap((fields) => Object.values(fields).map((field) => field.variable)),
  ...allFields.flatMap(fileVariables),
  ...toolVariables,
]);

/** The variables of the environment that are settings: what a child process inherits of them. */
export function settingsIn(env: Environment = process.env): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => knownVariables.has(name)));
}

/** Variables that look like settings of Orderly but are not; most likely misspelled. */
export function unknownVariables(env: Environment = process.env): string[] {
  return Object.keys(env).filter((name) => name.startsWith("ORDERLY_") && !knownVariables.has(name));
}

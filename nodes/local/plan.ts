/** The processes of a local cluster and their settings. Pure. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ClusterSettings, portOffsets } from "../../config/settings.ts";

const LOOPBACK = "127.0.0.1";

/** Ports of the order nodes and of the services. */
export type ClusterPorts = {
  /** HTTP, one per order node. */
  readonly nodes: readonly number[];
  readonly gateway: number;
  readonly mailboxHttp: number;
  readonly carrier: number;
  readonly smtp: number;
};

/** One process: its entry file, and the variables that configure it. */
export type ProcessPlan = {
  /** Unique; names its folder and its log. */
  readonly name: string;
  /** Absolute path of the TypeScript file. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Its folder, absolute; no other process writes there. */
  readonly home: string;
  /** Its address for people, no slash at the end; empty for nats-server. */
  readonly url: string;
};

/** Every process except the nats-servers. */
export type ClusterPlan = {
  readonly gateway: ProcessPlan;
  readonly carrier: ProcessPlan;
  readonly mailbox: ProcessPlan;
  readonly nodes: readonly ProcessPlan[];
};

/** The ports that follow from a base port. */
export function portsOf(settings: Pick<ClusterSettings, "port" | "nodes">): ClusterPorts {
  return {
    nodes: Array.from({ length: settings.nodes }, (_, index) => settings.port + index),
    gateway: settings.port + portOffsets.gateway,
    mailboxHttp: settings.port + portOffsets.mailboxHttp,
    carrier: settings.port + portOffsets.carrier,
    smtp: settings.port + portOffsets.smtp,
  };
}

/** The address of NATS for the nodes. */
export type NatsPlace = {
  /** In the form of `NATS_URL`: one address, or several separated by commas. */
  readonly url: string;
  /** Copies of everything that is stored there; undefined: as the environment says. */
  readonly replicas?: number;
};

/** Plans the processes of a cluster. Order nodes are named `node-1` and so on. */
export function planCluster(
  settings: Pick<
    ClusterSettings,
    | "home"
    | "fulfillment"
    | "stepDelayMs"
    | "paymentDeadlineMs"
    | "paymentPollMs"
    | "webhooks"
    | "personalKeyFile"
    | "logLevel"
  >,
  ports: ClusterPorts,
  nats: NatsPlace,
): ClusterPlan {
  const gatewayUrl = `http://${LOOPBACK}:${ports.gateway}`;
  const carrierUrl = `http://${LOOPBACK}:${ports.carrier}`;
  const common = {
    ORDERLY_HTTP_HOST: LOOPBACK,
    ORDERLY_DEVELOPMENT: "true",
    ORDERLY_LOG_LEVEL: settings.logLevel,
  };
  return {
    gateway: {
      name: "gateway",
      ...entry("gateway-simulator.ts"),
      home: join(settings.home, "gateway"),
      url: gatewayUrl,
      env: {
        ...common,
        ORDERLY_GATEWAY_PORT: String(ports.gateway),
        ORDERLY_GATEWAY_URL: gatewayUrl,
        ORDERLY_WEBHOOK_URL: ports.nodes
          .map((port) => `http://${LOOPBACK}:${port}/v1/webhooks/payments`)
          .join(","),
        ORDERLY_WEBHOOKS: settings.webhooks,
        ORDERLY_HOME: join(settings.home, "gateway"),
      },
    },
    carrier: {
      name: "carrier",
      ...entry("carrier-simulator.ts"),
      home: join(settings.home, "carrier"),
      url: carrierUrl,
      env: {
        ...common,
        ORDERLY_CARRIER_PORT: String(ports.carrier),
        ORDERLY_CARRIER_WEBHOOK_URL: ports.nodes
          .map((port) => `http://${LOOPBACK}:${port}/v1/webhooks/carrier`)
          .join(","),
        ORDERLY_HOME: join(settings.home, "carrier"),
      },
    },
    mailbox: {
      name: "mailbox",
      ...entry("mailbox.ts"),
      home: join(settings.home, "mailbox"),
      url: `http://${LOOPBACK}:${ports.mailboxHttp}`,
      env: {
        ...common,
        ORDERLY_MAILBOX_HTTP_PORT: String(ports.mailboxHttp),
        ORDERLY_SMTP_PORT: String(ports.smtp),
        ORDERLY_HOME: join(settings.home, "mailbox"),
      },
    },
    nodes: ports.nodes.map((port, index) => {
      const name = `node-${index + 1}`;
      const url = `http://${LOOPBACK}:${port}`;
      const home = join(settings.home, "nodes", name);
      return {
        name,
        ...entry("order-node.ts"),
        home,
        url,
        env: {
          ...common,
          ORDERLY_NODE_ID: name,
          NATS_URL: nats.url,
          ...(nats.replicas === undefined ? {} : { ORDERLY_REPLICAS: String(nats.replicas) }),
          ORDERLY_HTTP_PORT: String(port),
          ORDERLY_PUBLIC_URL: url,
          ORDERLY_GATEWAY_URL: gatewayUrl,
          ORDERLY_CARRIER_URL: carrierUrl,
          ORDERLY_MAILBOX_URL: `http://${LOOPBACK}:${ports.mailboxHttp}`,
          ORDERLY_SMTP_URL: `smtp://${LOOPBACK}:${ports.smtp}`,
          ORDERLY_HOME: home,
          ORDERLY_PERSONAL_KEY_FILE: settings.personalKeyFile,
          ORDERLY_FULFILLMENT: settings.fulfillment,
          ORDERLY_STEP_DELAY_MS: String(settings.stepDelayMs),
          ORDERLY_PAYMENT_DEADLINE_MS: String(settings.paymentDeadlineMs),
          ORDERLY_PAYMENT_POLL_MS: String(settings.paymentPollMs),
        },
      };
    }),
  };
}

function entry(name: string): { readonly file: string; readonly args: readonly string[] } {
  return { file: here(`../${name}`), args: [] };
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** The nats-servers of a local cluster and their settings: one, or three with copies of everything. Pure. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ClusterSettings, routeOffset } from "../../config/settings.ts";
import type { NatsPlace, ProcessPlan } from "./plan.ts";

const LOOPBACK = "127.0.0.1";
const KEEPER = fileURLToPath(new URL("nats-keeper.ts", import.meta.url));

type NatsSettings = Pick<ClusterSettings, "natsServers" | "natsPort" | "home"> &
  Partial<Pick<ClusterSettings, "natsBatches">>;

/** Ports of the nats-servers. */
export type NatsPorts = {
  /** For clients, one per server. */
  readonly clients: readonly number[];
  /** Between the servers, as many; none for a single one. */
  readonly routes: readonly number[];
};

/** Absolute paths of the configurations that a plan's variables complete. */
export const natsConfigs = {
  single: fileURLToPath(new URL("../../config/nats/local.conf", import.meta.url)),
  cluster: fileURLToPath(new URL("../../config/nats/cluster.conf", import.meta.url)),
} as const;

/** The ports that follow from `ORDERLY_NATS_PORT`. */
export function natsPortsOf({ natsServers, natsPort }: Omit<NatsSettings, "home">): NatsPorts {
  const clients = Array.from({ length: natsServers }, (_, index) => natsPort + index);
  return { clients, routes: natsServers === 1 ? [] : clients.map((port) => port + routeOffset) };
}

/** The address of the servers for order nodes. */
export function natsPlaceOf(settings: Omit<NatsSettings, "home">): NatsPlace {
  const { clients } = natsPortsOf(settings);
  return {
    url: clients.map((port) => `nats://${LOOPBACK}:${port}`).join(","),
    ...(settings.natsServers === 1 ? {} : { replicas: settings.natsServers }),
  };
}

/** One keeper for each nats-server, with Orderly's configuration. */
export function planNats(binary: string, settings: NatsSettings): readonly ProcessPlan[] {
  const { clients, routes } = natsPortsOf(settings);
  const isCluster = routes.length > 0;
  return clients.map((port, index) => {
    const name = isCluster ? `nats-${index + 1}` : "nats-server";
    const home = join(settings.home, isCluster ? name : "nats");
    return {
      name,
      file: KEEPER,
      args: [binary, isCluster ? natsConfigs.cluster : natsConfigs.single],
      env: {
        ORDERLY_NATS_PORT: String(port),
        // The server parses values as configuration, so the path goes in quotes.
        ORDERLY_NATS_STORE: JSON.stringify(home),
        ORDERLY_NATS_STORES: String(clients.length),
        ...(isCluster
          ? clusterVariables(name, routes, index)
          : { ORDERLY_NATS_BATCHES: settings.natsBatches ?? "disk" }),
      },
      home,
      url: "",
    };
  });
}

/** The folder in which the other number of servers keeps its data: it must not be mixed with that of `settings`. */
export function foreignNatsHome(settings: NatsSettings): string {
  return join(settings.home, settings.natsServers === 1 ? "nats-1" : "nats");
}

function clusterVariables(name: string, routes: readonly number[], index: number): Record<string, string> {
  return {
    ORDERLY_NATS_NAME: name,
    ORDERLY_NATS_HOST: LOOPBACK,
    ORDERLY_NATS_CLUSTER_PORT: String(routes[index]),
    ...Object.fromEntries(
      routes.map((route, at) => [`ORDERLY_NATS_ROUTE_${at + 1}`, `nats://${LOOPBACK}:${route}`]),
    ),
  };
}

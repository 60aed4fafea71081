/** Which of three nats-servers leads the order stream, and whether every stream has its copies. */
import { invoiceStreams } from "../../../nodes/order/streams.ts";
import type { Lifetime } from "./lifetime.ts";
import { allStreams } from "../../../src/adapters/nats/stream-definitions.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import { apiRequest } from "../../../src/adapters/nats/jetstream-api.ts";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";
import type { NatsServer } from "./nats-server.ts";
import { waitUntil } from "../wait-until.ts";

export type StreamCluster = {
  /** The server that leads the order stream at this moment; waits while one is being elected. */
  leader(): Promise<NatsServer>;
  /** Waits until every stream has a leader and two copies that lag in nothing: one more server may be lost. */
  whole(): Promise<void>;
};

type Info = {
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly {
      readonly current: boolean;
      readonly offline?: boolean;
      readonly lag?: number;
    }[];
  };
};

const ASK_TIMEOUT_MS = 2_000;
const WAIT = { timeoutMs: 60_000, intervalMs: 50 } as const;
const STREAMS = allStreams({
  replicas: 3,
  partitions: 1,
  streams: 1,
  presenceAgeMs: 1_000,
  subjects,
  further: invoiceStreams({ replicas: 3 }),
}).map(({ name }) => name);

/** Whether the stream has a leader and, of `servers` servers, each other one lags in nothing. @throws Unavailable */
export async function isWhole(link: NatsLink, stream: string, servers: number): Promise<boolean> {
  const info = await apiRequest<Info>(link, `STREAM.INFO.${stream}`, undefined, ASK_TIMEOUT_MS);
  const { leader = "", replicas = [] } = info.cluster ?? {};
  const good = replicas.filter((one) => one.current && one.offline !== true && (one.lag ?? 0) === 0);
  return leader !== "" && good.length >= servers - 1;
}

/** @param servers named `nats-1` to `nats-3`, in this order */
export async function watchStreams(t: Lifetime, servers: readonly NatsServer[]): Promise<StreamCluster> {
  const link = await connectNats({
    servers: servers.map(({ url }) => url),
    name: "observer",
    connectTimeoutMs: 10_000,
  });
  t.teardown(() => link.close());
  const info = (stream: string) => apiRequest<Info>(link, `STREAM.INFO.${stream}`, undefined, ASK_TIMEOUT_MS);
  return {
    leader: () =>
      waitUntil(
        "the order stream has a leader",
        async () => {
          const { cluster } = await info(subjects.stream(0));
          return servers[Number(/^nats-(\d)$/u.exec(cluster?.leader ?? "")?.[1] ?? 0) - 1];
        },
        WAIT,
      ),
    async whole() {
      await waitUntil(
        "every stream is whole",
        async () => {
          for (const stream of STREAMS)
            if (!(await isWhole(link, stream, servers.length))) throw new Error(`${stream} is not`);
          return true;
        },
        WAIT,
      );
    },
  };
}

/** The names under which a cluster has stored its messages: subjects, headers and JSON keys, without their values. */
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

/** By kind of message (`orders.journal`, `$KV.FLOORS`): its headers (`header <name>`) and the paths of its keys. */
export type StoredKeys = ReadonlyMap<string, ReadonlySet<string>>;

/** What the server adds: batches, expectations, schedules. */
const OF_THE_SERVER = /^Nats-/u;
/** Values of the machines: their form depends on the state of the order, and that of a fingerprint on the sources. */
const OF_THE_MACHINES = new Set(["common", "context", "input", "output", "fingerprint"]);

/** The keys of all messages that were stored before a time (ms since the epoch), and from it on. No documents. */
export async function storedKeys(
  natsUrl: string,
  time: number,
): Promise<{ readonly before: StoredKeys; readonly since: StoredKeys }> {
  const connection = await connect({ servers: natsUrl });
  const manager = await jetstreamManager(connection);
  const before = new Map<string, Set<string>>();
  const since = new Map<string, Set<string>>();
  for await (const { config, state } of manager.streams.list()) {
    if (config.name.startsWith("OBJ_")) continue;
    // The first sequence of a stream that never had a message is 0.
    for (let seq = Math.max(state.first_seq, 1); seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage(config.name, { seq });
      // A later message of its subject has replaced it.
      if (message === null) continue;
      const keys = message.time.getTime() < time ? before : since;
      const kind = kindOf(message.subject);
      const found = keys.get(kind) ?? new Set();
      keys.set(kind, found);
      for (const name of message.header?.keys() ?? [])
        if (!OF_THE_SERVER.test(name)) found.add(`header ${name}`);
      if (message.data.length > 0) addPaths(message.json(), "", found);
    }
  }
  await connection.close();
  return { before, since };
}

function kindOf(subject: string): string {
  const [first = "", second, third, ...rest] = subject.split(".");
  if (first === "dead") return first;
  if (second === "events") return `${first}.${second}.${rest.join(".")}`;
  return ["ORDERS", "INVOICES_NUMBERS"].includes(second ?? "")
    ? `${first}.${second}.${third}`
    : `${first}.${second}`;
}

/** Keys that are numbers (of partitions) are one: `#`. */
function addPaths(value: unknown, path: string, found: Set<string>): void {
  if (Array.isArray(value)) for (const one of value) addPaths(one, path, found);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    const to = `${path}.${key.replace(/^\d+$/u, "#")}`;
    found.add(to);
    if (!OF_THE_MACHINES.has(key)) addPaths(inner, to, found);
  }
}

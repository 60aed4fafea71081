/**
 * A run of a whole cluster under a random schedule of faults, from one seed: callers, three nodes, crashes, pauses,
 * lost requests and answers, late landings, cut connections, full disks. The same seed gives the same run.
 * What must hold is checked on the log itself, after every step.
 */
import { assign as assignContext, emit, fromPromise, setup } from "xstate";
import { limits } from "../../../src/runtime/limits.ts";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import type { Fault, Operation } from "../../../src/adapters/memory/server.ts";
import type { ActorDefinition } from "../../../src/runtime/definition.ts";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import type { ActorRecord } from "../../../src/runtime/actor/snapshot.ts";
import type { Actors, ParkedActors } from "../../../src/runtime/actors.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { OrderLedger } from "../../simulation/order-ledger.ts";
import { ReplyAudit } from "../../simulation/reply-audit.ts";
import { Violations } from "../../simulation/violations.ts";
import { type ClusterNode, memoryCluster } from "./memory-cluster.ts";

/** mulberry32: small, and the same everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Counts its inputs by their ids, so that a loss or a repetition shows. */
const gateMachine = setup({
  types: {
    context: {} as { seen: string[]; receipts: string[]; closed: number },
    events: {} as { type: "coin" | "tell" | "timer"; by: string },
  },
  actors: { check: fromPromise<string, string>(() => Promise.reject(new Error("run by the runtime"))) },
  delays: { shut: 400 },
}).createMachine({
  id: "gate",
  context: { seen: [], receipts: [], closed: 0 },
  initial: "locked",
  on: {
    tell: { actions: assignContext({ seen: ({ context, event }) => [...context.seen, event.by] }) },
  },
  states: {
    locked: {
      on: {
        coin: {
          target: "checking",
          actions: assignContext({ seen: ({ context, event }) => [...context.seen, event.by] }),
        },
      },
    },
    checking: {
      invoke: {
        id: "check",
        src: "check",
        input: "coin",
        onDone: {
          target: "open",
          actions: [
            assignContext({ receipts: ({ context, event }) => [...context.receipts, event.output] }),
            emit({ type: "gate.opened" }),
          ],
        },
        onError: "locked",
      },
    },
    open: {
      after: {
        shut: { target: "locked", actions: assignContext({ closed: ({ context }) => context.closed + 1 }) },
      },
    },
  },
});

type Gate = {
  readonly seen: readonly string[];
  readonly receipts: readonly string[];
  readonly closed: number;
};
const gateOf = (record: ActorRecord): Gate => record.snapshot.machines["gate"]?.context as Gate;

const PARTITIONS = 3;
const NAMES = ["one", "two", "three"];
const GATES = Array.from({ length: 12 }, (_, i) => `gate_${i}`);

export type Run = {
  /** The violated invariants; empty when all hold. */
  readonly faults: readonly string[];
  readonly acknowledged: number;
  readonly records: number;
  readonly takeovers: number;
};

/** @param steps of random length, up to 300 ms of virtual time each */
export async function chaos(seed: number, steps: number, streams = 1): Promise<Run> {
  const random = randomOf(seed);
  const chance = (share: number): boolean => random() < share;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const cluster = memoryCluster({
    partitions: PARTITIONS,
    streams,
    idleActors: 3,
    latencyMs: () => 1 + Math.floor(random() * 4),
  });
  let trouble = 0;
  cluster.faults.push(({ kind }: Operation): Fault | undefined => {
    if (!chance(trouble)) return undefined;
    const which = random();
    if (which < 0.35) return { lose: "answer" };
    if (which < 0.6) return { lose: "request" };
    // Most replicas lag a little, some far.
    if (kind === "read" && which < 0.75) return { staleBy: 1 + Math.floor(random() ** 4 * 400) };
    return { delayMs: Math.floor(random() * 900) };
  });

  /** The records of each gate as the log has them at this moment. */
  const ledgers = new Map<string, OrderLedger>();
  for (const name of subjects.streams(streams)) {
    const log = cluster.server.log(name);
    let next = 1;
    log.onStored(() => {
      for (; next <= log.lastSequence; next++) {
        const message = log.at(next);
        const [, kind, partition = "", id = ""] = message?.subject.split(".") ?? [];
        if (message === undefined || kind !== "journal") continue;
        const ledger = ledgers.get(id) ?? new OrderLedger(id, Number(partition));
        ledgers.set(id, ledger);
        ledger.records.push(readRecord(message)!);
      }
    });
  }
  const violations = new Violations();
  const replies = new ReplyAudit({ order: (id) => ledgers.get(id), stocks: new Map() }, violations);

  /** Receipts that the outside has given, by key: it honors keys. */
  const books = new Map<string, string>();
  const definition: ActorDefinition = {
    machines: { gate: { machine: gateMachine, version: 1 } },
    listens: {},
    effects: {
      check: {
        provider: "coins",
        timeoutMs: 300,
        maxAttempts: 5,
        backoffMs: 20,
        run: ({ key }) => {
          books.set(key, key);
          // A promise that never ends is what a lost answer looks like from here.
          return chance(trouble) ? new Promise(() => {}) : Promise.resolve(key);
        },
        queryStatus: ({ key }) =>
          Promise.resolve(books.has(key) ? { found: true, output: books.get(key) } : { found: false }),
      },
    },
    settled: (machines) => machines["gate"]?.value !== "checking",
  };

  const nodes = new Map<string, ClusterNode>();
  const paused = new Set<string>();
  const starting = new Set<string>();
  const boot = (name: string): void => {
    starting.add(name);
    void cluster
      .launch(name, definition, (bus) => replies.bus(name, bus))
      .then(
        (node) => {
          // `Router` is both.
          const router = node.actors as Actors & ParkedActors;
          return nodes.set(name, { ...node, actors: replies.actors(name, router) });
        },
        // The server did not answer in time: the process ends, and is started again later.
        () => undefined,
      )
      .finally(() => starting.delete(name));
  };

  const acknowledged = new Map<string, string>();
  const faults: string[] = [];
  let asked = 0;
  const told = new Map<string, number>();
  /** A gate that may get one more command: deduplication covers only an actor's latest commands. */
  const gateToTell = (): string | undefined => {
    const gate = pick(GATES);
    const count = told.get(gate) ?? 0;
    told.set(gate, count + 1);
    return count < limits.recentCommands ? gate : undefined;
  };
  /** Repeats a command through any node until it is answered, as a client does that needs the outcome. */
  const tell = async (gate: string, type: "coin" | "tell"): Promise<void> => {
    const by = `c${++asked}`;
    for (let attempt = 1; attempt <= 40; attempt++) {
      const node = nodes.get(pick(NAMES));
      if (node) {
        const reply = await Promise.race([
          node.actors.command(gate, "gate", { type, by } as { type: string }, { commandId: by, waitMs: 0 }),
          cluster.pause(3000),
        ]);
        if (reply?.status === "ok") {
          acknowledged.set(by, gate);
          return;
        }
        if (reply?.status === "illegal") return;
        if (reply?.status === "not_found") {
          faults.push(`${gate} was not found`);
          return;
        }
      }
      await cluster.pause(50);
    }
  };
  const read = async (gate: string): Promise<void> => {
    await nodes.get(pick(NAMES))?.actors.read(gate);
  };
  const delivered = new Map<string, string>();
  const deliver = async (gate: string): Promise<void> => {
    const by = `d${++asked}`;
    const node = nodes.get(pick(NAMES));
    if (!node) return;
    await node.actors.deliver(gate, "gate", { type: "tell", by } as { type: string }, by).then(
      () => delivered.set(by, gate),
      () => undefined,
    );
  };

  const checked = new Map<string, number>();
  /** One history of records for each gate, and no input counted twice. */
  const check = (): void => {
    for (const gate of GATES) {
      const records = cluster.records(partitionOf(gate, PARTITIONS), gate);
      for (let i = checked.get(gate) ?? 0; i < records.length; i++) {
        const record = records[i] as ActorRecord;
        if (record.snapshot.version !== i + 1)
          faults.push(`${gate}: record ${i + 1} has version ${record.snapshot.version}`);
        const before = i > 0 ? gateOf(records[i - 1] as ActorRecord) : undefined;
        const { seen, receipts } = gateOf(record);
        if (before && before.seen.some((by, at) => seen[at] !== by))
          faults.push(`${gate}: record ${i + 1} forgets`);
        if (new Set(seen).size !== seen.length) faults.push(`${gate}: applied twice, ${seen.join(" ")}`);
        if (new Set(receipts).size !== receipts.length) faults.push(`${gate}: a receipt counted twice`);
      }
      checked.set(gate, records.length);
    }
  };

  for (const name of NAMES) boot(name);
  await cluster.until("all nodes run", () => nodes.size === NAMES.length);
  await cluster.settled();
  for (const gate of GATES) {
    const node = nodes.get(pick(NAMES)) as ClusterNode;
    cluster.ok(await cluster.done(node.actors.start(gate, {}, { waitMs: 0, mayExist: false })));
  }
  trouble = 0.08;
  for (let step = 0; step < steps && faults.length === 0; step++) {
    for (let i = Math.floor(random() * 4); i > 0; i--) {
      const gate = gateToTell();
      if (gate) void tell(gate, chance(0.5) ? "coin" : "tell");
    }
    for (let i = Math.floor(random() * 3); i > 0; i--) void read(pick(GATES));
    const gate = chance(0.4) ? gateToTell() : undefined;
    if (gate) void deliver(gate);
    const name = pick(NAMES);
    const node = nodes.get(name);
    const what = random();
    if (node && what < 0.06) {
      node.kill();
      nodes.delete(name);
      paused.delete(name);
    } else if (!node && !starting.has(name) && what < 0.5) {
      boot(name);
    } else if (node && what < 0.12) {
      node.clock.pause();
      paused.add(name);
    } else if (node && paused.has(name) && what < 0.6) {
      node.clock.resume();
      paused.delete(name);
    } else if (node && what < 0.17) {
      node.link.disconnect();
    } else if (node && what < 0.2) {
      node.link.cut();
    } else if (node && what < 0.24) {
      node.outbox.failWith("disk full");
    } else if (node && what < 0.6) {
      node.outbox.failWith(undefined);
      node.link.reconnect();
    }
    await cluster.clock.advance(Math.floor(random() * 300));
    check();
    faults.push(...violations.found);
  }

  // No more faults: every promise has to be kept from now on.
  trouble = 0;
  cluster.repairDisks();
  for (const name of NAMES) {
    const node = nodes.get(name);
    node?.clock.resume();
    node?.link.reconnect();
    if (!node && !starting.has(name)) boot(name);
  }
  await cluster.clock.advance(10_000);
  faults.push(...violations.found);
  for (const name of NAMES) if (!nodes.has(name)) boot(name);
  await cluster.clock.advance(40_000);
  check();
  const last = new Map(
    GATES.map((gate) => {
      return [gate, cluster.records(partitionOf(gate, PARTITIONS), gate).at(-1)] as const;
    }),
  );
  for (const [by, gate] of [...acknowledged, ...delivered]) {
    const record = last.get(gate);
    if (!record || !gateOf(record).seen.includes(by))
      faults.push(`${gate}: ${by} was acknowledged and is lost`);
  }
  for (const [gate, record] of last) {
    const value = record?.snapshot.machines["gate"]?.value;
    if (value !== "locked") faults.push(`${gate} is stuck in ${JSON.stringify(value)}`);
    if (record && record.snapshot.effects.length + record.snapshot.timers.length > 0)
      faults.push(`${gate} has open effects or timers`);
  }
  for (const [name, { node }] of nodes) {
    const { partitions, relay } = node.status();
    if (relay.depth > 0) faults.push(`${name} has ${relay.depth} write sets unresolved`);
    for (const { partition, lag } of partitions)
      if (lag > 0) faults.push(`${name}: partition ${partition} lags`);
  }
  const owned = [...nodes.values()].flatMap(({ node }) =>
    node
      .status()
      .partitions.filter(({ open }) => open)
      .map(({ partition }) => partition),
  );
  if (owned.length !== PARTITIONS || new Set(owned).size !== PARTITIONS)
    faults.push(`partitions are open as ${owned.join(" ")}`);
  const checkpoints = Array.from(
    { length: PARTITIONS },
    (_, partition) => cluster.checkpoint(partition)?.open ?? [],
  );
  if (checkpoints.flat().length > 0) faults.push(`checkpoints list ${checkpoints.flat().join(" ")}`);
  for (const node of nodes.values()) node.kill();
  return {
    faults,
    acknowledged: acknowledged.size,
    records: [...checked.values()].reduce((sum, count) => sum + count, 0),
    takeovers: Array.from({ length: PARTITIONS }, (_, p) => cluster.lockChanges(p)).reduce(
      (sum, count) => sum + count,
      0,
    ),
  };
}

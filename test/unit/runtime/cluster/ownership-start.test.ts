import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { MemoryServer } from "../../../../src/adapters/memory/server.ts";
import { Ownership } from "../../../../src/runtime/cluster/ownership.ts";
import type { Journal, Log } from "../../../../src/runtime/ports.ts";
import type { Presence } from "../../../../src/runtime/cluster/presence.ts";

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

const resource = (name: string, journal: Journal) => ({
  name,
  lock: subjects.lock(name),
  journal,
  acquire: () => Promise.resolve(),
  revoke() {},
  drain: () => Promise.resolve(),
});

t.test("a starting node sees a lock that changes between its reading and its watch", async (t) => {
  const clock = new VirtualClock();
  const { journal } = memoryNode(new MemoryServer({ subjects, clock }), "node-2");
  const store = async (subject: string, payload: string): Promise<void> => {
    const stored = journal.append([{ subject, payload }], 1000);
    await clock.advance(10);
    t.match(await stored, { status: "stored" });
  };
  const claim = (name: string): Promise<void> => {
    const entry = { node: "node-1", boot: "boot-1", nonce: "n", since: "" };
    return store(subjects.lock(name), JSON.stringify(entry));
  };
  await claim("partition.0");
  for (let n = 2; n <= 5; n++) await store(subjects.event(0, "order.created"), "{}");
  let watchedFrom: number | undefined;
  // Another node claims both meanwhile, one of them for the first time.
  const reading: Journal = {
    ...journal,
    readLastTogether: async (locks, through) => {
      const found = journal.readLastTogether(locks, through);
      await clock.advance(10);
      const answer = await found;
      t.strictSame([...answer.last.keys()], [subjects.lock("partition.0")]);
      await claim("partition.0");
      await claim("partition.1");
      return answer;
    },
    consume: (options, onMessage) => {
      watchedFrom = options.fromSequence;
      return journal.consume(options, onMessage);
    },
  };
  const presence = {
    valid: () => true,
    present: () => ["node-1"],
    isAlive: () => true,
    incompatible: () => new Map(),
    moves: () => new Map(),
  };
  const ownership = new Ownership({
    subjects,
    clock,
    ids: { next: () => "nonce" },
    log: silent,
    presence: presence as unknown as Presence,
    node: "node-2",
    boot: "boot-2",
    commitTimeoutMs: 1000,
    resources: [resource("partition.0", reading), resource("partition.1", reading)],
  });
  const started = ownership.start();
  await clock.advance(1000);
  await started;
  await clock.advance(1000);
  t.match(ownership.owners(), [
    { resource: "partition.0", node: "node-1", epoch: 6 },
    { resource: "partition.1", node: "node-1", epoch: 7 },
  ]);
  t.equal(watchedFrom, 6, "the server does not scan everything stored since the oldest lock");
  await ownership.stop();
});

t.test(
  "a node with more locks than one reading takes misses none that changes between two readings",
  async (t) => {
    const clock = new VirtualClock();
    let reading = 0;
    let watchedFrom: number | undefined;
    // The first reading is as of 5, the second as of 9: a lock of the first may have changed at 6.
    const journal: Pick<Journal, "readLastTogether" | "consume"> = {
      readLastTogether: (locks) => {
        t.ok(locks.length <= 1000);
        return Promise.resolve({ last: new Map(), through: [5, 9][reading++]! });
      },
      consume: ({ fromSequence, filters }) => {
        watchedFrom = fromSequence;
        t.equal(filters.length, 1001);
        return Promise.resolve({ stop: () => Promise.resolve() });
      },
    };
    const ownership = new Ownership({
      subjects,
      clock,
      ids: { next: () => "nonce" },
      log: silent,
      presence: { valid: () => false } as unknown as Presence,
      node: "node-2",
      boot: "boot-2",
      commitTimeoutMs: 1000,
      resources: Array.from({ length: 1001 }, (_, n) => resource(`partition.${n}`, journal as Journal)),
    });
    await ownership.start();
    t.equal(reading, 2);
    t.equal(watchedFrom, 6);
    await ownership.stop();
  },
);

import t from "tap";
import { subjects } from "../../../config/subjects.ts";
import { memoryNode } from "../../../src/adapters/connection.memory.ts";
import { VirtualClock } from "../../../src/adapters/clock.virtual.ts";
import { MemoryServer } from "../../../src/adapters/server.memory.ts";
import { Ownership } from "../../../src/runtime/ownership.ts";
import type { Journal, Log } from "../../../src/runtime/ports.ts";
import type { Presence } from "../../../src/runtime/presence.ts";

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

const resource = (name: string, journal: Journal) => ({
  name,
  lock: subjects.lock(name),
  journal,
  acquire: () => Promise.resolve(),
  revoke() {},
  drain: () => Promise.resolve(),
});

t.test(
  "a lock that changes between the reading of a starting node and its watch is not missed",
  async (t) => {
    const clock = new VirtualClock();
    const { journal } = memoryNode(new MemoryServer({ clock }), "node-2");
    const claim = async (name: string): Promise<void> => {
      const entry = { node: "node-1", boot: "boot-1", nonce: "n", since: "" };
      const stored = journal.append([{ subject: subjects.lock(name), payload: JSON.stringify(entry) }], 1000);
      await clock.advance(10);
      t.match(await stored, { status: "stored" });
    };
    await claim("partition.0");
    // Both are claimed by somebody else meanwhile, one of them for the first time.
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
    };
    const presence = {
      valid: () => true,
      present: () => ["node-1"],
      isAlive: () => true,
      unfit: () => new Map(),
    };
    const ownership = new Ownership({
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
      { resource: "partition.0", node: "node-1", epoch: 2 },
      { resource: "partition.1", node: "node-1", epoch: 3 },
    ]);
    await ownership.stop();
  },
);

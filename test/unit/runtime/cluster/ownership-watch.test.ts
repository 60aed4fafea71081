import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { Ownership } from "../../../../src/runtime/cluster/ownership.ts";
import type { Journal, Log, Message, StoredMessage } from "../../../../src/runtime/ports.ts";
import type { Presence } from "../../../../src/runtime/cluster/presence.ts";

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** A journal whose watch is faster than its answers. */
function lockLog() {
  let tell: ((message: StoredMessage) => void) | undefined;
  let sequence = 0;
  const store = ({ subject, payload }: Message): number => {
    sequence += 1;
    tell?.({ subject, sequence, at: 0, headers: {}, payload });
    return sequence;
  };
  const journal: Pick<Journal, "append" | "readLastTogether" | "consume"> = {
    async append([message]) {
      const lastSequence = store(message!);
      // The next owner claims the lock at once, and the watch shows that before this node gets its answer.
      if (message!.payload.includes('"node":""')) claimed(message!.subject);
      await Promise.resolve();
      return { status: "stored", lastSequence };
    },
    readLastTogether: () => Promise.resolve({ last: new Map(), through: 0 }),
    consume(_options, onMessage) {
      tell = (message) => void onMessage(message);
      return Promise.resolve({ stop: () => Promise.resolve() });
    },
  };
  const claimed = (subject: string): void => {
    const entry = { node: "node-2", boot: "boot-2", nonce: "nonce-2", since: "" };
    store({ subject, payload: JSON.stringify(entry) });
  };
  return { journal: journal as Journal, last: () => sequence };
}

t.test(
  "a node whose watch shows the next owner before its release is answered knows the next owner",
  async (t) => {
    const clock = new VirtualClock();
    const { journal, last } = lockLog();
    const presence = {
      valid: () => true,
      present: () => ["node-1"],
      isAlive: () => true,
      incompatible: () => new Map(),
      moves: () => new Map(),
    };
    let drained = 0;
    const name = "partition.0";
    const ownership = new Ownership({
      subjects,
      clock,
      ids: { next: () => "nonce-1" },
      log: silent,
      presence: presence as unknown as Presence,
      node: "node-1",
      boot: "boot-1",
      commitTimeoutMs: 1000,
      resources: [
        {
          name,
          lock: subjects.lock(name),
          journal,
          acquire: () => Promise.resolve(),
          revoke() {},
          drain: () => Promise.resolve(void drained++),
        },
      ],
    });
    await ownership.start();
    await new Promise(setImmediate);
    t.strictSame(ownership.held(), [name]);
    t.match(ownership.owners(), [{ resource: name, node: "node-1", epoch: 1 }]);

    let stopped = false;
    void ownership.stop().finally(() => {
      stopped = true;
    });
    await clock.advanceUntil(() => stopped, 1000);
    t.equal(drained, 1);
    t.equal(last(), 3, subjects.lock(name));
    t.strictSame(ownership.owners(), [{ resource: name, node: "node-2", epoch: 3 }]);
  },
);

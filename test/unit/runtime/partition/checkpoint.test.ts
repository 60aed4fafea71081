/** The checkpoint entry: claimed by a new owner, refused to a deposed one, whatever is lost in between. */
import t from "tap";
import { type Bucket, Unavailable } from "../../../../src/runtime/ports.ts";
import {
  Checkpoint,
  type CheckpointOrigin,
  type StoredCheckpoint,
} from "../../../../src/runtime/partition/checkpoint.ts";
import type { CheckpointState } from "../../../../src/runtime/tenure/inbox-progress.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";

const KEY = "partition.0";
const NOTHING: CheckpointState = { through: 0, open: [], lagging: [], parkedAt: 0 };
const LATER: CheckpointState = { through: 40, open: ["a"], lagging: ["b"], parkedAt: 30 };

const at = (through: number): CheckpointState => ({ ...NOTHING, through });

/** A log without an end, whose newest lock is another owner's. */
const endless: CheckpointOrigin = {
  history: { stamp: () => ({}), contradicts: async () => undefined },
  lastSequence: async () => Number.POSITIVE_INFINITY,
  holdsLock: async () => false,
};

const away = () => Promise.reject(new Unavailable("no answer"));

/** A bucket that counts its operations. */
function stage() {
  const { bucket, entries, faults } = faultyBucket();
  const counts = { reads: 0, writes: 0 };
  const counted: Pick<Bucket, "get" | "update"> = {
    get: (key) => {
      counts.reads++;
      return bucket.get(key);
    },
    update: (key, value, revision) => {
      counts.writes++;
      return bucket.update(key, value, revision);
    },
  };
  return {
    bucket: counted as Bucket,
    faults,
    counts,
    claim: (epoch: number, from: Bucket = counted as Bucket, origin = endless) =>
      Checkpoint.claim(from, KEY, epoch, origin),
    stored: () => JSON.parse(entries.get(KEY)?.value ?? "null") as StoredCheckpoint | null,
    /** Writes the entry as a node of any version may have left it. */
    left: (value: string) => entries.set(KEY, { value, revision: 1000 }),
  };
}

t.test(
  "from the claim of a new owner on, every write of the deposed owner is refused, also after a refresh",
  async (t) => {
    const { claim, stored } = stage();
    const old = await claim(1);
    t.equal(await old.entry.write(LATER), true);
    const next = await claim(2);
    t.strictSame(next.state, LATER, "the new owner gets everything that the old one stated");
    t.strictSame(
      stored(),
      { through: 40, epoch: 2, open: ["a"], behind: ["b"], parkedAt: 30 },
      "the claim itself rewrites the entry, before the new owner has anything to state",
    );
    t.equal(await old.entry.write(at(50)), false, "refused");
    t.equal(await old.entry.refresh(), false, "the entry is another owner's");
    t.equal(await old.entry.write(at(60)), false, "and a refresh does not help");
    t.equal(stored()?.through, 40);
    t.equal(await next.entry.write(at(41)), true, "the first write of the new owner is taken");
    t.strictSame(stored(), { through: 41, epoch: 2, open: [], behind: [], parkedAt: 0 });
    t.equal(await old.entry.write(at(70)), false);
    t.equal(await old.entry.refresh(), false);
  },
);

t.test("an owner writes again and again, each time with its epoch and all that it states", async (t) => {
  const { claim, stored, counts } = stage();
  const { entry, state } = await claim(7);
  t.strictSame(state, NOTHING, "there is no entry yet: everything is replayed");
  for (const through of [10, 20, 30]) {
    t.equal(await entry.write({ through, open: ["x"], lagging: ["y", "z"], parkedAt: through - 1 }), true);
    t.strictSame(stored(), { through, epoch: 7, open: ["x"], behind: ["y", "z"], parkedAt: through - 1 });
  }
  t.equal(counts.writes, 4, "the claim and three writes");
});

t.test("what has not changed is not written again, and what differs in any field is", async (t) => {
  const { claim, counts } = stage();
  const { entry } = await claim(1);
  await entry.write(LATER);
  const before = counts.writes;
  t.equal(await entry.write({ ...LATER }), true);
  t.equal(counts.writes, before, "the same again");
  const changes: Partial<CheckpointState>[] = [
    { through: 41 },
    { open: ["a", "c"] },
    { lagging: [] },
    { parkedAt: 31 },
  ];
  for (const [n, change] of changes.entries()) {
    t.equal(await entry.write({ ...LATER, ...change }), true);
    t.equal(counts.writes, before + n + 1, JSON.stringify(change));
  }
});

t.test(
  "a write that was refused or lost counts as not written: the same state is written again",
  async (t) => {
    const { claim, faults, stored } = stage();
    const { entry } = await claim(1);
    faults.push("lose-request");
    t.equal(await entry.write(LATER), false, "it never arrived");
    t.equal(stored()?.through, 0);
    t.equal(await entry.refresh(), true, "still this owner's");
    t.equal(await entry.write(LATER), true);
    t.equal(stored()?.through, 40);
  },
);

t.test("after a write whose answer was lost the owner reads the revision again and goes on", async (t) => {
  const { claim, faults, stored } = stage();
  const { entry } = await claim(1);
  faults.push("lose-answer");
  t.equal(await entry.write(at(10)), false, "the owner does not know");
  t.equal(stored()?.through, 10, "though it is stored");
  t.equal(await entry.write(at(20)), false, "its revision is outdated now");
  t.equal(await entry.refresh(), true);
  t.equal(await entry.write(at(20)), true);
  t.equal(stored()?.through, 20);
});

t.test("after a write whose answer was lost, the state before it counts as changed", async (t) => {
  const { claim, faults, stored } = stage();
  const { entry } = await claim(1);
  t.equal(await entry.write(LATER), true);
  faults.push("lose-answer");
  t.equal(await entry.write({ ...LATER, open: [] }), false);
  t.equal(await entry.refresh(), true);
  t.equal(await entry.write(LATER), true);
  t.strictSame(stored()?.open, ["a"], "the entry is not left as the lost write had it");
});

t.test("a claim whose answer was lost is claimed again, and keeps what the entry stated", async (t) => {
  const { claim, faults, stored } = stage();
  const old = await claim(1);
  await old.entry.write(LATER);
  faults.push("lose-answer");
  const next = await claim(2);
  t.strictSame(next.state, LATER);
  t.equal(stored()?.epoch, 2);
  t.equal(await next.entry.write(at(41)), true);
});

t.test("a claim that met an old reading reads again, and returns what the entry states now", async (t) => {
  const { bucket, claim } = stage();
  const old = await claim(1);
  await old.entry.write(at(10));
  const outdated = await bucket.get(KEY);
  await old.entry.write(LATER);
  let readings = 0;
  const lagging: Pick<Bucket, "get" | "update"> = {
    get: (key) => (readings++ === 0 ? Promise.resolve(outdated) : bucket.get(key)),
    update: (key, value, revision) => bucket.update(key, value, revision),
  };
  const next = await claim(2, lagging as Bucket);
  t.equal(readings, 2);
  t.strictSame(next.state, LATER, "not what the replica that lags knew");
});

t.test("a deposed owner whose claim arrives late does not take the entry of a newer one", async (t) => {
  const { claim, stored } = stage();
  await claim(5);
  await t.rejects(claim(4), Unavailable, "the entry belongs to a newer epoch");
  t.equal(stored()?.epoch, 5);
  const again = await claim(5);
  t.strictSame(again.state, NOTHING, "an entry of the same epoch is this owner's own");
});

t.test("a claim ends after ten tries, and the owner may try again later", async (t) => {
  const { claim, counts, faults } = stage();
  for (let n = 0; n < 10; n++) faults.push("lose-request");
  await t.rejects(claim(1), Unavailable);
  t.strictSame(counts, { reads: 10, writes: 10 });
  t.ok(await claim(1));
});

t.test("a refresh of an entry that is not there is false", async (t) => {
  const { bucket } = stage();
  const hidden: Pick<Bucket, "get" | "update"> = {
    get: () => Promise.resolve(undefined),
    update: (key, value, revision) => bucket.update(key, value, revision),
  };
  const { entry } = await Checkpoint.claim(hidden as Bucket, KEY, 1, endless);
  t.equal(await entry.refresh(), false);
});

t.test("an entry that is not whole states nothing: everything is replayed", async (t) => {
  const whole = { through: 5, epoch: 1, open: ["a"], behind: ["b"], parkedAt: 3 };
  const broken = [
    "",
    "{",
    "[]",
    JSON.stringify({ ...whole, through: "5" }),
    JSON.stringify({ ...whole, through: 5.5 }),
    JSON.stringify({ ...whole, epoch: null }),
    JSON.stringify({ ...whole, parkedAt: "3" }),
    JSON.stringify({ ...whole, open: "a" }),
    JSON.stringify({ ...whole, behind: {} }),
    "7",
    "null",
    JSON.stringify({ ...whole, through: -1 }),
    JSON.stringify({ ...whole, through: 1e300 }),
    JSON.stringify({ ...whole, epoch: -5 }),
    JSON.stringify({ ...whole, open: ["a", 7] }),
    JSON.stringify({ ...whole, behind: [null] }),
    JSON.stringify({ ...whole, log: 7 }),
    JSON.stringify({ ...whole, mark: "here" }),
    JSON.stringify({ ...whole, mark: { sequence: -1, at: 0 } }),
  ];
  for (const value of broken) {
    const { claim, left } = stage();
    left(value);
    t.match(await claim(2), { state: NOTHING, ignored: "it cannot be read" }, value);
  }
  const { claim, left } = stage();
  left(JSON.stringify(whole));
  t.strictSame((await claim(2)).state, { through: 5, open: ["a"], lagging: ["b"], parkedAt: 3 });
});

t.test("an entry of an earlier version, without lagging and parked actors, is read", async (t) => {
  const { claim, left } = stage();
  left(JSON.stringify({ through: 5, epoch: 1, open: ["a"] }));
  t.strictSame((await claim(2)).state, { through: 5, open: ["a"], lagging: [], parkedAt: 0 });
});

t.test("an entry of the future of the log states nothing", async (t) => {
  const whole = { through: 5, epoch: 1, open: ["a"], behind: ["b"], parkedAt: 3 };
  const origin = { ...endless, lastSequence: async () => 25 };
  for (const future of [
    { ...whole, through: 26 },
    { ...whole, parkedAt: 157_000 },
  ]) {
    const { bucket, claim, left } = stage();
    left(JSON.stringify(future));
    t.match(await claim(20, bucket, origin), { state: NOTHING, ignored: /the log ends at 25/u });
  }
  const { bucket, claim, left } = stage();
  left(JSON.stringify({ ...whole, through: 25 }));
  const { state, ignored } = await claim(20, bucket, origin);
  t.equal(ignored, undefined, "a deposed owner may have come further than the lock of the next one");
  t.equal(state.through, 25);
});

t.test("an entry with an epoch that the log has not reached states nothing, and gets an owner", async (t) => {
  const { bucket, claim, left, stored } = stage();
  left(JSON.stringify({ through: 5, epoch: Number.MAX_SAFE_INTEGER, open: ["a"], behind: [], parkedAt: 0 }));
  await t.rejects(claim(20), Unavailable, "not while the lock may be another owner's");
  await t.rejects(claim(20, bucket, { ...endless, holdsLock: away }), Unavailable);
  const { entry, state, ignored } = await claim(20, bucket, { ...endless, holdsLock: async () => true });
  t.strictSame(state, NOTHING);
  t.match(ignored, /its epoch 9007199254740991 is of the future/u);
  t.equal(await entry.write(at(21)), true);
  t.match(stored(), { epoch: 20, through: 21 });
});

t.test("an entry carries the stamp of its log, and one about another log states nothing", async (t) => {
  const { bucket, claim, left, stored, counts } = stage();
  const mark = { sequence: 50, at: 1000 };
  const asked: unknown[] = [];
  const origin: CheckpointOrigin = {
    ...endless,
    history: {
      stamp: () => ({ log: "mine", mark }),
      contradicts: async (stamp) => {
        asked.push({ log: stamp.log, mark: stamp.mark });
        return stamp.log === "other" ? "it is about the log other, not mine" : undefined;
      },
    },
  };
  const { entry } = await claim(1, bucket, origin);
  await entry.write(LATER);
  t.match(stored(), { log: "mine", mark, through: 40 });
  const { writes } = counts;
  await entry.write({ ...LATER });
  t.equal(counts.writes, writes, "a newer mark alone is no reason to write");
  t.strictSame((await claim(2, bucket, origin)).state, LATER);
  t.strictSame(asked, [{ log: "mine", mark }]);
  left(JSON.stringify({ ...stored(), log: "other" }));
  const { state, ignored } = await claim(3, bucket, origin);
  t.strictSame(state, NOTHING);
  t.match(ignored, /about the log other/u);
  left(JSON.stringify({ through: 40, epoch: 1, open: [], behind: [], parkedAt: 0 }));
  t.equal(
    (await claim(4, bucket, origin)).state.through,
    40,
    "one of version 0.1.0, without a stamp, counts",
  );
});

t.test("of an entry whose mark is older than what it states, the rest is replayed", async (t) => {
  const { claim, left, stored } = stage();
  const mark = { sequence: 20, at: 1000 };
  left(
    JSON.stringify({ through: 26, epoch: 1, open: ["a"], behind: ["b"], parkedAt: 24, log: "mine", mark }),
  );
  const { state } = await claim(2);
  t.strictSame(state, { through: 20, open: ["a"], lagging: ["b"], parkedAt: 20 });
  t.match(stored(), { through: 20, epoch: 2 }, "so that the next owner replays it too");
});

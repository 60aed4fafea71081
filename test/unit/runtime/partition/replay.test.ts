/** The replay of a new owner, with a consumer that a test drives by hand: its end, and what it finds. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { type Journal, type StoredMessage, Unavailable } from "../../../../src/runtime/ports.ts";
import { type Replay, replay } from "../../../../src/runtime/partition/replay.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { silent } from "../commit/relay-stage.ts";
import { openEffect, snapshot } from "../tenure/activation-stage.ts";

const LOCK = subjects.lock("partition.0");
const EPOCH = 100;
/** Longer than the pause between two checks of the replay. */
const LONG_MS = 2700;

function stage({ from = 1, epoch = EPOCH } = {}) {
  const clock = new VirtualClock();
  const records: [string, number][] = [];
  let asked: { readonly filters: readonly string[]; readonly fromSequence: number } | undefined;
  let deliver: ((message: StoredMessage) => void | Promise<void>) | undefined;
  let stops = 0;
  let isNeeded = true;
  const journal = {
    consume: async (options: typeof asked, onMessage: NonNullable<typeof deliver>) => {
      asked = options;
      deliver = onMessage;
      return { stop: async () => void stops++ };
    },
  } as unknown as Journal;
  let result: Replay | undefined;
  const ended = replay({
    subjects,
    journal,
    clock,
    log: silent,
    partition: 0,
    lock: LOCK,
    from,
    epoch,
    onRecord: (actor, sequence) => void records.push([actor, sequence]),
    isNeeded: () => isNeeded,
  }).then((found) => (result = found));
  const give = async (subject: string, sequence: number, payload = ""): Promise<void> => {
    const message = { subject, sequence, payload, headers: {}, at: 0 } as unknown as StoredMessage;
    await deliver?.(message);
    await clock.advance(0);
  };
  return {
    clock,
    records,
    ended,
    asked: () => asked,
    stops: () => stops,
    result: () => result,
    leave: () => (isNeeded = false),
    give,
    record: (actor: string, sequence: number, more: object = {}) =>
      give(subjects.record(0, actor), sequence, JSON.stringify({ snapshot: { ...snapshot(1), ...more } })),
    input: (actor: string, sequence: number) =>
      give(
        subjects.inbox(0, actor),
        sequence,
        JSON.stringify({ kind: "event", machine: "m", event: { type: "e" }, id: `e${sequence}` }),
      ),
    parking: (actor: string, sequence: number, status: "parked" | "resumed") =>
      give(
        subjects.parked(0, actor),
        sequence,
        JSON.stringify({ status, actor, id: `p${sequence}`, parking: "p" }),
      ),
    lock: (sequence = epoch) => give(LOCK, sequence, "{}"),
  };
}
const inputs = (found: Replay | undefined) =>
  found?.inputs.map(({ actor, sequence }) => `${actor}${sequence}`);

t.test(
  "a replay that takes longer than its checks are apart ends with the lock entry, and not before",
  async (t) => {
    const { clock, record, input, lock, result, stops } = stage();
    await clock.advance(LONG_MS);
    t.equal(result(), undefined, "the first message is late");
    await record("a", 10, { effects: [openEffect] });
    await clock.advance(LONG_MS);
    t.equal(result(), undefined, "nothing comes for a while in the middle");
    for (let sequence = 11; sequence < 20; sequence++) {
      await input("b", sequence);
      await clock.advance(300);
    }
    t.equal(result(), undefined, "it goes on");
    t.equal(stops(), 0);
    await lock();
    t.same([...(result()?.open ?? [])], [["a", 10]]);
    t.equal(result()?.inputs.length, 9);
    t.equal(stops(), 1, "the consumer is stopped");
  },
);

t.test(
  "the replay ends with the lock entry of its own epoch, not with one of an earlier or later owner",
  async (t) => {
    const { lock, record, result } = stage();
    await lock(50);
    await lock(99);
    t.equal(result(), undefined);
    await record("a", 99);
    await lock(101);
    t.equal(result(), undefined, "a later entry proves nothing: it may be another consumer's beginning");
    await lock(100);
    t.equal(result()?.count, 1);
  },
);

t.test(
  "a message at the sequence of the lock entry that is not the lock does not end the replay",
  async (t) => {
    const { give, result } = stage();
    await give(subjects.lock("partition.1"), EPOCH, "{}");
    t.equal(result(), undefined);
  },
);

t.test(
  "an actor whose last record has a timer without a schedule is open; one with a schedule is not",
  async (t) => {
    const { lock, record, result } = stage();
    const timer = { id: "t", machine: "m", event: { type: "t" }, generation: 1000, dueAt: 5 };
    const bare = { ...timer, unscheduled: true };
    await record("a", 10, { timers: [timer, bare] });
    await record("b", 11, { timers: [timer] });
    await record("c", 12, { timers: [bare] });
    await record("c", 13, { timers: [] });
    await lock();
    t.same([...(result()?.open ?? [])], [["a", 10]]);
  },
);

t.test("what is stored after the lock entry is not of the replay", async (t) => {
  const { input, record, parking, lock, result, records } = stage();
  await input("a", 99);
  await input("a", 101);
  await record("b", 102, { effects: [openEffect] });
  await parking("c", 103, "parked");
  await lock();
  t.same([inputs(result()), result()?.open.size, result()?.parkings.size], [["a99"], 0, 0]);
  t.same([records, result()?.count], [[], 1]);
});

t.test("the consumer reads records, inboxes, parkings and the lock, from the checkpoint on", async (t) => {
  const { asked } = stage({ from: 40 });
  t.equal(asked()?.fromSequence, 40);
  t.same(
    asked()?.filters.toSorted(),
    [subjects.records(0), subjects.inboxes(0), subjects.parkedActors(0), LOCK].toSorted(),
  );
});

t.test("the consumer reads the lock entry also when the checkpoint is at it or after it", async (t) => {
  for (const from of [99, 100, 101, 5000]) {
    const { asked } = stage({ from });
    t.equal(asked()?.fromSequence, Math.min(from, EPOCH), `from ${from}`);
  }
});

t.test("a replay that is not needed any more ends at the next check, and stops its consumer", async (t) => {
  const { clock, record, leave, result, stops } = stage();
  await record("a", 10);
  leave();
  await clock.advance(499);
  t.equal(result(), undefined);
  await clock.advance(1);
  t.equal(result()?.count, 1);
  t.equal(stops(), 1);
});

t.test("a consumer that cannot begin fails the replay", async (t) => {
  const failing = { consume: () => Promise.reject(new Unavailable("not connected")) } as unknown as Journal;
  await t.rejects(
    replay({
      subjects,
      journal: failing,
      clock: new VirtualClock(),
      log: silent,
      partition: 0,
      lock: LOCK,
      from: 1,
      epoch: EPOCH,
      onRecord: () => {},
      isNeeded: () => true,
    }),
    Unavailable,
  );
});

t.test("an actor is open by its last record: with effects, or one that cannot be read", async (t) => {
  const { record, give, lock, result, records } = stage();
  await record("opened", 10);
  await record("opened", 11, { effects: [openEffect] });
  await record("closed", 12, { effects: [openEffect] });
  await record("closed", 13);
  await record("again", 14, { effects: [openEffect] });
  await record("again", 15, { effects: [openEffect] });
  await give(subjects.record(0, "broken"), 16, "no record");
  await record("repaired", 17);
  await give(subjects.record(0, "repaired"), 18, "no record");
  await record("repaired", 19);
  await lock();
  t.same(
    [...(result()?.open ?? [])],
    [
      ["opened", 11],
      ["again", 15],
      ["broken", 16],
    ],
  );
  t.same(
    records.map(([, sequence]) => sequence),
    [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
    "the sequence of every record is known, of an unreadable one too",
  );
  t.equal(result()?.count, 10);
});

t.test(
  "an input is dropped when a record has evaluated it, exactly up to the record's inbox offset",
  async (t) => {
    const { record, input, lock, result } = stage();
    for (const sequence of [10, 11, 12]) await input("a", sequence);
    await input("b", 13);
    await record("a", 14, { inbox: 11 });
    await input("a", 15);
    await record("b", 16, { inbox: 13 });
    await record("a", 17, { inbox: 11 });
    await lock();
    t.same(inputs(result()), ["a12", "a15"]);
  },
);

t.test("the inputs of several actors are in the order of the stream", async (t) => {
  const { input, lock, result } = stage();
  for (const [actor, sequence] of [
    ["b", 10],
    ["a", 11],
    ["b", 12],
    ["c", 13],
    ["a", 14],
  ] as const) {
    await input(actor, sequence);
  }
  await lock();
  t.same(inputs(result()), ["b10", "a11", "b12", "c13", "a14"]);
});

t.test("an unreadable record keeps the inputs of its actor", async (t) => {
  const { input, give, lock, result } = stage();
  await input("a", 10);
  await give(subjects.record(0, "a"), 11, "no record");
  await lock();
  t.same(inputs(result()), ["a10"]);
});

t.test("an unreadable input is passed over", async (t) => {
  const { input, give, lock, result } = stage();
  await give(subjects.inbox(0, "a"), 10, "no input");
  await input("a", 11);
  await lock();
  t.same([inputs(result()), result()?.count], [["a11"], 2]);
});

t.test("the last message about a parking counts", async (t) => {
  const { parking, lock, result } = stage();
  await parking("a", 10, "parked");
  await parking("a", 11, "resumed");
  await parking("b", 12, "resumed");
  await parking("b", 13, "parked");
  await lock();
  t.same(
    [...(result()?.parkings ?? [])].map(([actor, { entry, sequence }]) => [actor, entry.status, sequence]),
    [
      ["a", "resumed", 11],
      ["b", "parked", 13],
    ],
  );
});

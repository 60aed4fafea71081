/** Loads of actors, with a journal whose readings a test answers by hand. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import {
  type Journal,
  ReplicaLagging,
  type StoredMessage,
  Unavailable,
} from "../../../../src/runtime/ports.ts";
import { Semaphore } from "../../../../src/runtime/semaphore.ts";
import { ActivationCache } from "../../../../src/runtime/tenure/activation-cache.ts";
import type { Activation } from "../../../../src/runtime/tenure/activation.ts";
import { Loader } from "../../../../src/runtime/tenure/loader.ts";
import { MachineFault } from "../../../../src/runtime/actor/machine.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { silent } from "../commit/relay-stage.ts";
import { command, event, headOf, snapshot } from "./activation-stage.ts";
import { record } from "./tenure-stage.ts";

const EPOCH = 70;
const LOCK = subjects.lock("partition.0");
/** Readings of one load when the replica lags. */
const READS = 10;

type Read = {
  readonly subjects: readonly string[];
  readonly through: number;
  answer(sequence: number, payload?: string): void;
  fail(error: Error): void;
};

function stage({ width = 32 } = {}) {
  const clock = new VirtualClock();
  const reads: Read[] = [];
  const events: string[] = [];
  let ended = false;
  const activations = new ActivationCache(10);
  const stored = JSON.stringify({ snapshot: snapshot(1) });
  const journal = {
    readLastTogether: (asked: readonly string[], through: number) =>
      new Promise((resolve, reject) => {
        const subject = asked[0] ?? "";
        const message = (sequence: number, payload: string): StoredMessage => ({
          subject,
          sequence,
          payload,
          headers: {},
          at: 0,
        });
        reads.push({
          subjects: asked,
          through,
          answer: (sequence, payload = stored) =>
            resolve({
              last: new Map(sequence > 0 ? [[subject, message(sequence, payload)]] : []),
              through: 1000,
            }),
          fail: reject,
        });
      }),
  } as unknown as Journal;
  const loader = new Loader(
    {
      subjects,
      definition: { machines: {}, listens: {}, effects: {}, settled: () => true },
      journal,
      clock,
      log: silent,
      partition: 0,
      lock: { subject: LOCK, epoch: EPOCH },
      activations,
      loads: new Semaphore(width),
      ended: () => ended,
    },
    {
      loaded: ({ actor }) => void events.push(`loaded ${actor}`),
      loadEnded: ({ actor }) => void events.push(`ended ${actor}`),
      loadFailed: () => void events.push("failed"),
      unreadable: (activation, error) => {
        events.push(`unreadable ${activation.actor} ${error.name}`);
        activations.delete(activation);
      },
    },
  );
  const withInput = (actor = "d"): Activation => {
    const activation = activations.activation(actor);
    activation.enqueue(event(5));
    return activation;
  };
  return {
    clock,
    reads,
    events,
    activations,
    loader,
    withInput,
    end: () => (ended = true),
    tick: () => clock.advance(0),
  };
}

t.test("a reading reaches the lock entry, and what this owner has forgotten, and has a proof", async (t) => {
  const { reads, activations, loader, withInput, tick } = stage();
  void loader.load(withInput());
  await tick();
  t.same([reads[0]?.subjects, reads[0]?.through], [[record("d"), LOCK], EPOCH]);
  for (let i = 0; i <= 10_000; i++) activations.knows(`a${i}`, 500);
  void loader.load(withInput("e"));
  await tick();
  t.same([reads[1]?.subjects, reads[1]?.through], [[record("e"), LOCK], 500]);
});

t.test("a reading is taken at or above the sequence that is known, and rejected below it", async (t) => {
  for (const [sequence, taken] of [
    [49, false],
    [50, true],
    [51, true],
    [0, false],
  ] as const) {
    const { reads, activations, loader, withInput, tick, events } = stage();
    activations.knows("d", 50);
    const activation = withInput();
    void loader.load(activation);
    await tick();
    reads[0]?.answer(sequence);
    await tick();
    t.equal(activation.isLoaded(), taken, `a record at ${sequence}`);
    t.same(events, taken ? ["loaded d", "ended d"] : ["failed"]);
  }
});

t.test("a read names a sequence of its own, which counts as well", async (t) => {
  for (const [atLeast, known] of [
    [50, 0],
    [0, 50],
    [30, 50],
    [50, 30],
  ] as const) {
    const { reads, activations, loader, tick } = stage();
    activations.knows("d", known);
    const read = loader.fetch(activations.activation("d"), atLeast);
    await tick();
    reads[0]?.answer(49);
    await t.rejects(read, Unavailable, `${atLeast}, ${known}`);
  }
});

t.test("an actor without a record is loaded as one that does not exist", async (t) => {
  const { reads, loader, withInput, tick, events } = stage();
  const activation = withInput();
  void loader.load(activation);
  await tick();
  reads[0]?.answer(0);
  await tick();
  t.equal(activation.phase, "ready");
  t.same([activation.head, activation.sequence, events], [undefined, 0, ["loaded d", "ended d"]]);
});

t.test(
  "a replica that lags is asked again soon, up to ten times; another fault ends the load at once",
  async (t) => {
    const { reads, clock, loader, withInput, events } = stage();
    void loader.load(withInput());
    for (let read = 1; read <= READS; read++) {
      await clock.advanceUntil(() => reads.length === read, 200);
      t.equal(reads.length, read);
      reads[read - 1]?.fail(new ReplicaLagging("it lags"));
    }
    await clock.advance(200);
    t.equal(reads.length, READS, "the next load comes after a longer pause");
    t.same(events, ["failed"]);
    await clock.advance(100);
    t.equal(reads.length, READS + 1);
    reads[READS]?.fail(new Unavailable("no leader"));
    await clock.advance(200);
    t.equal(reads.length, READS + 1);
    t.same(events, ["failed", "failed"]);
  },
);

t.test("a lagging replica is not asked again once the tenure has ended", async (t) => {
  const { reads, clock, loader, withInput, end, tick, events } = stage();
  void loader.load(withInput());
  await tick();
  end();
  reads[0]?.fail(new ReplicaLagging("it lags"));
  await clock.advance(10_000);
  t.equal(reads.length, 1);
  t.same(events, []);
});

t.test("a load that ends after the tenure has ended gives its state to no activation", async (t) => {
  const { reads, loader, withInput, end, tick, events } = stage();
  const activation = withInput();
  void loader.load(activation);
  await tick();
  end();
  reads[0]?.answer(60);
  await tick();
  t.notOk(activation.isLoaded());
  t.notOk(events.includes("loaded d"));
  void loader.load(activation);
  await tick();
  t.equal(reads.length, 1, "and none begins");
});

t.test("one reading of an actor is under way at a time; those who ask meanwhile share it", async (t) => {
  const { reads, activations, loader, withInput, tick } = stage();
  const activation = withInput();
  void loader.load(activation);
  const first = loader.fetch(activation, 0);
  const second = loader.stored("d", 0);
  await tick();
  t.equal(reads.length, 1);
  reads[0]?.answer(60);
  await tick();
  t.equal((await first)?.version, 1);
  t.equal((await second).sequence, 60);
  void loader.fetch(activations.activation("d"), 0);
  await tick();
  t.equal(reads.length, 2, "the next one reads anew");
});

t.test("those who share a reading check it against what each of them knows", async (t) => {
  const { reads, loader, tick } = stage();
  const low = loader.stored("d", 10);
  const high = loader.stored("d", 90);
  await tick();
  reads[0]?.answer(60);
  t.equal((await low).sequence, 60);
  await t.rejects(high, Unavailable);
});

t.test("a reading that failed is not shared with those who come later", async (t) => {
  const { reads, loader, tick } = stage();
  const first = loader.stored("d", 0);
  await tick();
  reads[0]?.fail(new Unavailable("no leader"));
  await t.rejects(first, Unavailable);
  void loader.stored("d", 0);
  await tick();
  t.equal(reads.length, 2);
});

t.test("a bounded number of readings is under way, the others follow", async (t) => {
  const { reads, loader, withInput, tick } = stage({ width: 2 });
  for (const actor of ["a", "b", "c"]) void loader.load(withInput(actor));
  await tick();
  t.equal(reads.length, 2);
  reads[0]?.answer(0);
  await tick();
  t.equal(reads.length, 3);
});

t.test(
  "a failed load answers its callers, keeps the other inputs, and is repeated after a pause",
  async (t) => {
    const { reads, clock, loader, withInput, tick } = stage();
    const activation = withInput();
    const replies: ActorReply[] = [];
    activation.enqueue({ ...command, reply: (reply) => void replies.push(reply) });
    void loader.load(activation);
    await tick();
    reads[0]?.fail(new Unavailable("no leader"));
    await tick();
    t.match(replies, [{ status: "unavailable" }]);
    t.equal(reads.length, 1);
    await clock.advance(249);
    t.equal(reads.length, 1);
    await clock.advance(1);
    t.equal(reads.length, 2);
    reads[1]?.answer(60);
    await tick();
    t.equal(activation.next()?.inbox, 5);
  },
);

t.test("a failed load of an actor that only callers waited for leaves nothing in memory", async (t) => {
  const { reads, clock, activations, loader, tick } = stage();
  const activation = activations.activation("d");
  activation.enqueue(command);
  void loader.load(activation);
  await tick();
  reads[0]?.fail(new Unavailable("no leader"));
  await clock.advance(1000);
  t.equal(reads.length, 1);
  t.equal(activations.size, 0);
  t.ok(activation.isRetired());
});

t.test(
  "a failed load does not touch an activation that another reading has loaded or that is retired",
  async (t) => {
    for (const act of [
      (activation: Activation) => activation.take(headOf(3), 80),
      (activation: Activation) => activation.retire(),
    ]) {
      const { reads, clock, loader, withInput, tick, events } = stage();
      const activation = withInput();
      void loader.load(activation);
      await tick();
      act(activation);
      const { phase } = activation;
      reads[0]?.fail(new Unavailable("no leader"));
      await clock.advance(1000);
      t.same([activation.phase, reads.length, events], [phase, 1, []]);
    }
  },
);

t.test("a record that is none is reported as unreadable; a load of it is not repeated", async (t) => {
  for (const payload of ["", "no json", "{}", JSON.stringify({ snapshot: { machines: 1 } })]) {
    const { reads, clock, loader, withInput, tick, events } = stage();
    void loader.load(withInput());
    await tick();
    reads[0]?.answer(60, payload);
    await clock.advance(1000);
    t.same(events, ["unreadable d MachineFault"], payload);
    t.equal(reads.length, 1);
    const asked = loader.stored("e", 0);
    await tick();
    reads[1]?.answer(60, payload);
    await t.rejects(asked, MachineFault);
  }
});

t.test(
  "a load that is put off begins after the pause, once, unless a read has loaded the activation",
  async (t) => {
    const { reads, clock, loader, withInput, tick } = stage();
    const activation = withInput();
    loader.loadAfterPause(activation);
    loader.loadAfterPause(activation);
    void loader.load(activation);
    await clock.advance(249);
    t.equal(reads.length, 0, "no load begins meanwhile");
    await clock.advance(1);
    t.equal(reads.length, 1, "the second request has added nothing");
    reads[0]?.answer(60);
    await tick();
    const other = withInput("e");
    loader.loadAfterPause(other);
    void loader.fetch(other, 0);
    await tick();
    reads[1]?.answer(0);
    await clock.advance(1000);
    t.equal(reads.length, 2);
    t.equal(other.phase, "ready");
  },
);

/** One node, or two, with faults aimed at the turns of an actor: nothing may get lost between two awaits. */
import t from "tap";
import { assign as assignContext, emit, fromPromise, setup } from "xstate";
import { VirtualClock } from "../../../src/adapters/clock.virtual.ts";
import { memoryNode } from "../../../src/adapters/connection.memory.ts";
import { MemoryServer } from "../../../src/adapters/server.memory.ts";
import type { ActorReply } from "../../../src/runtime/actors.ts";
import type { Input } from "../../../src/runtime/cascade.ts";
import { EffectRunner } from "../../../src/runtime/effects.ts";
import { Tenure } from "../../../src/runtime/tenure.ts";
import type { Work } from "../../../src/runtime/cell.ts";
import type { Unit } from "../../../src/runtime/unit.ts";
import { silent } from "./relay-stage.ts";
import { subjects } from "../../../config/subjects.ts";
import type { ActorDefinition, EffectHandler } from "../../../src/runtime/definition.ts";
import { Unavailable } from "../../../src/runtime/ports.ts";
import { turnstile } from "../../support/turnstile.ts";
import { memoryCluster } from "./memory-cluster.ts";

/** Remembers every note in order; `work` starts an effect, `poison` throws. */
const diaryMachine = setup({
  types: {
    context: {} as { notes: string[]; done: string[] },
    events: {} as { type: string },
  },
  actors: { job: fromPromise<string, string>(() => Promise.reject(new Error("run by the runtime"))) },
}).createMachine({
  id: "diary",
  context: { notes: [], done: [] },
  initial: "idle",
  on: {
    poison: {
      actions: assignContext(() => {
        throw new Error("poison");
      }),
    },
    "note.*": {
      actions: assignContext({ notes: ({ context, event }) => [...context.notes, event.type] }),
    },
  },
  states: {
    idle: { on: { work: "working" } },
    working: {
      on: { stop: "idle" },
      invoke: {
        id: "job",
        src: "job",
        input: "x",
        onDone: {
          target: "idle",
          actions: [
            assignContext({ done: ({ context, event }) => [...context.done, event.output] }),
            emit({ type: "diary.worked" }),
          ],
        },
        onError: "idle",
      },
    },
  },
});

function diary(run: EffectHandler["run"] = ({ key }) => Promise.resolve(key)): ActorDefinition {
  return {
    machines: { diary: { machine: diaryMachine, version: 1 } },
    listens: {},
    effects: { job: { provider: "jobs", timeoutMs: 60_000, maxAttempts: 3, backoffMs: 10, run } },
    settled: () => true,
  };
}

type Diary = { readonly notes: string[]; readonly done: string[] };
type States = { readonly machines: Readonly<Record<string, { readonly context: unknown }>> };
const notes = ({ machines }: States): string[] => (machines["diary"] as { context: Diary }).context.notes;
const worked = ({ machines }: States): string[] => (machines["diary"] as { context: Diary }).context.done;

const NOW = { waitMs: 0, mayExist: false } as const;
const record = (actor: string): string => subjects.record(0, actor);

t.test("inbox inputs keep their order while the local store refuses them", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  one.outbox.failWith("disk full");
  cluster.inbox(0, "d", "diary", "note.1", "e1");
  // Refused twice: the second time the input is put off for a while.
  await cluster.clock.advance(100);
  cluster.inbox(0, "d", "diary", "note.2", "e2");
  one.outbox.failWith(undefined);
  await cluster.clock.advance(5000);
  const reply = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(notes(reply.snapshot), ["note.1", "note.2"]);
});

t.test("inbox inputs keep their order while their actor cannot be read", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  one.kill();
  let refuse = 2;
  cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") && refuse-- > 0 ? { lose: "request" } : undefined,
  );
  const two = await cluster.start("two", diary());
  await cluster.settled();
  cluster.inbox(0, "d", "diary", "note.1", "e1");
  await cluster.clock.advance(4050);
  cluster.inbox(0, "d", "diary", "note.2", "e2");
  await cluster.clock.advance(5000);
  const reply = cluster.ok(await cluster.done(two.actors.read("d")));
  t.same(notes(reply.snapshot), ["note.1", "note.2"]);
});

const work = (input: Input, inbox: number): Work => ({
  input,
  inbox,
  waitMs: 0,
  mayExist: input.kind !== "start",
  reply: () => {},
  attempts: 0,
});

/** A tenure whose units are settled by hand. */
async function byHand(run?: EffectHandler["run"]) {
  const clock = new VirtualClock();
  const { journal } = memoryNode(new MemoryServer({ clock }), "one");
  const definition = diary(run);
  const units: Unit[] = [];
  let ids = 0;
  const effects = new EffectRunner({ handlers: definition.effects, clock, log: silent });
  const tenure = new Tenure(
    {
      definition,
      journal,
      sink: { submit: (unit) => void units.push(unit) },
      effects,
      clock,
      ids: { next: () => `id${++ids}` },
      log: silent,
      node: "one",
      idleActors: 10,
    },
    0,
    1,
  );
  return {
    clock,
    tenure,
    units,
    start: () => tenure.dispatch("d", work({ kind: "start", input: {} }, 0)),
    send: (type: string, inbox = 0) =>
      tenure.dispatch("d", work({ kind: "event", machine: "diary", event: { type }, id: `${type}!` }, inbox)),
    /** The oldest unit becomes the last record of the actor. */
    store: async (): Promise<void> => {
      const unit = units.shift();
      if (!unit) throw new Error("no unit");
      const [message] = unit.messages;
      if (!message) throw new Error("an empty unit");
      let at = 0;
      void journal.append([message], 100).then((result) => {
        at = result.status === "stored" ? result.lastSequence : -1;
        return at;
      });
      await clock.advanceUntil(() => at !== 0, 100);
      unit.settled({ status: "stored", sequences: new Map([[record("d"), at]]), lastSequence: at });
    },
    drop: (): void => {
      units.pop()?.settled({ status: "dropped", why: "store_unavailable" });
    },
  };
}

t.test("a commit that is stored after its actor was given up still starts its effects", async (t) => {
  const { tenure, units, clock, start, send, store, drop } = await byHand();
  start();
  await store();
  send("work");
  send("note.1");
  t.equal(units.length, 2);
  drop();
  await clock.advance(10);
  t.equal(units.length, 1, "nothing is decided on what is about to change");
  t.match(tenure.floor(Number.POSITIVE_INFINITY).open, ["d"]);
  await store();
  await clock.advance(10);
  t.equal(units.length, 2, "the note again, and the outcome of the effect");
  await store();
  await store();
  const { snapshot } = (await tenure.read("d")) as Extract<ActorReply, { status: "ok" }>;
  t.same([notes(snapshot), worked(snapshot), snapshot.version], [["note.1"], ["d:diary.job:2000"], 4]);
});

t.test("an input that changed nothing shares the fate of the state that it met", async (t) => {
  const { tenure, units, clock, start, send, store, drop } = await byHand();
  start();
  await store();
  send("note.1", 10);
  send("unknown", 11);
  send("note.2", 12);
  drop();
  t.equal(tenure.backlog(), 3);
  await store();
  t.equal(tenure.backlog(), 1, "the first is stored, the second was met by what is stored");
  await clock.advance(10);
  t.equal(units.length, 1);
  await store();
  t.equal(tenure.backlog(), 0);
  t.equal(tenure.floor(Number.POSITIVE_INFINITY).open.length, 0);
});

t.test("a failed reading does not throw away an actor that another reading has loaded", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const zero = await cluster.start("zero", diary());
  await cluster.settled();
  await cluster.done(zero.actors.start("d", {}, NOW));
  zero.kill();
  const one = await cluster.start("one", diary());
  await cluster.settled();
  let reads = 0;
  cluster.faults.push(({ kind, subject }) => {
    if (kind !== "read" || subject !== record("d")) return undefined;
    return ++reads === 2 ? { lose: "answer" } : { delayMs: 50 };
  });
  const read = one.actors.read("d");
  const work = one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 });
  // Until the other reading has run into its time limit.
  const until = cluster.clock.monotonic() + 2300;
  cluster.faults.push(({ kind, subject }) =>
    kind === "append" && subject === record("d") && cluster.clock.monotonic() < until
      ? { lose: "request" }
      : undefined,
  );
  cluster.ok(await cluster.done(read));
  cluster.ok(await cluster.done(work));
  await cluster.clock.advance(5000);
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(worked(snapshot), ["d:diary.job:2000"], "the effect ran");
});

t.test(
  "an effect under way when its actor was given up is resumed by the same node's next ownership",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    let calls = 0;
    const definition = diary(({ key }) => (++calls === 1 ? new Promise(() => {}) : Promise.resolve(key)));
    const one = await cluster.start("one", definition);
    await cluster.settled();
    await cluster.done(one.actors.start("d", {}, NOW));
    await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 }));
    await cluster.until("called", () => calls === 1);
    // The actor's state in memory is given up, and cannot be read again.
    let unreadable = true;
    cluster.faults.push(({ kind, subject }) =>
      unreadable && kind === "read" && subject === record("d") ? { lose: "request" } : undefined,
    );
    one.outbox.failWith("disk full");
    void one.actors.command("d", "diary", { type: "note.1" }, { commandId: "c2", waitMs: 0 });
    await cluster.clock.advance(20);
    one.outbox.failWith(undefined);
    // Somebody else takes the lock and is gone again.
    cluster.server.log("KV_ORDERS").propose(
      [
        {
          subject: subjects.lock("partition.0"),
          payload: JSON.stringify({ node: "", boot: "", nonce: "n", since: "" }),
        },
      ],
      () => {},
    );
    await cluster.clock.advance(10);
    unreadable = false;
    await cluster.settled();
    await cluster.clock.advance(5000);
    t.equal(calls, 2);
    const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
    t.same(worked(snapshot), ["d:diary.job:2000"]);
  },
);

t.test("an actor that was given up stays in the floor's list until it is read again", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const hanging = diary(() => new Promise(() => {}));
  const one = await cluster.start("one", hanging);
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 }));
  await cluster.clock.advance(3000);
  t.same(cluster.floor(0)?.open, ["d"]);
  cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") ? { lose: "request" } : undefined,
  );
  one.outbox.failWith("disk full");
  void one.actors.command("d", "diary", { type: "note.1" }, { commandId: "c2", waitMs: 0 });
  await cluster.clock.advance(20);
  one.outbox.failWith(undefined);
  // Other actors go on, so that the floor does too.
  for (let i = 0; i < 3; i++) {
    await cluster.done(one.actors.start(`other${i}`, {}, NOW));
    await cluster.clock.advance(1500);
  }
  t.same(cluster.floor(0)?.open, ["d"]);
  one.kill();
  cluster.faults.length = 0;
  const two = await cluster.start("two", diary());
  await cluster.settled();
  await cluster.clock.advance(3000);
  const { snapshot } = cluster.ok(await cluster.done(two.actors.read("d")));
  t.same(worked(snapshot), ["d:diary.job:2000"], "the next owner resumed it");
});

t.test("memory stays bounded although many actors have effects that take long", async (t) => {
  const cluster = memoryCluster({ partitions: 1, idleActors: 20 });
  const one = await cluster.start(
    "one",
    diary(() => new Promise(() => {})),
  );
  await cluster.settled();
  for (let i = 0; i < 12; i++) {
    await cluster.done(one.actors.start(`busy${i}`, {}, NOW));
    await cluster.done(
      one.actors.command(`busy${i}`, "diary", { type: "work" }, { commandId: "c", waitMs: 0 }),
    );
  }
  for (let i = 0; i < 100; i++) await cluster.done(one.actors.start(`idle${i}`, {}, NOW));
  const actors = one.node.status().partitions[0]?.actors ?? 0;
  t.ok(actors <= 34, `${actors} actors in memory`);
});

t.test("reads that fail leave nothing behind", async (t) => {
  const cluster = memoryCluster({ partitions: 1, idleActors: 10 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject.startsWith(record("none")) ? { lose: "request" } : undefined,
  );
  const reads = Array.from({ length: 50 }, (_, i) => one.actors.read(`none${i}`));
  const replies = await cluster.done(Promise.all(reads));
  t.ok(replies.every((reply) => reply.status === "unavailable"));
  await cluster.clock.advance(3000);
  t.ok((one.node.status().partitions[0]?.actors ?? 0) <= 10);
});

t.test("a parked actor does not hold the partition's progress up, and its inputs are not lost", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  await cluster.done(one.actors.start("e", {}, NOW));
  cluster.inbox(0, "d", "diary", "poison", "e1");
  const after = cluster.inbox(0, "d", "diary", "note.1", "e2");
  await cluster.clock.advance(100);
  t.equal(one.node.status().partitions[0]?.parked, 1);
  t.equal(one.node.status().partitions[0]?.lag, 0, "room in the inbox");
  await cluster.done(one.actors.command("e", "diary", { type: "note.1" }, { commandId: "c", waitMs: 0 }));
  cluster.inbox(0, "e", "diary", "note.2", "e3");
  await cluster.clock.advance(3000);
  t.ok((cluster.floor(0)?.through ?? 0) > after);
  one.kill();
  const two = await cluster.start("two", diary());
  await cluster.settled();
  await cluster.clock.advance(1000);
  t.equal(two.node.status().partitions[0]?.parked, 1, "the input is met again");
});

t.test("a takeover whose commands cannot be served leaves nobody behind who answers for it", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  let fail = 1;
  const one = await cluster.start("one", diary(), (bus) => ({
    ...bus,
    flush: () => (fail-- > 0 ? Promise.reject(new Unavailable("not now")) : bus.flush()),
  }));
  await cluster.settled();
  t.equal(cluster.server.listeners(subjects.command(0)).length, 1);
  cluster.ok(await cluster.done(one.actors.start("d", {}, NOW)));
});

t.test("a floor that is ahead of the lock does not keep the next owner waiting", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  one.kill();
  cluster.server.log("KV_FLOORS").propose(
    [
      {
        subject: "$KV.FLOORS.partition.0",
        payload: JSON.stringify({ through: 10_000, epoch: cluster.epoch(0), open: [] }),
      },
    ],
    () => {},
  );
  const two = await cluster.start("two", diary());
  await cluster.settled();
  t.equal((await cluster.done(two.actors.read("d"))).status, "ok");
});

t.test("the floor of a new owner is never behind the one it found", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  for (let i = 0; i < 3; i++) {
    await cluster.done(one.actors.start(`d${i}`, {}, NOW));
    await cluster.clock.advance(1500);
  }
  const { through } = cluster.floor(0) ?? { through: 0 };
  t.ok(through > 0);
  one.kill();
  cluster.faults.push(({ node, kind, subject }) =>
    node === "two" && kind === "append" && subject.startsWith("orders.journal")
      ? { lose: "request" }
      : undefined,
  );
  const two = await cluster.start("two", diary());
  await cluster.settled();
  void two.actors.start("stuck", {}, NOW);
  await cluster.clock.advance(4000);
  t.ok((cluster.floor(0)?.through ?? 0) >= through);
});

t.test("a caller on the owner itself gets an answer in time while the server stays silent", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  cluster.faults.push(({ kind, subject }) =>
    kind === "append" && subject === record("d") ? { lose: "request" } : undefined,
  );
  const reply = await cluster.done(
    one.actors.command("d", "diary", { type: "note.1" }, { commandId: "c1", waitMs: 1000 }),
    10_000,
  );
  t.equal(reply.status, "unavailable");
  cluster.faults.length = 0;
  const again = cluster.ok(
    await cluster.done(
      one.actors.command("d", "diary", { type: "note.1" }, { commandId: "c1", waitMs: 1000 }),
    ),
  );
  t.same(notes(again.snapshot), ["note.1"], "applied once");
});

t.test("an input delivered twice, or whose answer was lost, is delivered", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  let lose = 1;
  cluster.faults.push(({ kind, subject }) =>
    kind === "append" && subject === subjects.inbox(0, "d") && lose-- > 0 ? { lose: "answer" } : undefined,
  );
  await cluster.done(one.actors.deliver("d", "diary", { type: "note.1" }, "e1"));
  await cluster.done(one.actors.deliver("d", "diary", { type: "note.1" }, "e1"));
  await cluster.clock.advance(1000);
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(notes(snapshot), ["note.1"]);
});

t.test("an input that cannot be delivered is told as unavailable in the end", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  cluster.faults.push(({ kind, subject }) =>
    kind === "append" && subject === subjects.inbox(0, "d") ? { lose: "request" } : undefined,
  );
  await t.rejects(
    cluster.done(one.actors.deliver("d", "diary", { type: "note.1" }, "e1"), 120_000),
    Unavailable,
  );
});

t.test("a new owner does not believe a reading that is older than what it replayed", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const hanging = diary(() => new Promise(() => {}));
  const one = await cluster.start("one", hanging);
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 }));
  one.kill();
  let stale = 2;
  cluster.faults.push(({ node, kind, subject }) =>
    node === "two" && kind === "read" && subject === record("d") && stale-- > 0
      ? { staleBy: cluster.server.log("KV_ORDERS").lastSequence - 3 }
      : undefined,
  );
  const two = await cluster.start("two", diary());
  await cluster.settled();
  await cluster.clock.advance(3000);
  const { snapshot } = cluster.ok(await cluster.done(two.actors.read("d")));
  t.same(worked(snapshot), ["d:diary.job:2000"], "the effect ran");
});

t.test("draining ends as soon as nothing is under way", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const zero = await cluster.start("zero", diary());
  await cluster.settled();
  await cluster.done(zero.actors.start("d", {}, NOW));
  zero.kill();
  const one = await cluster.start("one", diary());
  await cluster.settled();
  cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") ? { delayMs: 200 } : undefined,
  );
  // Changes nothing, and has to read the actor first.
  void one.actors.command("d", "diary", { type: "stop" }, { commandId: "c1", waitMs: 0 });
  await cluster.clock.advance(5);
  const begun = cluster.clock.monotonic();
  await cluster.done(one.node.stop());
  t.ok(cluster.clock.monotonic() - begun < 1000, `took ${cluster.clock.monotonic() - begun} ms`);
});

t.test("a timer that fires while its commit has no answer yet is not lost", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start(
    "one",
    turnstile((key) => Promise.resolve({ receipt: key })),
  );
  await cluster.settled();
  await cluster.done(one.actors.start("g", { lockAfterMs: 50 }, NOW));
  let lose = 0;
  cluster.faults.push(({ kind, subject }) => {
    if (kind !== "append" || subject !== record("g")) return undefined;
    // The second commit arms the timer.
    return ++lose === 2 || lose === 3 ? { lose: "answer" } : undefined;
  });
  await cluster.done(
    one.actors.command("g", "turnstile", { type: "coin" }, { commandId: "c1", waitMs: 3000 }),
  );
  await cluster.clock.advance(3000);
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("g")));
  t.equal(snapshot.machines["turnstile"]?.value, "locked");
});

t.test("an actor that left memory is not read as it was before it left", async (t) => {
  const cluster = memoryCluster({ partitions: 1, idleActors: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  const told = (actor: string, type: string) =>
    cluster.done(one.actors.command(actor, "diary", { type }, { commandId: type, waitMs: 0 }));
  await cluster.done(one.actors.start("d", {}, NOW));
  const before = cluster.server.log("KV_ORDERS").lastSequence;
  await told("d", "note.1");
  await cluster.done(one.actors.start("e", {}, NOW));
  await cluster.done(one.actors.start("f", {}, NOW));
  let stale = 1;
  cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject === record("d") && stale-- > 0
      ? { staleBy: cluster.server.log("KV_ORDERS").lastSequence - before }
      : undefined,
  );
  const reply = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(notes(reply.snapshot), ["note.1"]);
});

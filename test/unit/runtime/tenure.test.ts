/** One node, or two, with faults aimed at the turns of an actor: nothing may get lost between two awaits. */
import t from "tap";
import { assign as assignContext, emit, fromPromise, setup } from "xstate";
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

const notes = (snapshot: { machines: Readonly<Record<string, { context: unknown }>> }): string[] =>
  (snapshot.machines["diary"]?.context as { notes: string[] }).notes;
const worked = (snapshot: { machines: Readonly<Record<string, { context: unknown }>> }): string[] =>
  (snapshot.machines["diary"]?.context as { done: string[] }).done;

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

t.test("a commit that is stored after its actor was given up still starts its effects", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  let delay = true;
  cluster.faults.push(({ kind, subject }) => {
    if (kind !== "append" || subject !== record("d") || !delay) return undefined;
    delay = false;
    return { delayMs: 300 };
  });
  const work = one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 });
  await cluster.clock.advance(10);
  // While that is on its way, the store refuses the next turn: the actor's state in memory is given up.
  one.outbox.failWith("disk full");
  cluster.inbox(0, "d", "diary", "note.1", "e1");
  await cluster.clock.advance(10);
  one.outbox.failWith(undefined);
  cluster.ok(await cluster.done(work));
  await cluster.clock.advance(3000);
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(worked(snapshot), ["d:diary.job:2000"], "the effect ran");
  t.same(notes(snapshot), ["note.1"]);
  t.same(
    cluster.records(0, "d").map((stored) => stored.snapshot.version),
    [1, 2, 3, 4],
  );
});

t.test("an input that changes nothing is evaluated even when its actor is given up meanwhile", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  let delay = true;
  cluster.faults.push(({ kind, subject }) => {
    if (kind !== "append" || subject !== record("d") || !delay) return undefined;
    delay = false;
    return { delayMs: 300 };
  });
  cluster.inbox(0, "d", "diary", "note.1", "e1");
  await cluster.clock.advance(10);
  const ignored = cluster.inbox(0, "d", "diary", "unknown", "e2");
  await cluster.clock.advance(10);
  one.outbox.failWith("disk full");
  cluster.inbox(0, "d", "diary", "note.3", "e3");
  await cluster.clock.advance(10);
  one.outbox.failWith(undefined);
  await cluster.clock.advance(2000);
  t.equal(one.node.status().partitions[0]?.lag, 0, "nothing is left over");
  cluster.inbox(0, "d", "diary", "note.4", "e4");
  await cluster.clock.advance(5000);
  t.ok((cluster.floor(0)?.through ?? 0) >= ignored, "the floor goes on");
  const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(notes(snapshot), ["note.1", "note.3", "note.4"]);
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
  let hold = true;
  cluster.faults.push(({ kind, subject }) => {
    if (kind !== "append" || subject !== record("d") || !hold) return undefined;
    hold = false;
    // Until the other reading has run into its time limit.
    return { delayMs: 2200 };
  });
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
  const unreadable = ({ kind, subject }: { kind: string; subject: string }) =>
    kind === "read" && subject === record("d") ? ({ lose: "request" } as const) : undefined;
  cluster.faults.push(unreadable);
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
  cluster.ok(await cluster.done(two.actors.read("d")));
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

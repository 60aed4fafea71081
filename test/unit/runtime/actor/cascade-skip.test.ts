/** Effects and timers by their generation: states that are left again or passed, and skips; what a record keeps. */
import t from "tap";
import { createMachine } from "xstate";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import { NOW, begin, command, definitionOf, jobs, must, next } from "./cascade-stage.ts";

const timed = createMachine({
  id: "timed",
  initial: "on",
  states: { on: { after: { 500: "off" }, on: { again: { target: "on", reenter: true } } }, off: {} },
});

const skipOutcome = (generation: number | undefined): Input => ({
  kind: "skip",
  name: "effect:w.job",
  skipped: { kind: "effect", id: "w.job", generation: generation ?? 0 },
});

t.test("a skip of an outcome closes the effect of its generation, and no other of the same id", async (t) => {
  const busy = must(next(jobs, begin(jobs).head, command("w", "go")));
  const left = must(next(jobs, busy.head, command("w", "leave")));
  const again = must(next(jobs, left.head, command("w", "go")));
  const [old, fresh] = again.head.snapshot.effects;
  const skipped = must(next(jobs, again.head, skipOutcome(old?.generation)));
  t.same(
    skipped.head.snapshot.effects.map(({ generation }) => generation),
    [fresh?.generation],
  );
  t.same(skipped.closed, ["w.job"]);
  t.equal(skipped.head.snapshot.machines["w"]?.value, "busy", "no machine moves");
});

t.test(
  "a skip of a timer removes the timer of its generation, and not one that was armed since",
  async (t) => {
    const definition = definitionOf({ m: timed });
    const started = begin(definition);
    const again = must(next(definition, started.head, command("m", "again")));
    const [first, second] = [started.armed[0], again.armed[0]];
    if (!first || !second) throw new Error("no timer");
    const skip = (generation: number): Input => ({
      kind: "skip",
      name: "timer",
      skipped: { kind: "timer", machine: "m", timer: first.id, generation },
    });
    t.same(must(next(definition, again.head, skip(first.generation))).head.snapshot.timers, [second]);
    t.same(must(next(definition, again.head, skip(second.generation))).head.snapshot.timers, []);
  },
);

t.test("the id of a skipped event is remembered, so that a repetition of it is not applied", async (t) => {
  const skip: Input = { kind: "skip", name: "inbox:go", skipped: { kind: "event", id: "msg-1" } };
  const { snapshot } = must(next(jobs, begin(jobs).head, skip, { inbox: 7 })).head;
  t.same([snapshot.commands, snapshot.inbox], [["msg-1"], 7]);
});

t.test("every record keeps the time of the creation and the hash of the creating request", async (t) => {
  const { head } = begin(jobs, {}, {});
  t.notOk("request" in head.snapshot, "without an idempotency key there is none");
  const keyed = { ...head, snapshot: { ...head.snapshot, request: "hash" } };
  const { snapshot } = must(next(jobs, keyed, command("w", "go"), { now: NOW + 5 })).head;
  t.match(snapshot, { request: "hash", createdAt: NOW, updatedAt: NOW + 5, version: 2 });
});

t.test("a record is not dated before the one before it, unless the clock was set back", async (t) => {
  const { head } = begin(jobs);
  const datedAfter = (now: number): number =>
    must(next(jobs, head, command("w", "go"), { now })).head.snapshot.updatedAt;
  t.equal(datedAfter(NOW + 1), NOW + 1);
  t.equal(datedAfter(NOW - 1), NOW, "the next owner knows the time a little differently");
  t.equal(datedAfter(NOW - 1_000), NOW);
  t.equal(datedAfter(NOW - 1_001), NOW - 1_001, "the server's clock was set back");
  const definition = definitionOf({ m: timed });
  const { armed } = must(next(definition, begin(definition).head, command("m", "again"), { now: NOW - 1 }));
  t.equal(armed[0]?.dueAt, NOW - 1 + 500, "a timer runs from the time of its decision all the same");
});

t.test("a state that is left a second time abandons its new effect beside the earlier one", async (t) => {
  const steps = ["go", "leave", "go", "leave"];
  const { head } = steps.reduce(
    (before, type) => must(next(jobs, before.head, command("w", type))),
    begin(jobs),
  );
  const { effects } = head.snapshot;
  t.same(
    effects.map(({ abandoned }) => abandoned),
    [true, true],
  );
  t.equal(new Set(effects.map(({ generation }) => generation)).size, 2);
});

t.test("a timer that one cascade arms and cancels is neither armed nor cancelled in the store", async (t) => {
  const passing = createMachine({
    id: "passing",
    initial: "idle",
    states: {
      idle: { on: { go: "passed" } },
      passed: { after: { 500: "idle" }, always: "end" },
      end: {},
    },
  });
  const definition = definitionOf({ p: passing });
  const result = must(next(definition, begin(definition).head, command("p", "go")));
  t.same([result.armed, result.cancelled, result.head.snapshot.timers], [[], [], []]);
});

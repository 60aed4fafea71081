/** One input, one cascade: listeners, effects, timers, loops. */
import t from "tap";
import { type AnyStateMachine, assign, createMachine, emit } from "xstate";
import { limits } from "../../../../src/runtime/limits.ts";
import { cascade, effectKey } from "../../../../src/runtime/actor/cascade.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import { MachineFault } from "../../../../src/runtime/actor/machine.ts";
import {
  NOW,
  definitionOf,
  calm,
  begin,
  must,
  next,
  command,
  valueOf,
  withJob,
  jobs,
  outcome,
} from "./cascade-stage.ts";

t.test("an emitted event reaches its listeners in the same cascade, in order, as one record", (t) => {
  const first = createMachine({ id: "first", on: { go: { actions: emit({ type: "a.happened" }) } } });
  const second = createMachine({
    id: "second",
    initial: "idle",
    states: {
      idle: { on: { "a.happened": { target: "told", actions: emit({ type: "b.happened" }) } } },
      told: {},
    },
  });
  const third = createMachine({
    id: "third",
    context: { heard: [] as string[] },
    on: {
      "*": { actions: assign({ heard: ({ context, event }) => [...context.heard, event.type] }) },
    },
  });
  const definition = definitionOf(
    { first, second, third },
    { "a.happened": ["second", "third"], "b.happened": ["third"] },
    { privateEvents: new Set(["a.happened"]) },
  );
  const result = must(next(definition, begin(definition).head, command("first", "go")));
  t.equal(valueOf(result.head, "second"), "told");
  t.same(result.head.snapshot.machines["third"]?.context, { heard: ["a.happened", "b.happened"] });
  t.equal(result.head.snapshot.version, 2);
  t.same(result.events, [{ type: "b.happened" }], "a private event is not published");
  t.same(
    result.transitions.map(({ machine }) => machine),
    ["first", "second", "third", "third"],
  );
  t.strictSame(
    result.sent,
    [
      ["first", "second", "a.happened"],
      ["first", "third", "a.happened"],
      ["second", "third", "b.happened"],
    ],
    "what they sent to each other, private events included",
  );
  t.end();
});

t.test("an input that nothing takes changes nothing", (t) => {
  const { head } = begin(jobs);
  t.equal(next(jobs, head, command("w", "unknown")), undefined);
  t.equal(next(jobs, head, command("unknown", "go")), undefined);
  t.equal(
    cascade(jobs, undefined, command("w", "go"), calm),
    undefined,
    "nor does an actor that does not exist",
  );
  t.end();
});

t.test("the outcome of an open effect is applied once, and of a closed or stale effect never", (t) => {
  const busy = must(next(jobs, begin(jobs).head, command("w", "go")));
  const [effect] = busy.opened;
  if (!effect) throw new Error("no effect");
  t.equal(effectKey("a", effect), `a:w.job:${effect.generation}`);
  t.equal(next(jobs, busy.head, outcome(effect.generation - 1)), undefined, "stale");
  const done = must(next(jobs, busy.head, outcome(effect.generation)));
  t.equal(valueOf(done.head, "w"), "done");
  t.same(done.closed, ["w.job"]);
  t.same(done.head.snapshot.effects, []);
  t.equal(next(jobs, done.head, outcome(effect.generation)), undefined, "closed");
  const failed = must(
    next(jobs, busy.head, {
      kind: "effect",
      id: "w.job",
      generation: effect.generation,
      outcome: { error: { code: "no", message: "no", kind: "refused" } },
    }),
  );
  t.equal(valueOf(failed.head, "w"), "failed");
  t.end();
});

t.test("an effect whose state was left is abandoned, and its outcome arrives as late", (t) => {
  const busy = must(next(jobs, begin(jobs).head, command("w", "go")));
  const left = must(next(jobs, busy.head, command("w", "leave")));
  t.match(left.head.snapshot.effects, [{ id: "w.job", abandoned: true }]);
  // The machine enters the same state again: a new effect beside the abandoned one.
  const again = must(next(jobs, left.head, command("w", "go")));
  t.equal(again.head.snapshot.effects.length, 2);
  const [old, fresh] = again.head.snapshot.effects;
  t.not(old?.generation, fresh?.generation);
  const outcome: Input = {
    kind: "effect",
    id: "w.job",
    generation: old?.generation ?? 0,
    outcome: { output: "too late" },
  };
  const ignored = must(next(jobs, again.head, outcome));
  t.equal(valueOf(ignored.head, "w"), "busy", "the late outcome is not taken for the new effect's");
  t.same(
    ignored.head.snapshot.effects.map(({ generation }) => generation),
    [fresh?.generation],
  );
  const late = must(next(jobs, left.head, { ...outcome, generation: busy.opened[0]?.generation ?? 0 }));
  t.equal(valueOf(late.head, "w"), "late");
  t.end();
});

t.test("an effect that one cascade opens and leaves never runs", (t) => {
  const passing = withJob.createMachine({
    id: "passing",
    initial: "idle",
    context: {},
    states: {
      idle: { on: { go: "busy" } },
      busy: { invoke: { id: "job", src: "job", onDone: "end", onError: "end" }, always: "end" },
      end: {},
    },
  });
  const definition = definitionOf({ p: passing });
  const result = must(next(definition, begin(definition).head, command("p", "go")));
  t.same([result.opened, result.head.snapshot.effects], [[], []]);
  t.end();
});

t.test("timers are armed, fire once by generation, and are cancelled when their state is left", (t) => {
  const timed = createMachine({
    id: "timed",
    initial: "on",
    states: { on: { after: { 500: "off" }, on: { stop: "off" } }, off: { on: { start: "on" } } },
  });
  const definition = definitionOf({ m: timed });
  const started = begin(definition);
  const [timer] = started.armed;
  if (!timer) throw new Error("no timer");
  t.equal(timer.dueAt, NOW + 500);
  const fire = (generation: number): Input => ({ kind: "timer", machine: "m", timer: timer.id, generation });
  t.equal(next(definition, started.head, fire(timer.generation + 1)), undefined);
  const fired = must(next(definition, started.head, fire(timer.generation)));
  t.equal(valueOf(fired.head, "m"), "off");
  t.same([fired.head.snapshot.timers, fired.cancelled], [[], []], "a fired timer is not canceled");
  t.same(fired.fired, [timer], "the owner has fired it: its schedule is still there");
  t.same(
    must(next(definition, started.head, fire(timer.generation), { inbox: 9 })).fired,
    [],
    "the server has",
  );
  const stopped = must(next(definition, started.head, command("m", "stop")));
  t.same([stopped.cancelled, stopped.fired], [[timer], []]);
  t.equal(next(definition, stopped.head, fire(timer.generation)), undefined, "too late");
  const again = must(next(definition, stopped.head, command("m", "start")));
  t.equal(next(definition, again.head, fire(timer.generation)), undefined, "of the first time");
  t.not(again.armed[0]?.generation, timer.generation);
  t.end();
});

t.test("an event with a delay of 0 is applied at once and arms no timer", (t) => {
  const quick = createMachine({
    id: "quick",
    initial: "one",
    states: { one: { after: { 0: "two" } }, two: { after: { 10: "three" } }, three: {} },
  });
  const result = begin(definitionOf({ q: quick }));
  t.equal(valueOf(result.head, "q"), "two");
  t.equal(result.armed.length, 1);
  t.end();
});

const pong = (hear: string, say: string): AnyStateMachine =>
  createMachine({ id: hear, on: { [hear]: { actions: emit({ type: say }) } } });

t.test("a loop is detected on every path", (t) => {
  const listening = definitionOf(
    { ping: pong("ping", "pong"), pong: pong("pong", "ping") },
    { ping: ["ping"], pong: ["pong"] },
  );
  t.throws(() => next(listening, begin(listening).head, command("ping", "ping")), MachineFault);
  const circling = createMachine({
    id: "circling",
    initial: "one",
    states: { one: { after: { 0: "two" } }, two: { after: { 0: "one" } } },
  });
  t.throws(() => begin(definitionOf({ c: circling })), new RegExp(String(limits.cascadeSteps), "u"));
  t.end();
});

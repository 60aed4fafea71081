/** Open timers and effects of one version of a machine under the next one. */
import t from "tap";
import { type AnyStateMachine, createMachine } from "xstate";
import { effectKey, type Head } from "../../../../src/runtime/actor/cascade.ts";
import { restore } from "../../../../src/runtime/actor/restore.ts";
import { missingRules } from "../../../../src/runtime/actor/carry-over.ts";
import { machineFingerprint } from "../../../../src/runtime/actor/fingerprint.ts";
import { MachineFault } from "../../../../src/runtime/actor/machine.ts";
import type { ActorDefinition, MachineEntry, MachineState } from "../../../../src/runtime/definition.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { cascadeWriteSet } from "../../../../src/runtime/commit/cascade-write-set.ts";
import { begin, command, definitionOf, must, next, NOW, valueOf, withJob } from "./cascade-stage.ts";

/** Waits for a payment until a deadline, and asks about it meanwhile. The names differ from version to version. */
function payment(wait: string, deadline: string, ask: string): AnyStateMachine {
  const machine: unknown = withJob
    .createMachine({
      id: "p",
      initial: wait,
      context: {},
      states: {
        [wait]: { after: { [deadline]: "expired" }, on: { ask: "asking", paid: "done" } },
        asking: { invoke: { id: ask, src: "job", onDone: "done", onError: "done" }, on: { leave: "left" } },
        left: { on: { [`effect.late.${ask}`]: "heard" } },
        heard: {},
        expired: {},
        done: {},
      },
    } as never)
    .provide({ delays: { [deadline]: 5000 } });
  return machine as AnyStateMachine;
}

const away = (state: MachineState): MachineState => ({ ...state, value: "left" });

const TIMER = "xstate.after.deadline.p.pending";
const one = definitionOf({ p: payment("pending", "deadline", "check") });
const machine2 = payment("open", "payBy", "look");
const toOpen = (state: MachineState): MachineState =>
  state.value === "pending" ? { ...state, value: "open" } : state;
const renames = {
  1: { timers: { [TIMER]: "xstate.after.payBy.p.open" }, invocations: { check: "look" } },
};
const second = (entry: Partial<MachineEntry>): ActorDefinition => ({
  ...one,
  machines: { p: { machine: machine2, version: 2, migrations: { 1: toOpen }, ...entry } },
});
const two = second({ renames });

const fired = ({ snapshot }: Head) =>
  ({ kind: "timer", machine: "p", timer: TIMER, generation: snapshot.timers[0]?.generation ?? 0 }) as const;

t.test("a renamed timer keeps its due time, and fires under the name that its schedule has", (t) => {
  const { head } = begin(one);
  const restored = restore(two, JSON.parse(JSON.stringify(head.snapshot)) as Head["snapshot"]);
  t.match(restored.snapshot.timers, [
    {
      id: "xstate.after.payBy.p.open",
      event: { type: "xstate.after.payBy.p.open" },
      dueAt: NOW + 5000,
      armedAs: TIMER,
    },
  ]);
  const after = must(next(two, head, fired(head)));
  t.same([valueOf(after.head, "p"), after.head.snapshot.timers], ["expired", []]);
  t.end();
});

t.test("a renamed timer whose state is left cancels the schedule under the name that it has", (t) => {
  const { head } = begin(one);
  const asked = must(next(two, head, command("p", "ask")));
  t.match(asked.cancelled, [{ armedAs: TIMER }]);
  const { messages } = cascadeWriteSet(asked, command("p", "ask"), {
    subjects,
    commit: "c",
    actor: "a",
    partition: 0,
    node: "one",
    lock: { subject: "l", epoch: 1 },
    sequence: 1,
    resolved: () => {},
  });
  const generation = head.snapshot.timers[0]?.generation ?? 0;
  const cancels = messages.flatMap((message) => ("cancels" in message ? [message.cancels] : []));
  t.same(cancels, [subjects.timer(0, "a", "p", TIMER, generation)]);
  t.end();
});

t.test("a renamed effect keeps its key, and its outcome is applied", (t) => {
  const asking = must(next(one, begin(one).head, command("p", "ask"))).head;
  const key = effectKey("a", asking.snapshot.effects[0]!);
  const restored = restore(two, JSON.parse(JSON.stringify(asking.snapshot)) as Head["snapshot"]);
  const [effect] = restored.snapshot.effects;
  t.match(effect, { id: "p.look", invocation: "look", src: "job", openedAs: "p.check" });
  t.equal(effect && effectKey("a", effect), key);
  const { generation = 0 } = effect ?? {};
  for (const id of ["p.look", "p.check"]) {
    const outcome = { kind: "effect", id, generation, outcome: { output: 1 } } as const;
    t.equal(valueOf(must(next(two, asking, outcome)).head, "p"), "done", id);
  }
  const left = must(next(two, asking, command("p", "leave"))).head;
  t.match(left.snapshot.effects, [{ abandoned: true, openedAs: "p.check" }]);
  const late = { kind: "effect", id: "p.look", generation, outcome: { output: 1 } } as const;
  t.equal(valueOf(must(next(two, left, late)).head, "p"), "heard");
  t.end();
});

t.test("a timer without a rule makes its actor unreadable, and is not forgotten", (t) => {
  const { head } = begin(one);
  t.throws(() => next(second({}), head, command("p", "paid")), MachineFault);
  t.throws(
    () => next(second({}), head, command("p", "paid")),
    /waits for timer xstate\.after\.deadline\.p\.pending, and version 2 does not know it in this state; say in renames/u,
  );
  t.end();
});

t.test("an effect without a rule, or without a handler, makes its actor unreadable", (t) => {
  const asking = must(next(one, begin(one).head, command("p", "ask"))).head;
  const timers = { 1: { timers: renames[1].timers } };
  t.throws(
    () => next(second({ renames: timers }), asking, command("p", "leave")),
    /waits for invocation check/u,
  );
  t.throws(
    () => next({ ...two, effects: {} }, asking, command("p", "leave")),
    /"job", which has no effect handler/u,
  );
  t.end();
});

t.test(
  "a timer that ends is forgotten; an invocation that ends is abandoned, and its outcome is late",
  (t) => {
    const ends = second({
      migrations: { 1: away },
      renames: { 1: { timers: { [TIMER]: null }, invocations: { check: null } } },
      machine: payment("open", "payBy", "check"),
    });
    const pending = begin(one).head;
    t.same(restore(ends, pending.snapshot).snapshot.timers, []);
    t.equal(next(ends, pending, fired(pending)), undefined, "its schedule fires in vain");
    const asking = must(next(one, pending, command("p", "ask"))).head;
    const [effect] = restore(ends, asking.snapshot).snapshot.effects;
    t.match(effect, { abandoned: true });
    const outcome = {
      kind: "effect",
      id: "p.check",
      generation: effect?.generation ?? 0,
      outcome: { output: 1 },
    } as const;
    t.equal(valueOf(must(next(ends, asking, outcome)).head, "p"), "heard");
    t.end();
  },
);

t.test("two versions in one step are two renamings, and the schedule keeps its first name", (t) => {
  const machine = payment("waiting", "until", "look");
  const three = second({
    version: 3,
    machine,
    migrations: {
      1: toOpen,
      2: (state) => (state.value === "open" ? { ...state, value: "waiting" } : state),
    },
    renames: { ...renames, 2: { timers: { "xstate.after.payBy.p.open": "xstate.after.until.p.waiting" } } },
  });
  const { head } = begin(one);
  t.match(restore(three, head.snapshot).snapshot.timers, [
    { id: "xstate.after.until.p.waiting", armedAs: TIMER },
  ]);
  t.equal(valueOf(must(next(three, head, fired(head))).head, "p"), "expired");
  t.end();
});

t.test("a skip of an input that parked the actor under the former version closes the renamed timer", (t) => {
  const { head } = begin(one);
  const { kind, ...timer } = fired(head);
  const skipped = must(next(two, head, { kind: "skip", skipped: { kind, ...timer }, name: "x" }));
  t.same(skipped.head.snapshot.timers, []);
  t.end();
});

t.test("a delayed raise is expected in every state of a machine that knows its event", (t) => {
  const bell = createMachine({
    id: "bell",
    initial: "a",
    states: { a: { on: { go: "b" } }, b: {} },
    on: { ring: {} },
  });
  const definition = definitionOf({ bell });
  const { head } = begin(definition);
  const timer = { id: "r", machine: "bell", event: { type: "ring" }, generation: 1000, dueAt: 1 };
  t.doesNotThrow(() => restore(definition, { ...head.snapshot, timers: [timer] }));
  const unknown = { ...timer, event: { type: "knock" } };
  t.throws(() => restore(definition, { ...head.snapshot, timers: [unknown] }), /waits for timer r/u);
  t.end();
});

const [before, after] = [one.machines["p"]!, two.machines["p"]!].map((entry) => machineFingerprint(entry));

t.test(
  "each timer, invocation and late outcome that is gone needs a rule that names one that is there",
  (t) => {
    if (!before || !after) throw new Error("no fingerprints");
    t.same(missingRules(before, before), []);
    t.same(missingRules(before, after, renames[1]), []);
    t.same(missingRules(before, after), [
      `timer ${TIMER} is gone, and open actors wait for it`,
      "invocation check is gone, and open actors wait for it",
      "no state takes effect.late.check, the outcome of a call that was left",
      "state asking has gained look, and actors that are in it lack it",
    ]);
    t.match(missingRules(before, after, { ...renames[1], timers: { [TIMER]: "elsewhere" } }), [
      `timer ${TIMER} becomes elsewhere, which is not there`,
    ]);
    t.same(missingRules(before, after, { ...renames[1], timers: { [TIMER]: null } }), []);
    t.end();
  },
);

t.test("a timer that is added to a state which actors are in already is declared as absent there", (t) => {
  const states = { waiting: { on: ["go"] } };
  const grown = { states: { waiting: { on: ["go"], timers: ["xstate.after.late.m.waiting"] } } };
  t.same(missingRules({ states }, grown), [
    "state waiting has gained xstate.after.late.m.waiting, and actors that are in it lack it",
  ]);
  t.same(missingRules({ states }, grown, { absent: ["xstate.after.late.m.waiting"] }), []);
  t.end();
});

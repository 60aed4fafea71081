/** What a record says about its commit: without what is empty, and whole again when it is read. */
import t from "tap";
import type { Cascade } from "../../../../src/runtime/actor/cascade.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import { changesOf, readChanges } from "../../../../src/runtime/actor/record-changes.ts";
import type { ActorRecord, OpenEffect, OpenTimer } from "../../../../src/runtime/actor/snapshot.ts";
import { begin, jobs } from "./cascade-stage.ts";

const nothing: Cascade = { ...begin(jobs), transitions: [] };
const command: Input = { kind: "command", machine: "m", event: { type: "go" }, commandId: "k" };
const effect: Input = { kind: "effect", id: "m.job", generation: 1000, outcome: { output: 1 } };
const timer = { id: "t", machine: "m" } as OpenTimer;

const snapshot = { machines: { m: { value: "c" }, n: { value: { open: "late" } } } };
const read = (record: object) =>
  readChanges(JSON.parse(JSON.stringify({ snapshot, ...record })) as ActorRecord);

const empty = {
  transitions: [],
  sent: [],
  events: [],
  effects: { opened: [], closed: [] },
  timers: { armed: [], cancelled: [] },
};

t.test("what is empty or not known is not in the record", async (t) => {
  t.strictSame(changesOf(nothing, command), { input: "command:go", transitions: [] });
  t.strictSame(read(changesOf(nothing, command)), { input: "command:go", ...empty });
});

t.test("a record reads as it was written", async (t) => {
  const full: Cascade = {
    ...nothing,
    transitions: [{ machine: "m", from: "a", to: "c", edges: ["a:go:0"] }],
    sent: [["m", "n", "m.went"]],
    events: [{ type: "m.went" }],
    opened: [{ id: "m.job" } as OpenEffect],
    closed: ["m.other"],
    armed: [timer],
    cancelled: [timer],
  };
  t.strictSame(read(changesOf(full, command)), {
    input: "command:go",
    transitions: [{ machine: "m", from: "a", to: "c", event: "go", edges: ["a:go:0"] }],
    sent: [["m", "n", "m.went"]],
    events: ["m.went"],
    effects: { opened: ["m.job"], closed: ["m.other"] },
    timers: { armed: ["m.t"], cancelled: ["m.t"] },
  });
});

const step = (machine: string, from: unknown, to: unknown, event: string) => ({
  machine,
  from,
  to,
  event,
  edges: ["x:*:0"],
});

t.test("a machine's last step does not repeat the state that the snapshot has", async (t) => {
  const steps = [
    step("m", null, "a", "one"),
    step("n", null, { open: "late" }, "two"),
    step("m", "a", "b", "three"),
    step("m", "b", "c", "four"),
  ];
  const written = changesOf({ ...nothing, transitions: steps }, command);
  t.strictSame(
    written.transitions.map(({ to }) => to),
    ["a", undefined, "b", undefined],
  );
  t.strictSame(read(written)?.transitions, steps, "and reads with it");
});

t.test("of effects and timers, only the lists that hold something are stored", async (t) => {
  const closing = changesOf({ ...nothing, closed: ["m.job"], cancelled: [timer] }, effect);
  t.strictSame([closing.effects, closing.timers], [{ closed: ["m.job"] }, { cancelled: ["m.t"] }]);
});

t.test("who asked and why are in the records of commands and starts, as they were given", async (t) => {
  const by = { kind: "person", id: "ada" };
  const asked = { ...command, by, reason: "changed my mind" };
  t.match(read(changesOf(nothing, asked)), { by, reason: "changed my mind" });
  t.match(read(changesOf(nothing, { kind: "start", input: {}, by: { kind: "anonymous" } })), {
    by: { kind: "anonymous" },
  });
  t.equal("by" in changesOf(nothing, command), false);
});

t.test("how long a call took is in the record of its outcome", async (t) => {
  t.equal(read(changesOf(nothing, { ...effect, durationMs: 0 }))?.durationMs, 0);
  t.equal(read(changesOf(nothing, { ...effect, durationMs: 417 }))?.durationMs, 417);
  t.equal("durationMs" in changesOf(nothing, effect), false, "an earlier owner began it");
});

t.test(
  "a record of version 0.1.0 is read: it has empty lists, and nothing of the later fields",
  async (t) => {
    const old = { input: "start", ...empty, transitions: [{ machine: "m", from: null, to: "a" }] };
    const { sent: _, ...withoutSent } = old;
    t.strictSame(read(withoutSent), {
      ...old,
      transitions: [{ machine: "m", from: null, to: "a", event: "xstate.init", edges: [] }],
    });
  },
);

t.test("a record with a field of another form is not read", async (t) => {
  const whole = { input: "start", ...empty };
  for (const change of [
    { input: 1 },
    { by: "ada" },
    { by: { id: "ada" } },
    { by: { kind: "person", id: 7 } },
    { reason: 7 },
    { durationMs: -1 },
    { durationMs: "1" },
    { transitions: null },
    { transitions: [{ from: "a" }] },
    { transitions: [{ machine: "m", edges: "a" }] },
    { transitions: [{ machine: "m", event: 7 }] },
    { sent: {} },
    { sent: [["a", "b"]] },
    { sent: [["a", "b", 7]] },
    { events: "placed" },
    { effects: [] },
    { effects: { opened: [7] } },
    { timers: { armed: "t" } },
  ])
    t.equal(read({ ...whole, ...change }), undefined, JSON.stringify(change));
  t.ok(read(whole));
});

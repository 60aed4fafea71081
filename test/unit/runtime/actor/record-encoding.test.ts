/**
 * The stored form of a record: it is read as it was, also where values look like short forms; what was stored before it
 * reads the same. Random walks of whole orders do this with each of their records (test/unit/services/orders).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import t from "tap";
import { hasNewerForm, readRecord, readSnapshot } from "../../../../src/runtime/actor/record-decoding.ts";
import { encodeRecord } from "../../../../src/runtime/actor/record-encoding.ts";
import type { ActorRecord, StoredSnapshot } from "../../../../src/runtime/actor/snapshot.ts";
import type { StoredMessage } from "../../../../src/runtime/ports.ts";
import { historyItem } from "../../../../src/services/orders/history.ts";
import { storedAs } from "../../services/orders/stored-record.ts";

type Stored = { readonly message: StoredMessage; readonly item: string };

/** The records of one completed order, and the items of its history, by the program before form 2. */
const before = readFileSync(new URL("../../../fixtures/records-form-1.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Stored);

const snapshot: StoredSnapshot = {
  machines: { m: { status: "active", value: "a", context: { n: 1 }, version: 2 } },
  definition: 4,
  version: 3,
  inbox: 0,
  commands: [],
  effects: [],
  timers: [],
  createdAt: 1_000,
  updatedAt: 2_000,
};
const record: ActorRecord = { commit: "c1", actor: "d", input: "command:go", transitions: [], snapshot };

const again = (one: ActorRecord): ActorRecord | undefined =>
  readRecord(storedAs(encodeRecord(one), one.actor));
const withState = (more: Partial<StoredSnapshot>): ActorRecord => ({
  ...record,
  snapshot: { ...snapshot, ...more },
});

t.test("records that were stored before form 2 read as they did, and so do they in form 2", (t) => {
  t.equal(before.length, 13);
  for (const { item, message } of before) {
    t.equal(JSON.stringify(historyItem(message)), item, "its item is the same to the byte");
    const read = readRecord(message)!;
    t.strictSame(read, JSON.parse(message.payload), "form 1 is the record itself");
    const short = { ...message, payload: encodeRecord(read) };
    t.strictSame(readRecord(short), read);
    t.equal(JSON.stringify(readSnapshot(short)), JSON.stringify(read.snapshot));
    t.equal(JSON.stringify(historyItem(short)), item);
  }
  t.end();
});

t.test("a record says nothing twice: it has two thirds of the bytes of form 1 at most", (t) => {
  for (const { message } of before) {
    const short = encodeRecord(readRecord(message)!);
    t.ok(short.length <= (message.payload.length * 2) / 3, `${short.length} of ${message.payload.length}`);
    t.notMatch(short, /ord_S0YyT3xorW_yGIT-Dr9d(?<!invoice\/ord_S0YyT3xorW_yGIT-Dr9d)/u, "nor its own id");
  }
  t.end();
});

t.test("the fields by which version 0.1.0 knows a newer record are where they were", (t) => {
  for (const { message } of before) {
    const { snapshot } = JSON.parse(encodeRecord(readRecord(message)!)) as { snapshot: StoredSnapshot };
    const { commands, definition, effects, inbox, machines, timers, version } = snapshot;
    t.equal(definition, 4);
    t.ok([commands, effects, timers].every((list) => Array.isArray(list)));
    t.ok(Number.isInteger(version) && Number.isInteger(inbox) && typeof machines === "object");
  }
  t.end();
});

/** Texts that look like short forms, names of what objects inherit, and others. */
const text = fc.oneof(
  fc.constantFrom(
    "",
    "@",
    "@@",
    "=",
    "==",
    "=x",
    "d",
    "x",
    "y",
    "xstate.after.5.m.a",
    "~",
    "~~",
    "~5~a",
    "a.b",
  ),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "timer:m.~5~a",
    ":",
    "a:b",
    "a:b:0",
    "a::0",
    '"',
    "\\",
  ),
  fc.string({ maxLength: 6, unit: "binary" }),
);
const value = fc.oneof(
  text,
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.dictionary(text, text),
  fc.jsonValue(),
);
const fields = fc.dictionary(text, value, { maxKeys: 5 });
const stateValue = fc.oneof(
  text,
  fc.tuple(text, text).map(([key, leaf]) => ({ [key]: leaf })),
  fc.dictionary(text, fc.oneof(text, fc.dictionary(text, text, { maxKeys: 2 })), { maxKeys: 2 }),
);
const machineName = fc.constantFrom("m", "n", "m.n", "@", "=", "o p");
const generation = fc.constantFrom(1000, 2001, 3000, 3001);
const effect = fc.record(
  {
    id: text,
    machine: machineName,
    invocation: text,
    src: text,
    input: fc.oneof(fields, value),
    generation,
    abandoned: fc.constant(true as const),
    openedAs: text,
  },
  { requiredKeys: ["id", "machine", "invocation", "src", "input", "generation"] },
);
const timer = fc.record(
  {
    id: text,
    machine: machineName,
    event: fc.oneof(
      text.map((type) => ({ type })),
      text.map((type) => ({ type, more: 1 })),
    ),
    generation,
    dueAt: fc.integer({ min: 0 }),
    armedAs: text,
    unscheduled: fc.constant(true as const),
  },
  { requiredKeys: ["id", "machine", "event", "generation", "dueAt"] },
);
const texts = fc.array(text, { minLength: 1, maxLength: 3 });
const step = fc.record(
  {
    machine: machineName,
    from: fc.oneof(fc.constant(null), stateValue),
    to: stateValue,
    event: text,
    edges: fc.array(
      fc.tuple(text, text).map(([a, b]) => `${a}:${b}:0`),
      { minLength: 1, maxLength: 2 },
    ),
  },
  { requiredKeys: ["machine", "from"] },
);
const lists = (one: string, two: string) =>
  fc
    .record({ [one]: texts, [two]: texts }, { requiredKeys: [] })
    .filter((some) => Object.keys(some).length > 0);
const anyRecord = fc.record(
  {
    commit: fc.constant("c1"),
    actor: fc.constantFrom("d", "@", "=", "ord_S0YyT3xorW"),
    input: fc.oneof(
      text,
      fc
        .tuple(fc.constantFrom("timer:", "effect:", "command:", "inbox:", "skip:timer:"), text)
        .map((two) => two.join("")),
      fc.tuple(machineName, text).map(([machine, id]) => `timer:${machine}.${id}`),
    ),
    by: fc.record({ kind: text, id: text }, { requiredKeys: ["kind"] }),
    reason: text,
    durationMs: fc.nat(),
    transitions: fc.array(step, { maxLength: 3 }),
    sent: fc.array(fc.tuple(machineName, machineName, text), { minLength: 1, maxLength: 2 }),
    events: texts,
    effects: lists("opened", "closed"),
    timers: lists("armed", "cancelled"),
    snapshot: fc.record(
      {
        machines: fc.dictionary(
          machineName,
          fc.record({
            status: fc.constantFrom("active" as const, "done" as const, "error" as const),
            value: stateValue,
            context: fields,
            version: fc.nat(9),
          }),
          { maxKeys: 3 },
        ),
        definition: fc.nat(9),
        version: fc.constant(3),
        inbox: fc.nat(),
        commands: fc.array(text, { maxLength: 2 }),
        effects: fc.array(effect, { maxLength: 2 }),
        timers: fc.array(timer, { maxLength: 2 }),
        request: text,
        facts: fc.record({ version: fc.nat() }),
        createdAt: fc.nat(),
        updatedAt: fc.nat(),
      },
      {
        requiredKeys: [
          "machines",
          "version",
          "inbox",
          "commands",
          "effects",
          "timers",
          "createdAt",
          "updatedAt",
        ],
      },
    ),
  },
  { requiredKeys: ["commit", "actor", "input", "transitions", "snapshot"] },
);

t.test("whatever is in a record, it is read as it was", (t) => {
  fc.assert(
    fc.property(anyRecord, (one) => {
      const whole = JSON.parse(JSON.stringify(one)) as ActorRecord;
      assert.deepStrictEqual(again(whole), whole);
      const read = readSnapshot(storedAs(encodeRecord(whole), whole.actor));
      assert.equal(JSON.stringify(read?.machines), JSON.stringify(whole.snapshot.machines));
    }),
    { numRuns: 2_000 },
  );
  t.pass("2 000 records");
  t.end();
});

const machine = (context: object) => ({ status: "active" as const, value: "a", context, version: 1 });

t.test("a later field of a name is the one that is meant", (t) => {
  const money = { amount: 5, currency: "EUR" };
  const other = { amount: 6, currency: "EUR" };
  const machines = {
    one: machine({ id: "d", total: money, text: "first" }),
    two: machine({ id: "d", total: other, text: "second", cost: money }),
    three: machine({ id: "d", total: money, paid: other, text: "second" }),
  };
  const written = withState({ machines });
  t.strictSame(again(written), written);
  t.match(JSON.parse(encodeRecord(written)), {
    snapshot: {
      common: { id: "@" },
      machines: {
        two: ["a", { cost: "=total" }],
        three: ["a", { total: "=cost", paid: "=total", text: "=" }],
      },
    },
  });
  t.end();
});

t.test("objects with the same fields in another order are both stored", (t) => {
  const machines = {
    one: machine({ total: { amount: 5, currency: "EUR" } }),
    two: machine({ total: { currency: "EUR", amount: 5 } }),
  };
  t.equal(JSON.stringify(again(withState({ machines }))?.snapshot.machines), JSON.stringify(machines));
  t.end();
});

const effectOf = (invocation: string, input: unknown, generation: number) => ({
  id: `m.${invocation}`,
  machine: "m",
  invocation,
  src: invocation,
  input,
  generation,
});

const timerOf = (id: string, generation: number) => ({
  id,
  machine: "m",
  event: { type: id },
  generation,
  dueAt: 9,
});

t.test("a stored record of form 2 is read as these bytes say", (t) => {
  const stored =
    '{"form":2,"input":"effect:m.done","transitions":[["m","a.b:0"]],"snapshot":{"machines":{"m":["c",{"id":"@"},2]},' +
    '"definition":4,"version":3,"inbox":0,"commands":[],"effects":[["m","old",2000,{"input":{"id":"="}}],' +
    '["m","job",3000,{"input":[1]}]],"timers":[["m","~5~c",2001,9],["m","~7~c",3001,9]],"createdAt":1,"updatedAt":2}}';
  const read = readRecord(storedAs(stored, "d"))!;
  t.strictSame(read, {
    commit: "c1",
    actor: "d",
    input: "effect:m.done",
    transitions: [{ machine: "m", from: { a: "b" }, edges: ["a.b:xstate.done.actor.done:0"] }],
    effects: { opened: ["m.job"], closed: ["m.done"] },
    timers: { armed: ["m.xstate.after.7.m.c"] },
    snapshot: {
      machines: { m: { status: "active", value: "c", context: { id: "d" }, version: 2 } },
      definition: 4,
      version: 3,
      inbox: 0,
      commands: [],
      effects: [effectOf("old", { id: "d" }, 2000), effectOf("job", 1, 3000)],
      timers: [timerOf("xstate.after.5.m.c", 2001), timerOf("xstate.after.7.m.c", 3001)],
      createdAt: 1,
      updatedAt: 2,
    },
  });
  t.end();
});

t.test("what was opened and closed is stored only where the state and the input do not say it", (t) => {
  const open = { id: "m.job", machine: "m", invocation: "job", src: "job", input: {}, generation: 3000 };
  const says = {
    ...withState({ effects: [open] }),
    input: "effect:m.done",
    effects: { opened: ["m.job"], closed: ["m.done"] },
  };
  t.notMatch(JSON.parse(encodeRecord(says)), { effects: {} });
  t.strictSame(again(says), says);
  const { effects: _, ...nothing } = says;
  t.match(JSON.parse(encodeRecord(nothing)), { effects: { opened: [], closed: [] } });
  t.strictSame(again(nothing), nothing);
  t.end();
});

t.test("a form that only a newer program knows is no record here, and known as newer", (t) => {
  const newer = encodeRecord(record).replace('"form":2', '"form":3');
  t.equal(readRecord(storedAs(newer, "d")), undefined);
  t.equal(readSnapshot(storedAs(newer, "d")), undefined);
  t.equal(hasNewerForm(newer), true);
  for (const known of [encodeRecord(record), JSON.stringify(record), ""]) t.equal(hasNewerForm(known), false);
  t.end();
});

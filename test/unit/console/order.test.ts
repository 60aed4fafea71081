/** What the page of an order makes of the API's answers: commits in words, instants, differences, forms. */
import t from "tap";
import { focusAfter } from "../../../console/src/charts/chart-ways.ts";
import { headOf, routePath } from "../../../console/src/charts/route.ts";
import type { HistoryItem, OrderWait } from "../../../console/src/api/types.ts";
import { causeOf, storyOf, told, withCommit } from "../../../console/src/order/commits.ts";
import { differences } from "../../../console/src/order/context-diff.ts";
import { machineAt, neighbors, upTo } from "../../../console/src/order/instants.ts";
import { bodyOf, faultsOf, fieldsOf } from "../../../console/src/order/schema-fields.ts";
import { countdown, waitWords } from "../../../console/src/order/wait-words.ts";
import { commandInfos } from "../../../src/http/orders/insight-schema.ts";

const commit = (version: number, more: Partial<HistoryItem> = {}): HistoryItem => ({
  version,
  sequence: version,
  at: `2026-11-30T10:00:0${version}.000Z`,
  input: "timer:payment.retryDelay",
  actor: { kind: "system", id: null },
  transitions: [],
  sent: [],
  events: [],
  effects: { opened: [], closed: [] },
  timers: { armed: [], cancelled: [] },
  node: "node-1",
  epoch: 1,
  ...more,
});

const step = (machine: string, from: unknown, to: unknown, event = "go") => ({
  machine,
  from,
  to,
  event,
  edges: [],
});

t.test("a commit that comes twice, or early, changes nothing; one with a gap before it is not added", (t) => {
  const before = [commit(1), commit(2)];
  t.equal(withCommit(before, commit(2)), before);
  t.equal(withCommit(before, commit(1)), before);
  t.strictSame(
    withCommit(before, commit(3))?.map(({ version }) => version),
    [1, 2, 3],
  );
  t.equal(withCommit(before, commit(4)), undefined);
  t.equal(withCommit(before, commit(3), 2), before, "the list is full");
  t.end();
});

t.test("a commit has a title from what caused it, and is found by what it did", (t) => {
  const placed = told(commit(1, { input: "start", actor: { kind: "anonymous", id: null } }));
  t.match(placed, { title: "The order was placed", person: "anonymous", moves: [] });
  t.strictSame([...placed.fits], ["all", "people"]);
  const failed = commit(2, {
    input: "effect:payment.capturePayment",
    transitions: [
      step("payment", "capturing", "capture_failed", "xstate.error.actor.capturePayment"),
      step("order", "confirmed", "confirmed"),
    ],
    timers: { armed: ["payment.xstate.after.retryDelay.payment.capture_failed"], cancelled: [] },
  });
  t.match(told(failed), {
    title: "capturePayment failed",
    moves: [{ machine: "payment", from: "capturing", to: "capture_failed", event: "error" }],
    person: undefined,
  });
  t.equal(told(failed).moves.length, 1, "a machine that only remembered something has not moved");
  t.strictSame([...told(failed).fits], ["all", "moves", "calls"]);
  t.equal(causeOf(commit(1, { input: "timer:payment.xstate.after.stepDelay.x" })), "Timer: stepDelay");
  t.equal(causeOf(commit(1, { input: "command:cancel" })), "Command: cancel");
  t.equal(causeOf(commit(1, { input: "inbox:invoice.issued" })), "Message: invoice.issued");
  t.equal(causeOf(commit(1, { input: "upgrade" })), "upgrade");
  t.end();
});

t.test("the story says a sentence once, and none of machines that have not begun", (t) => {
  const story = storyOf(
    [
      commit(1, {
        transitions: [
          step("order", null, "reserving", "xstate.init"),
          step("payment", null, "idle", "xstate.init"),
        ],
      }),
      commit(2, { transitions: [step("payment", "idle", { hosted: "pending" })] }),
      commit(3, { transitions: [step("payment", { hosted: "pending" }, { hosted: "pending" })] }),
    ],
    (machine, state) => `${machine} is ${state}`,
  );
  t.strictSame(
    story.map(({ text, version }) => [version, text]),
    [
      [1, "order is reserving"],
      [2, "payment is hosted.pending"],
    ],
  );
  t.end();
});

t.test("a machine at an instant is what the commits until then have left", (t) => {
  const commits = [
    commit(1, { transitions: [step("order", null, "reserving")] }),
    commit(2, { transitions: [step("order", "reserving", "confirmed")] }),
  ];
  const next = [
    { machine: "order", edge: "confirmed:cancel:0", verdict: true },
    { machine: "payment", edge: "idle:order.closed:0", verdict: null },
  ];
  t.equal(machineAt("order", upTo(commits, 1), []).value, "reserving");
  t.equal(machineAt("order", upTo(commits, undefined), []).value, "confirmed");
  t.strictSame([...machineAt("order", commits, next).next], [["confirmed:cancel:0", true]]);
  t.equal(machineAt("payment", commits, []).value, undefined);
  t.strictSame(neighbors(commits, undefined), { before: 1, after: undefined });
  t.strictSame(neighbors(commits, 1), { before: undefined, after: 2 });
  t.strictSame(neighbors([], undefined), { before: undefined, after: undefined });
  t.end();
});

t.test("two states differ in what was added, removed and changed", (t) => {
  const before = { tries: 1, total: { amount: 1 }, token: "x", list: [1], empty: {} };
  const after = { tries: 3, total: { amount: 1 }, reason: "402", list: [1, 2], empty: {} };
  t.strictSame(differences(before, after), [
    { path: "tries", before: "1", after: "3" },
    { path: "token", before: '"x"', after: undefined },
    { path: "reason", before: undefined, after: '"402"' },
    { path: "list.1", before: undefined, after: "2" },
  ]);
  t.strictSame(differences(before, before), []);
  t.strictSame(differences(undefined, { a: 1 }), [{ path: "a", before: undefined, after: "1" }]);
  t.end();
});

t.test("every command has a form, and the form makes its body", (t) => {
  for (const [command, { body }] of Object.entries(commandInfos)) {
    const fields = fieldsOf(body);
    t.ok(
      fields.every(({ kind }) => ["text", "long", "flag", "number"].includes(kind)),
      `${command}: ${fields.map(({ kind, name }) => `${name} ${kind}`).join()}`,
    );
    t.strictSame(bodyOf(fields, {}), {}, `${command}: nothing is invented`);
  }
  const deliver = fieldsOf(commandInfos.deliver.body);
  t.strictSame(
    deliver.map(({ name, required }) => [name, required]),
    [
      ["collected.amount", false],
      ["collected.currency", false],
      ["reason", false],
    ],
  );
  const values = { "collected.amount": "3998", "collected.currency": "EUR", reason: " " };
  t.strictSame(bodyOf(deliver, values), { collected: { amount: 3998, currency: "EUR" } });
  t.strictSame(faultsOf(deliver, { "collected.amount": "39.98" }), {
    "collected.amount": "It has to be a whole number",
  });
  const check = fieldsOf(commandInfos["quality-check"].body);
  t.match(check[0], { name: "passed", kind: "flag", required: true, initial: "true" });
  t.strictSame(bodyOf(check, { passed: "false" }), { passed: false });
  t.strictSame(faultsOf(fieldsOf(commandInfos.settle.body), {}), { reason: "It is needed" });
  t.end();
});

const wait = (more: Partial<OrderWait>): OrderWait => ({
  machine: "payment",
  for: "timer",
  name: null,
  sinceMs: 0,
  waitsFor: "",
  says: "",
  ...more,
});

t.test("what is awaited is said with the time that is left", (t) => {
  const now = Date.parse("2026-11-30T10:00:00.000Z");
  const timer = {
    name: "payment.xstate.after.retryDelay.payment.capture_failed",
    dueAt: "2026-11-30T10:00:42.000Z",
  };
  t.equal(waitWords(wait(timer), now), "retryDelay in 0:42");
  t.equal(waitWords(wait(timer), now + 60_000), "retryDelay is due");
  t.equal(waitWords(wait({ for: "effect", attempt: 3 }), now), "try 3 is under way");
  t.equal(waitWords(wait({ for: "person", name: "pack" }), now), "waits for: pack");
  t.equal(waitWords(undefined, now), "");
  t.equal(countdown(3_723_000), "1:02:03");
  t.equal(countdown(3 * 86_400_000), "3 d");
  t.equal(countdown(-5), "0:00");
  t.end();
});

t.test("keys move through a chart: down and up along transitions, right and left in order", (t) => {
  const ways = { order: ["a", "b", "c"], arrows: [{ from: "a", to: "c" }] };
  t.equal(focusAfter(ways, "a", "ArrowDown"), "c");
  t.equal(focusAfter(ways, "c", "ArrowUp"), "a");
  t.equal(focusAfter(ways, "b", "ArrowDown"), "c", "a state without transitions: the next one");
  t.equal(focusAfter(ways, "a", "ArrowRight"), "b");
  t.equal(focusAfter(ways, "a", "ArrowLeft"), undefined);
  t.equal(focusAfter(ways, "b", "End"), "c");
  t.equal(focusAfter(ways, "b", "x"), undefined);
  t.end();
});

t.test("lines have round corners, and a head in the direction of their end", (t) => {
  t.equal(
    routePath([
      [0, 0],
      [0, 100],
      [50, 100],
    ]),
    "M0 0L0 93Q0 100 7 100L50 100",
  );
  t.equal(routePath([]), "");
  t.strictSame(
    headOf([
      [0, 0],
      [0, 10],
      [0, 10],
    ]),
    { x: 0, y: 10, angle: 90 },
  );
  t.equal(
    headOf([
      [1, 1],
      [1, 1],
    ]),
    undefined,
  );
  t.end();
});

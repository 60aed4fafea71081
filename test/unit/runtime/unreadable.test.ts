/** Every reader of stored entries passes over garbage: each kind by a table of values that no program writes. */
import t from "tap";
import { readInput } from "../../../src/runtime/actor/inbox-input.ts";
import { isUnreadable, type Parking, readParking } from "../../../src/runtime/actor/parking-record.ts";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import { readLock } from "../../../src/runtime/cluster/lock-entry.ts";
import type { StoredMessage } from "../../../src/runtime/ports.ts";
import { UnreadableEntries } from "../../../src/runtime/unreadable.ts";
import { readMark } from "../../../src/runtime/workers/processed-mark.ts";
import { readCounter } from "../../../src/services/invoice/number-counter.ts";
import { historyItem } from "../../../src/services/orders/history.ts";
import { knownPayment } from "../../../src/services/payments/known-payment.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";

const message = (payload: string): StoredMessage => ({
  subject: "orders.parked.0.a",
  sequence: 7,
  at: 1_000,
  headers: {},
  payload,
});

/** Not JSON, JSON of another shape, right keys with absurd values. */
const absurd: readonly unknown[] = [
  null,
  true,
  -1,
  1.5,
  1e300,
  "",
  "x".repeat(100_000),
  [],
  {},
  [[]],
  { a: null },
];
const texts = ["", "{", "}{", "\u0000", "NaN", "undefined", "7", "null", '"text"', "[]", "[1]"];

/** The text in which each key has each absurd value in turn, and in which each key is missing. */
function variants(whole: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(whole);
  const changed = keys.flatMap((key) => absurd.map((value) => ({ ...whole, [key]: value })));
  const missing = keys.map((key) => ({ ...whole, [key]: undefined }));
  return [...texts, ...[...changed, ...missing, {}].map((value) => JSON.stringify(value))];
}

const parking: Parking = {
  status: "parked",
  id: "p1",
  actor: "a",
  since: 1_000,
  reason: "no",
  name: "timer:m.t",
  input: { kind: "timer", machine: "m", timer: "t", generation: 1 },
  inbox: 3,
  version: 2,
  record: 5,
};
const snapshot = {
  machines: {},
  version: 1,
  inbox: 0,
  commands: [],
  effects: [],
  timers: [],
  createdAt: 0,
  updatedAt: 0,
};
const record = {
  commit: "c",
  actor: "a",
  input: "start",
  transitions: [{ machine: "m", from: null, to: "x" }],
  events: ["e"],
  effects: { opened: [], closed: [] },
  timers: { armed: [], cancelled: [] },
  snapshot,
};

t.test("no reader of a stored entry throws, whatever the entry is", async (t) => {
  const readers: Readonly<Record<string, readonly [object, (text: string) => unknown]>> = {
    lock: [{ node: "n", boot: "b", nonce: "x", since: "" }, readLock],
    parking: [parking, (text) => readParking(message(text))],
    record: [record, (text) => readRecord(message(text))],
    snapshot: [snapshot, (text) => readRecord(message(`{"snapshot":${text}}`))],
    history: [record, (text) => historyItem(message(text))],
    payment: [record, (text) => knownPayment("a", message(text))],
    inbox: [
      { kind: "timer", machine: "m", timer: "t", generation: 1 },
      (text) => readInput(message(text), quietLog),
    ],
    mark: [{ state: "done", at: 0, attempts: 1, replay: 1 }, readMark],
    counter: [{ last: 1, given: [], free: [], issuedAt: "2026-01-01T00:00:00.000Z" }, readCounter],
  };
  for (const [kind, [whole, read]] of Object.entries(readers)) {
    const thrown = variants(whole as Readonly<Record<string, unknown>>).filter((text) => {
      try {
        JSON.stringify(read(text) ?? null);
        return false;
      } catch {
        return true;
      }
    });
    t.same(thrown, [], kind);
  }
});

t.test("a parking that cannot be read is one with a date, a reason and an id of its own", async (t) => {
  t.same(readParking(message(JSON.stringify(parking))), parking);
  for (const text of variants(parking)) {
    const found = readParking(message(text));
    if (found?.status !== "parked") continue;
    t.equal(typeof new Date(found.since).toISOString(), "string");
    t.equal(found.actor, "a");
    t.ok(found.inbox >= 0 && found.record >= 0 && found.version >= 0);
    t.equal(typeof found.reason, "string");
    if (JSON.stringify(found) !== text) t.match(found, { id: "unreadable-7", since: 1_000, name: null });
    t.equal(isUnreadable(found), found.id === "unreadable-7");
  }
  const other = readParking(message(JSON.stringify({ ...parking, actor: "b" })));
  t.match(other, { id: "unreadable-7", actor: "a" }, "nor one that names another actor than its subject");
});

t.test("an item of a history has the keys of the API, or there is none", async (t) => {
  t.match(historyItem(message(JSON.stringify(record))), { version: 1, sequence: 7, events: ["e"], epoch: 0 });
  for (const text of variants(record)) {
    const item = historyItem(message(text));
    if (item === undefined) continue;
    t.ok(Array.isArray(item.transitions) && Array.isArray(item.events) && Array.isArray(item.effects.opened));
    t.equal(typeof item.input, "string");
  }
  t.equal(historyItem({ ...message(JSON.stringify(record)), headers: { "Orderly-Epoch": "x" } })?.epoch, 0);
});

t.test("an unreadable entry is named and counted once, another under the same key again", async (t) => {
  const lines: object[] = [];
  const unreadable = new UnreadableEntries({ ...quietLog, error: (fields) => void lines.push(fields) });
  for (let n = 0; n < 5; n++) unreadable.passed("parking", "orders.parked.0.a", 7, "its actor is parked");
  unreadable.passed("parking", "orders.parked.0.a", 8, "its actor is parked");
  unreadable.passed("presence", "node-1", 7, "it is no heartbeat");
  t.same(unreadable.counts(), { parking: 2, presence: 1 });
  t.same(lines[0], { kind: "parking", key: "orders.parked.0.a", at: 7 });
  t.equal(lines.length, 3);
});

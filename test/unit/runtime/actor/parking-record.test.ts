/** The stored form of a parking: what it names, and how an unreadable one is read. */
import t from "tap";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import { parkingOf, readParking } from "../../../../src/runtime/actor/parking-record.ts";
import type { StoredMessage } from "../../../../src/runtime/ports.ts";

const what = { actor: "a", reason: "broken", version: 3, record: 12 };
const event: Input = { kind: "event", machine: "m", event: { type: "paid" }, id: "msg-1" };
const timer: Input = { kind: "timer", machine: "m", timer: "t", generation: 2000 };
const outcome: Input = { kind: "effect", id: "m.job", generation: 2001, outcome: { output: 1 } };

const message = (payload: unknown): StoredMessage => ({
  subject: "orders.parked.0.a",
  sequence: 77,
  at: 5,
  headers: {},
  payload: typeof payload === "string" ? payload : JSON.stringify(payload),
});

t.test("a parking names its input, the input's inbox message, and the last good state", async (t) => {
  t.same(parkingOf(what, { input: event, inbox: 9 }, 1000, "p1"), {
    status: "parked",
    id: "p1",
    actor: "a",
    since: 1000,
    reason: "broken",
    name: "inbox:paid",
    input: { kind: "event", id: "msg-1" },
    inbox: 9,
    version: 3,
    record: 12,
  });
  t.match(parkingOf(what, { input: timer, inbox: 8 }, 1000, "p2"), {
    input: { kind: "timer", machine: "m", timer: "t", generation: 2000 },
    inbox: 8,
  });
  t.match(parkingOf(what, { input: outcome, inbox: 0 }, 1000, "p3"), {
    input: { kind: "effect", id: "m.job", generation: 2001 },
    inbox: 0,
  });
});

t.test("reason and name of a parking are bounded", async (t) => {
  const long = "x".repeat(5000);
  const input: Input = { ...event, event: { type: long } };
  const parking = parkingOf({ ...what, reason: long }, { input, inbox: 1 }, 0, "p");
  t.same([parking.reason.length, parking.name?.length], [1000, 200]);
});

t.test("a parking and its end are read as they were written", async (t) => {
  const parking = parkingOf(what, { input: event, inbox: 9 }, 1000, "p1");
  t.same(readParking(message(parking)), parking);
  for (const status of ["resumed", "skipped"]) {
    const end = { status, parking: "p1", actor: "a", at: 1 };
    t.same(readParking(message(end)), end);
  }
  t.equal(readParking(undefined), undefined, "an actor that was never parked");
});

t.test("a message about a parking that is unreadable counts as a parking", async (t) => {
  for (const payload of [
    "no json",
    { status: "gone", parking: "p1", actor: "a" },
    { status: "resumed", actor: "a" },
    { status: "parked", id: "p1" },
    { status: "skipped", id: "p1", actor: "a" },
  ])
    t.match(readParking(message(payload)), {
      status: "parked",
      id: "unreadable-77",
      actor: "a",
      since: 5,
      input: null,
      record: 0,
    });
});

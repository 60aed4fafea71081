/** A message read as an event, and bounds of workers that contradict each other. */
import t from "tap";
import { NotAnEvent, readEvent } from "../../../../src/runtime/workers/work-event.ts";
import { checked } from "../../../../src/runtime/workers/worker-bounds.ts";
import { bounds } from "./worker-stage.ts";

const headers = {
  "ce-id": "ord_1.3.0",
  "ce-type": "order.created",
  "ce-subject": "ord_1",
  "ce-source": "/orders",
  "ce-time": "2026-01-01T00:00:00Z",
};

t.test("an event has the values of its headers and its payload", async (t) => {
  t.strictSame(readEvent({ headers, payload: '{"n":1}' }), {
    id: "ord_1.3.0",
    type: "order.created",
    subject: "ord_1",
    source: "/orders",
    time: "2026-01-01T00:00:00Z",
    facts: 0,
    data: { n: 1 },
  });
  for (const [version, facts] of [
    ["2", 2],
    ["x", 0],
    ["", 0],
  ] as const)
    t.equal(readEvent({ headers: { ...headers, "Orderly-Facts": version }, payload: "{}" }).facts, facts);
  t.strictSame(readEvent({ headers, payload: "null" }).data, null);
});

t.test("id, type and subject are required, also not empty; source and time may be absent", async (t) => {
  for (const name of ["ce-id", "ce-type", "ce-subject"] as const) {
    const { [name]: _left, ...rest } = headers;
    t.throws(() => readEvent({ headers: rest, payload: "{}" }), NotAnEvent, name);
    t.throws(() => readEvent({ headers: { ...headers, [name]: "" }, payload: "{}" }), NotAnEvent, name);
  }
  const { "ce-source": _source, "ce-time": _time, ...rest } = headers;
  t.match(readEvent({ headers: rest, payload: "{}" }), { source: "", time: "" });
  for (const payload of ["", "{", "text"])
    t.throws(() => readEvent({ headers, payload }), NotAnEvent, payload);
});

t.test("bounds are refused from the first value that contradicts another one", async (t) => {
  t.strictSame(checked(bounds), bounds);
  t.ok(Object.isFrozen(checked(bounds)));
  const right = [
    { workLimitMs: 1_000, lockLifeMs: 1_200 },
    { backoffMs: 400, backoffMaxMs: 400 },
    { maxInFlight: 1 },
    { maxAttempts: 1 },
  ];
  for (const change of right) t.ok(checked({ ...bounds, ...change }), JSON.stringify(change));
  const wrong = [
    { workLimitMs: 1_000, lockLifeMs: 1_199 },
    { backoffMs: 401, backoffMaxMs: 400 },
    { maxInFlight: 0 },
    { maxAttempts: 0 },
  ];
  for (const change of wrong)
    t.throws(() => checked({ ...bounds, ...change }), RangeError, JSON.stringify(change));
});

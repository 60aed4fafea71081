/** Requests and replies between nodes, also of different versions. */
import t from "tap";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import {
  type ActorRequest,
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
} from "../../../../src/runtime/routing/request-codec.ts";

const parked: ActorReply = { status: "refused", code: "actor_parked", reason: "poison" };

t.test("a parked actor has the code on the wire that nodes of earlier versions know", async (t) => {
  t.same(JSON.parse(encodeReply(parked)), { status: "refused", code: "order_parked", reason: "poison" });
  t.same(decodeReply(encodeReply(parked)), parked);
});

t.test("a node accepts both codes of a parked actor", async (t) => {
  for (const code of ["order_parked", "actor_parked"]) {
    t.same(decodeReply(JSON.stringify({ ...parked, code })), parked);
  }
});

t.test("every other reply crosses the wire unchanged", async (t) => {
  const replies: ActorReply[] = [
    { status: "not_found" },
    { status: "refused", code: "input_refused", reason: "too large" },
    { status: "unavailable", reason: "order_parked" },
  ];
  for (const reply of replies) t.same(decodeReply(encodeReply(reply)), reply);
});

const start = { op: "start", actor: "a", input: { n: 1 }, waitMs: 0, mayExist: false } as const;
const command = {
  op: "command",
  actor: "a",
  machine: "diary",
  event: { type: "note", text: "x" },
  commandId: "c1",
  waitMs: 5,
} as const;

t.test("every request crosses the wire unchanged, and says that its sender knows facts", async (t) => {
  const requests: ActorRequest[] = [
    start,
    { ...start, request: "hash", mayExist: true },
    { ...start, by: { kind: "anonymous" } },
    { ...command, by: { kind: "person", id: "ada" }, reason: "changed my mind" },
    command,
    { op: "read", actor: "a" },
    { op: "resume", actor: "a" },
    { op: "skip", actor: "a", parking: "p1" },
  ];
  for (const request of requests)
    t.strictSame(decodeRequest(encodeRequest(request)), { ...request, facts: true });
});

t.test("what is no request, or lacks what its kind needs, is not begun", async (t) => {
  const broken: unknown[] = [
    null,
    [],
    "read",
    {},
    { op: "read" },
    { op: "read", actor: 7 },
    { op: "erase", actor: "a" },
    { ...start, input: null },
    { ...start, input: "x" },
    { ...start, waitMs: "0" },
    { ...command, machine: undefined },
    { ...command, commandId: 7 },
    { ...command, waitMs: null },
    { ...command, event: "note" },
    { ...command, by: "ada" },
    { ...command, reason: 7 },
    { ...start, by: { id: "ada" } },
    { op: "skip", actor: "a" },
    { op: "skip", actor: "a", parking: 7 },
  ];
  for (const request of broken)
    t.equal(decodeRequest(JSON.stringify(request)), undefined, JSON.stringify(request));
  for (const payload of ["", "{", "undefined"]) t.equal(decodeRequest(payload), undefined, payload);
});

t.test("an actor whose id is no subject token is not begun", async (t) => {
  for (const actor of ["", "a.b", "a b", "*", ">", "a\n", " "])
    t.equal(decodeRequest(JSON.stringify({ op: "read", actor })), undefined, JSON.stringify(actor));
  t.ok(decodeRequest(JSON.stringify({ op: "read", actor: "ord_1-A" })));
});

t.test("fields that a newer node adds do no harm", async (t) => {
  t.match(decodeRequest(JSON.stringify({ ...command, later: true })), command);
});

t.test("a reply that is no JSON is a fault of the program", async (t) => {
  t.throws(() => decodeReply("{"), SyntaxError);
});

/** Replies between nodes of different versions. */
import t from "tap";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { decodeReply, encodeReply } from "../../../../src/runtime/routing/request-codec.ts";

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

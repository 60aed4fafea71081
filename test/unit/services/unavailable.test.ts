/** The runtime's replies as the answers of a service. */
import t from "tap";
import { unavailableReply } from "../../../src/services/unavailable.ts";

t.test("a parked actor is a parked order to the callers of a service", async (t) => {
  t.same(unavailableReply({ status: "refused", code: "actor_parked", reason: "poison" }), {
    status: "refused",
    code: "order_parked",
    reason: "poison",
  });
});

t.test("any other refusal keeps its code", async (t) => {
  const refused = { status: "refused", code: "input_refused", reason: "too large" } as const;
  t.same(unavailableReply(refused), refused);
});

t.test("a reply that needs an order is a programmer fault", async (t) => {
  t.throws(() => unavailableReply({ status: "not_found" }), /not_found/);
});

/** The machines' own types against the services' contracts. Checked by the compiler; the test runs nothing. */
import t from "tap";
import type * as machines from "../../../../machines/types.ts";
import type { EffectFailure } from "../../../../src/runtime/definition.ts";
import type * as inventory from "../../../../src/services/inventory/contract.ts";
import type * as orders from "../../../../src/services/orders/contract.ts";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
/** What the machine sends, the service takes. */
type Taken<Sent, Expected> = [Sent] extends [Expected] ? true : false;

const same: [
  Same<machines.Money, orders.Money>,
  Same<machines.ReserveInput, inventory.ReserveInput>,
  Same<machines.ReserveOutput, inventory.ReserveOutput>,
  Same<machines.EndHoldInput, inventory.EndHoldInput>,
  Same<machines.EndHoldOutput, inventory.EndHoldOutput>,
  Same<machines.EffectFailure, EffectFailure>,
  Same<machines.ShippingAddress, orders.PlaceOrder["shippingAddress"]>,
  Same<machines.Customer, orders.PlaceOrder["customer"]>,
] = [true, true, true, true, true, true, true, true];

const taken: [Taken<machines.PaymentMethod, orders.PaymentMethod>] = [true];

t.test("the machines and the services mean the same data", async (t) => {
  t.ok([...same, ...taken].every(Boolean));
});

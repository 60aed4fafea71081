/** The erasure of customers' data on one node, and its answer to the erasures of others. Composition only. */
import type { Bus, Clock, Journal, Subscription } from "../../src/runtime/ports.ts";
import type { NodeEntry } from "../../src/runtime/cluster/presence.ts";
import { customersOrders } from "../../src/services/orders/customers-orders.ts";
import type { Customers } from "../../src/services/personal/contract.ts";
import { areDrained, serveDrain } from "../../src/services/personal/drain.ts";
import { Erasures } from "../../src/services/personal/erasure.ts";
import { areOpening, PERSONAL_FORM } from "../../src/services/personal/sealed-form.ts";
import type { Keys } from "./personal-keys.ts";

/** What the erasure needs of its node. */
export type CustomersOptions = {
  readonly node: string;
  readonly keys: Keys;
  readonly clock: Pick<Clock, "now">;
  readonly bus: Bus;
  readonly journals: readonly Journal[];
  /** The present nodes, this one included. */
  readonly entries: () => readonly NodeEntry[];
};

/** A customer's data is erased by any node; all present ones that seal data take part. */
export function customersOf(options: CustomersOptions): Customers {
  const { bus, clock, entries, journals, keys } = options;
  return new Erasures({
    entries: keys.entries,
    keys: keys.customers,
    clock,
    drained: (hash) => areDrained(bus, sealing(entries()), hash),
    ordersOf: customersOrders(journals),
  });
}

/** The node takes part from now on. */
export function serveErasures({ bus, keys, node }: CustomersOptions): Promise<Subscription> {
  return serveDrain(bus, node, keys.personal);
}

const sealing = (entries: readonly NodeEntry[]): string[] =>
  entries.filter((entry) => areOpening([entry], PERSONAL_FORM)).map(({ id }) => id);

/** Waiting for the state of an order, as a node returns it over HTTP. A failure shows the order as it was last. */
import type { OrderView } from "../../../src/services/orders/contract.ts";
import { type WaitOptions, waitUntil } from "../wait-until.ts";
import { read } from "./order-client.ts";

/**
 * Polls an order until `holds` is true for it.
 * @param url of a node, or a function that chooses one for every poll
 * @param what the failure's words for the awaited state: "ready to be shipped"
 * @throws NeverHappened
 */
export function untilOrder(
  url: string | (() => string),
  id: string,
  what: string,
  holds: (order: OrderView) => boolean,
  options: WaitOptions = {},
): Promise<OrderView> {
  return waitUntil(
    `${id} is ${what}`,
    async () => {
      const { status, body } = await read(typeof url === "string" ? url : url(), id);
      if (status !== 200 || !holds(body)) throw new Error(`HTTP ${status} ${JSON.stringify(body)}`);
      return body;
    },
    options,
  );
}

/** Polls an order until both its own status and its payment's are these. */
export const untilPaid = (
  url: string | (() => string),
  id: string,
  status: string,
  payment: string,
  options: WaitOptions = {},
): Promise<OrderView> =>
  untilOrder(
    url,
    id,
    `${status} and its payment ${payment}`,
    (order) => order.status === status && order.payment.status === payment,
    options,
  );

export const untilCompleted = (
  url: string | (() => string),
  id: string,
  options: WaitOptions = {},
): Promise<OrderView> => untilOrder(url, id, "completed", ({ status }) => status === "completed", options);

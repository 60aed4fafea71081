/** What operators read and do besides orders: maintenance, dead letters, parked orders. */
import { queryOptions } from "@tanstack/react-query";
import { get, send } from "./client.ts";
import type { DeadLetter, MaintenanceMode, Order, ParkedOrder } from "./types.ts";

/** Whether new orders are taken. */
export const maintenanceQuery = queryOptions({
  queryKey: ["maintenance"],
  queryFn: ({ signal }) => get<MaintenanceMode>("/v1/maintenance", undefined, signal),
});

/** Changes it, on all nodes. @throws ApiProblem */
export const setMaintenance = (body: { takingOrders: boolean; reason: string }): Promise<MaintenanceMode> =>
  send<MaintenanceMode>("/v1/maintenance", { method: "POST", body }).then((answer) => answer.body);

/** Items of a list that a page shows; it says so when there are more. */
const MOST = 1000;

/** A list, read to its end or to the bound. */
export type Whole<Item> = { readonly items: readonly Item[]; readonly more: boolean };

async function readWhole<Item>(path: string, signal: AbortSignal): Promise<Whole<Item>> {
  const items: Item[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await get<{ items: Item[]; nextCursor: string | null }>(
      path,
      { limit: 200, cursor },
      signal,
    );
    items.push(...page.items);
    if (page.nextCursor === null || items.length >= MOST) return { items, more: page.nextCursor !== null };
    cursor = page.nextCursor;
  }
}

/** Events that workers abandoned, oldest first. */
export const deadLettersQuery = queryOptions({
  queryKey: ["dead-letters"],
  queryFn: ({ signal }) => readWhole<DeadLetter>("/v1/dead-letters", signal),
});

/** Gives an event to its worker again. A repetition changes nothing. @throws ApiProblem */
export const replayDeadLetter = (id: string): Promise<unknown> =>
  send(`/v1/dead-letters/${id}/replay`, { method: "POST" });

/** Takes a dead letter off the list permanently. @throws ApiProblem */
export const discardDeadLetter = (id: string, reason: string): Promise<unknown> =>
  send(`/v1/dead-letters/${id}/discard`, { method: "POST", body: { reason } });

/** Orders that no input reaches, oldest parking first. */
export const parkedQuery = queryOptions({
  queryKey: ["parked"],
  queryFn: ({ signal }) => readWhole<ParkedOrder>("/v1/parked", signal),
});

const given = (reason: string) => (reason === "" ? {} : { reason });

/** Applies the input that parked an order again. @throws ApiProblem `still_parked` */
export const resumeOrder = (id: string, reason: string): Promise<Order> =>
  send<Order>(`/v1/orders/${id}/resume`, { method: "POST", body: given(reason) }).then(
    (answer) => answer.body,
  );

/** Drops exactly the input of this parking. @throws ApiProblem */
export const skipInput = (id: string, parkingId: string, reason: string): Promise<Order> =>
  send<Order>(`/v1/orders/${id}/skip`, { method: "POST", body: { parkingId, ...given(reason) } }).then(
    (answer) => answer.body,
  );

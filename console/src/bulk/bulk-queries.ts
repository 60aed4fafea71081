/** Requests of commands to many orders. */
import { queryOptions } from "@tanstack/react-query";
import { get, type Query, send } from "../api/client.ts";
import type { BulkAction, BulkItemPage, BulkOperation, BulkPreview } from "../api/types.ts";
import { MOST_IDS } from "../orders/many.ts";

/** Which orders: those of a filter of the list, or these. */
export type BulkTarget = { readonly filter: Query } | { readonly ids: readonly string[] };

/** What would be reached. Nothing is done. @throws ApiProblem */
export const previewBulk = (target: BulkTarget, action: BulkAction, reason: string): Promise<BulkPreview> =>
  send<BulkPreview>("/v1/bulk", { method: "POST", body: { ...target, action, reason, dryRun: true } }).then(
    ({ body }) => body,
  );

/** Starts what was previewed; a repetition finds the same operation. @throws ApiProblem */
export const startBulk = (token: string, key: string): Promise<BulkOperation> =>
  send<BulkOperation>("/v1/bulk", {
    method: "POST",
    body: { token },
    headers: { "idempotency-key": key },
  }).then(({ body }) => body);

/** No further orders are reached. Without effect on one that has ended. @throws ApiProblem */
export const stopBulk = (id: string): Promise<BulkOperation> =>
  send<BulkOperation>(`/v1/bulk/${id}/stop`, { method: "POST", body: {} }).then(({ body }) => body);

/** How far it has come. The topic `bulk:ID` keeps it current while a page follows it. */
export const bulkQuery = (id: string) =>
  queryOptions({
    queryKey: ["bulk", id],
    queryFn: ({ signal }) => get<BulkOperation>(`/v1/bulk/${id}`, undefined, signal),
  });

const PAGE = 100;
/** Pages may be short: at most this number is read for one that is shown. */
const MOST_PAGES = 50;

/** Orders from a cursor on, until there are some to show. @throws ApiProblem */
export async function readItems(
  id: string,
  outcome: string,
  from: string | undefined,
  signal?: AbortSignal,
  enough = PAGE,
): Promise<BulkItemPage> {
  const items: BulkItemPage["items"] = [];
  let cursor = from;
  for (let pages = 1; ; pages++) {
    const query = { limit: PAGE, cursor, outcome };
    const page = await get<BulkItemPage>(`/v1/bulk/${id}/items`, query, signal);
    items.push(...page.items);
    if (page.nextCursor === null || items.length >= enough || pages >= MOST_PAGES)
      return { items, nextCursor: page.nextCursor };
    cursor = page.nextCursor;
  }
}

/** Ids of the orders with an outcome, as many as one request takes. @throws ApiProblem */
export const idsWith = (id: string, outcome: string): Promise<readonly string[]> =>
  readItems(id, outcome, undefined, undefined, MOST_IDS).then(({ items }) =>
    items.slice(0, MOST_IDS).map(({ orderId }) => orderId),
  );

/** What the simulators beside a development cluster know of an order: mails, parcels, bookings. */
import { queryOptions } from "@tanstack/react-query";
import { send } from "../api/client.ts";
import type { LedgerEntry } from "./money.ts";
import { type Mail, type Outside, outsideOf, type Parcel } from "./outside-events.ts";

/** Whether the node that serves the page is one of a development cluster: elsewhere there are no simulators. */
export const hasSimulators = (): boolean => document.documentElement.dataset["environment"] === "development";

const read = async <Body>(name: string, signal: AbortSignal): Promise<Body> =>
  (await send<Body>(`/v1/dev/${name}`, { headers: { "x-orderly-dev": "1" }, signal })).body;

/** The gateway's bookings of an order. */
export const ledgerQuery = (id: string) =>
  queryOptions({
    queryKey: ["order", id, "ledger"],
    queryFn: async ({ signal }) => {
      const { entries } = await read<{ entries: readonly LedgerEntry[] }>("ledger", signal);
      return entries.filter(({ orderId }) => orderId === id);
    },
    enabled: hasSimulators(),
    retry: false,
  });

/** Mails and parcels of an order, oldest first; a simulator that does not answer has none. */
export const outsideQuery = (id: string) =>
  queryOptions({
    queryKey: ["order", id, "outside"],
    queryFn: async ({ signal }): Promise<readonly Outside[]> => {
      const [mails, parcels] = await Promise.all([
        read<readonly Mail[]>("mail", signal).catch(() => []),
        read<{ shipments: readonly Parcel[] }>("parcels", signal).catch(() => ({ shipments: [] })),
      ]);
      return outsideOf(id, mails, parcels.shipments);
    },
    enabled: hasSimulators(),
    retry: false,
  });

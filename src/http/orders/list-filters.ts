/** From the texts of a query to the filters of a list. Every fault names its parameter. */
import { orderStatuses, paymentMethods } from "../../services/orders/contract.ts";
import {
  fulfillmentStatuses,
  type Known,
  type OrderFilter,
  paymentStatuses,
  waits,
} from "../../services/projection/contract.ts";
import type { Fault } from "../protocol/faults.ts";
import { ProblemError } from "../protocol/problems.ts";
import type { Caller } from "../access/caller.ts";
import { isForOwn } from "../../services/access/contract.ts";
import type { FilterQuery } from "./list-schema.ts";

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The filter that a query asks for. @throws ProblemError `validation_failed` with every fault */
export function filterOf(query: FilterQuery): OrderFilter {
  const faults: Fault[] = [];
  const among = <V extends string>(name: keyof FilterQuery, values: readonly V[]): V[] | undefined => {
    const given = query[name]?.split(",");
    if (given?.every((one): one is V => values.includes(one as V))) return given;
    if (given !== undefined) {
      const message = `must be some of ${values.join(", ")}, with commas`;
      faults.push({ pointer: `/${name}`, code: "not_allowed", message });
    }
    return undefined;
  };
  const { customerId, externalReference, invoiceNumber, parked, q, stuckFor, trackingNumber } = query;
  const filter = {
    status: among("status", orderStatuses),
    payment: among("payment", paymentStatuses),
    fulfillment: among("fulfillment", fulfillmentStatuses),
    method: among("method", paymentMethods),
    waitsFor: among("waitsFor", waits),
    in: query.in?.split(","),
    parked: parked === undefined ? undefined : parked === "true",
    customerId,
    sku: query.sku?.split(","),
    trackingNumber,
    invoiceNumber,
    externalReference,
    q,
    createdAfter: momentOf(query.createdAfter),
    createdBefore: momentOf(query.createdBefore),
    updatedAfter: momentOf(query.updatedAfter),
    updatedBefore: momentOf(query.updatedBefore),
    minTotal: numberOf(query.minTotal),
    maxTotal: numberOf(query.maxTotal),
    stuckFor: stuckFor === undefined ? undefined : durationOf(stuckFor),
    partition: query.partition?.split(",").map(Number),
    node: query.node?.split(","),
  };
  if (faults.length > 0) throw new ProblemError("validation_failed", { errors: faults });
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}

/** The same for a caller: of one that reaches only orders of its own, the list has no others. @throws as `filterOf` */
export function filterFor({ customerId, id, roles }: Caller, query: FilterQuery): OrderFilter {
  const filter = filterOf(query);
  if (!isForOwn(roles, "orders:list")) return filter;
  return roles.includes("customer")
    ? { ...filter, customerId: customerId ?? "" }
    : { ...filter, placedBy: id };
}

/** The positions that an answer has to know: of stream 0 where none is named. */
export function knownOf(minSequence: string): Known[] {
  return minSequence.split(",").map((one) => {
    const [first = "", second] = one.split(".");
    return second === undefined
      ? { stream: 0, sequence: Number(first) }
      : { stream: Number(first), sequence: Number(second) };
  });
}

const numberOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);
const momentOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Date.parse(text);

const durationOf = (text: string): number =>
  Number(text.slice(0, -1)) * UNIT_MS[text.slice(-1) as keyof typeof UNIT_MS];

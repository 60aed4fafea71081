/** The steps of the warehouse, and what a scan means. Pure. */
import type { Query } from "../api/client.ts";
import type { Order, OrderRow } from "../api/types.ts";
import { choiceParam, patternParam, searchCodec } from "../url/search-codec.ts";

/** A step, in the order of the work. `held` has what no step can move. */
export const stepNames = ["pick", "check", "pack", "ship", "deliver", "held"] as const;
/** One of {@link stepNames}. */
export type StepName = (typeof stepNames)[number];

/** What a step is. */
export type Step = {
  readonly title: string;
  /** The orders that wait for it. */
  readonly filter: Query;
  /** The command of the API; none where only others can act. */
  readonly command?: string;
  /** On the button, and what is said when it is done. */
  readonly verb: string;
  readonly done: string;
  /** Every piece has to be scanned or counted first. */
  readonly counts: boolean;
};

/** All steps. */
export const steps: Readonly<Record<StepName, Step>> = {
  pick: {
    title: "Pick",
    filter: { fulfillment: "stored", waitsFor: "person" },
    command: "pick",
    verb: "Picked",
    done: "picked; the check is next",
    counts: true,
  },
  check: {
    title: "Check",
    filter: { fulfillment: "picked", waitsFor: "person" },
    command: "quality-check",
    verb: "Passed",
    done: "checked; the packing is next",
    counts: true,
  },
  pack: {
    title: "Pack",
    filter: { fulfillment: "quality_checked", waitsFor: "person" },
    command: "pack",
    verb: "Packed",
    done: "packed; label and charge follow by themselves",
    counts: false,
  },
  ship: {
    title: "Ship",
    filter: { fulfillment: "ready", waitsFor: "person" },
    command: "ship",
    verb: "Handed to the carrier",
    done: "with the carrier",
    counts: false,
  },
  deliver: {
    title: "Deliver",
    filter: { fulfillment: "shipped" },
    command: "deliver",
    verb: "Delivered",
    done: "delivered",
    counts: false,
  },
  held: {
    title: "Held",
    filter: { payment: "capture_failed" },
    verb: "",
    done: "",
    counts: false,
  },
};

/** The address of the page. */
export const warehouseCodec = searchCodec({
  step: choiceParam(stepNames),
  order: patternParam(/^ord_[\w-]{1,64}$/u),
});

/** Pieces that were scanned, by SKU. */
export type Counted = Readonly<Record<string, number>>;

/** What a scan did. */
export type Scanned =
  | { readonly kind: "counted"; readonly sku: string; readonly counted: Counted }
  | { readonly kind: "opens"; readonly id: string }
  | { readonly kind: "refused"; readonly why: string };

/** Pieces of a line that have to be there. */
export const neededOf = ({ cancelled, quantity }: Order["lines"][number]): number => quantity - cancelled;

/** What a scanned text means: a piece of the open order, or an order of the queue by its id or tracking number. */
export function readScan(
  text: string,
  order: Order | undefined,
  queue: readonly OrderRow[],
  counted: Counted,
): Scanned {
  const scanned = text.trim();
  const line = order?.lines.find(({ sku }) => sku.toLowerCase() === scanned.toLowerCase());
  if (line) {
    const have = counted[line.sku] ?? 0;
    const needed = neededOf(line);
    if (have >= needed) return { kind: "refused", why: `All ${needed} of ${line.sku} are there already` };
    return { kind: "counted", sku: line.sku, counted: { ...counted, [line.sku]: have + 1 } };
  }
  const found = queue.find(
    ({ fulfillment, id }) => id === scanned || (scanned !== "" && fulfillment.trackingNumber === scanned),
  );
  if (found) return { kind: "opens", id: found.id };
  if (/^ord_[\w-]{1,64}$/u.test(scanned)) return { kind: "opens", id: scanned };
  return { kind: "refused", why: `${scanned} is not in this order, and no order here has it` };
}

/** Whether all pieces are there. */
export const isComplete = (order: Order, counted: Counted): boolean =>
  order.lines.every((line) => (counted[line.sku] ?? 0) >= neededOf(line));

/** Whether the receiver pays at the door: the amount is part of the step. */
export const collects = ({ payment }: Pick<Order, "payment">): boolean =>
  payment.method === "cash_on_delivery" || payment.method === "in_person";

/**
 * An amount as it is typed, `39.98` or `39,98`, in minor units; undefined when it is none.
 * @param digits of the currency
 */
export function readAmount(text: string, digits: number): number | undefined {
  const match = /^\s*(\d{1,9})(?:[.,](\d+))?\s*$/u.exec(text);
  if (!match || (match[2]?.length ?? 0) > digits) return undefined;
  return Number(match[1]) * 10 ** digits + Number((match[2] ?? "").padEnd(digits, "0"));
}

/** The step in which an order is; undefined when none of the warehouse is next. */
export function stepOf(order: Pick<Order, "fulfillment" | "payment">): StepName | undefined {
  if (order.payment.status === "capture_failed") return "held";
  const found: Readonly<Record<string, StepName>> = {
    stored: "pick",
    picked: "check",
    quality_checked: "pack",
    ready: "ship",
    shipped: "deliver",
  };
  return found[order.fulfillment.status];
}

/**
 * Decides what a reservation, a release, a shipment or a return does to an order's hold. Pure; joined and requested
 * operations share it.
 */
import type { OrderedLine } from "../../../machines/types.ts";
import type { Message } from "../../runtime/ports.ts";
import type { EndHoldOutput, ReserveOutput, ReturnStockOutput } from "./contract.ts";
import type { Hold } from "./holds.ts";
import { type Availability, decideReserve } from "./rules.ts";
import type { StockChange } from "./stock-projection.ts";
import { holdMessage, type Refusal, type StoredHold } from "./stored.ts";

/** A change of the hold, and of the stock with it; both are in one write set. */
export type HoldWrite = {
  readonly hold: StoredHold;
  readonly message: Message;
  /** Last sequence that the hold's subject must have, 0 for none. */
  readonly expected: number;
  /** Absent on a tombstone for an order that never held stock. */
  readonly change?: StockChange;
};

/** Without `write` the operation is a repeat: `output` is the answer, and nothing changes. */
export type Decision<T> = { readonly output: T; readonly write?: HoldWrite };

/**
 * A repeated reservation gets the first result, also when that was a refusal: an earlier try that is still in flight,
 * or a second run of the same effect, must not take stock for an order that was refused. A reservation after the end of
 * the hold gets `closed`.
 */
export function decideHold(
  orderId: string,
  lines: readonly OrderedLine[],
  hold: Hold,
  availability: (sku: string) => Availability | undefined,
): Decision<ReserveOutput> {
  if (hold.state === "reserved") return { output: firstResult(hold.stored) };
  if (hold.state === "refused") return { output: refusalOf(hold.stored) };
  if (hold.state !== "none") return { output: { outcome: "closed", as: hold.state } };
  const output = decideReserve(lines, availability);
  if (output.outcome !== "reserved") {
    return {
      output,
      write: write({ orderId, state: "refused", lines: [], total: null, refusal: output }, 0),
    };
  }
  const next: StoredHold = { orderId, state: "reserved", lines: output.lines, total: output.total };
  return { output, write: write(next, 0, { kind: "reserve", orderId, lines: output.lines }) };
}

/**
 * A hold ends once: later requests get the outcome of the first. Releasing nothing leaves a tombstone, so that a
 * reservation that is still in flight fails. `undefined`: there is nothing to ship, which is a fault of the caller.
 */
export function decideEnd(
  orderId: string,
  as: EndHoldOutput["outcome"],
  hold: Hold,
): Decision<EndHoldOutput> | undefined {
  if (hold.state === "released" || hold.state === "shipped") return { output: { outcome: hold.state } };
  const output = { outcome: as };
  if (hold.state === "refused") return as === "released" ? { output } : undefined;
  if (hold.state === "none")
    return as === "released"
      ? { output, write: write({ orderId, state: as, lines: [], total: null }, 0) }
      : undefined;
  const { lines, total } = hold.stored;
  const kind = as === "released" ? "release" : "ship";
  return {
    output,
    write: write({ orderId, state: as, lines, total }, hold.sequence, { kind, orderId, lines }),
  };
}

/**
 * What was shipped comes back into stock once; later requests get the same answer. The hold stays `shipped`, so that an
 * older owner reads it. `undefined`: nothing was shipped, which is a fault of the caller.
 */
export function decideReturn(hold: Hold): Decision<ReturnStockOutput> | undefined {
  if (hold.state !== "shipped") return undefined;
  const output = { outcome: "returned" } as const;
  if (hold.stored.returned === true) return { output };
  const { orderId, state, lines, total } = hold.stored;
  const next: StoredHold = { orderId, state, lines, total, returned: true };
  return { output, write: write(next, hold.sequence, { kind: "return", orderId, lines }) };
}

function firstResult({ lines, total }: StoredHold): ReserveOutput {
  if (!total) throw new Error("a reserved hold without a total");
  return { outcome: "reserved", lines, total };
}

function refusalOf({ refusal }: StoredHold): Refusal {
  if (!refusal) throw new Error("a refused hold without its reason");
  return refusal;
}

function write(hold: StoredHold, expected: number, change?: StockChange): HoldWrite {
  return { hold, message: holdMessage(hold), expected, ...(change && { change }) };
}

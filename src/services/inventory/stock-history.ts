/**
 * Reads a SKU's stock messages backwards: what changed it, and whose reservations give way while it is short. Each
 * message of the stock in the log has the changes since the one before.
 */
import type { Movement, MovementCursor, Shortage } from "./contract.ts";
import type { Move, StoredStock } from "./stored.ts";

/** A stock message as it was stored; `at` in ms since the epoch. */
export type HistoryEntry = { readonly sequence: number; readonly at: number; readonly stock: StoredStock };

/** The last message of the SKU's stock at or before a sequence; without one, the newest. */
export type ReadHistory = (upTo?: number) => Promise<HistoryEntry | undefined>;

/** Messages that are searched for the reservations that give way. */
const MAX_SEARCHED = 1000;

/** A page of what changed the stock, newest first. One read for each message, and one more. */
export async function readMovements(
  read: ReadHistory,
  limit: number,
  before?: MovementCursor,
): Promise<{ readonly items: readonly Movement[]; readonly next: MovementCursor | null }> {
  const items: Movement[] = [];
  let entry = await read(before?.sequence);
  while (entry) {
    const earlier = entry.sequence > 1 ? await read(entry.sequence - 1) : undefined;
    const moves = movesOf(entry, earlier?.stock);
    const end = entry.sequence === before?.sequence ? Math.min(before.index, moves.length) : moves.length;
    for (let index = end - 1; index >= 0; index--) {
      if (items.length === limit) return { items, next: { sequence: entry.sequence, index: index + 1 } };
      items.push(movementOf(entry, moves[index] as Move));
    }
    entry = earlier;
  }
  return { items, next: null };
}

/**
 * The newest reservations that have not ended, until they cover what is short: these give way.
 * @param short pieces that are reserved and not there
 */
export async function readShortages(
  read: ReadHistory,
  short: number,
): Promise<{ readonly items: readonly Shortage[]; readonly unnamed: number }> {
  const ended = new Set<string>();
  const items: Shortage[] = [];
  let left = short;
  let entry = left > 0 ? await read() : undefined;
  for (let searched = 0; entry && left > 0 && searched < MAX_SEARCHED; searched++) {
    for (const { kind, by, reserved = 0 } of (entry.stock.moves ?? []).toReversed()) {
      if (kind === "released" || kind === "shipped") ended.add(by);
      if (kind !== "reserved" || ended.has(by) || left === 0) continue;
      const lacking = Math.min(left, reserved);
      items.push({ orderId: by, quantity: reserved, short: lacking });
      left -= lacking;
    }
    entry = left > 0 && entry.sequence > 1 ? await read(entry.sequence - 1) : undefined;
  }
  return { items, unnamed: left };
}

/** A message of version 0.1.0 names no causes: one change, of unknown cause. */
function movesOf({ stock }: HistoryEntry, earlier: StoredStock | undefined): readonly (Move | Unrecorded)[] {
  if (stock.moves) return stock.moves;
  const onHand = stock.onHand - (earlier?.onHand ?? 0);
  return [{ kind: "unrecorded", by: "", onHand, reserved: stock.reserved - (earlier?.reserved ?? 0) }];
}

type Unrecorded = Omit<Move, "kind"> & { readonly kind: "unrecorded" };

function movementOf({ sequence, at }: HistoryEntry, move: Move | Unrecorded): Movement {
  const { kind, by, onHand = 0, reserved = 0, ...why } = move;
  const cause =
    kind === "adjusted"
      ? { adjustmentId: by, ...why }
      : kind === "put" || kind === "unrecorded"
        ? {}
        : { orderId: by };
  return { sequence, at: new Date(at).toISOString(), kind, onHand, reserved, ...cause };
}

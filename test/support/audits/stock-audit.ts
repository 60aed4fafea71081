/** What has to hold between two stock messages of a SKU that follow each other in the log. */
import type { StoredStock } from "../../../src/services/inventory/stored.ts";

/** Faults of a stock message: it is the one before and its moves, and none of its reservations was oversold. */
export function stockFaults(before: StoredStock | undefined, after: StoredStock): string[] {
  const { moves } = after;
  if (!moves) return [`${after.sku} version ${after.version}: the changes have no causes`];
  const faults: string[] = [];
  let { onHand, reserved } = before ?? { onHand: 0, reserved: 0 };
  for (const move of moves) {
    onHand += move.onHand ?? 0;
    reserved += move.reserved ?? 0;
    if (onHand < 0 || reserved < 0) faults.push(`${move.kind} by ${move.by} leaves less than nothing`);
    if (move.kind === "reserved" && reserved > onHand) faults.push(`${move.by} was sold and is not there`);
    if (move.kind === "put" && move.onHand && reserved > onHand) faults.push(`${move.by} is below reserved`);
  }
  if (onHand !== after.onHand || reserved !== after.reserved)
    faults.push(
      `${onHand} and ${reserved} reserved by its moves, ${after.onHand} and ${after.reserved} written`,
    );
  if (after.version !== (before?.version ?? 0) + moves.length)
    faults.push(`version ${after.version} after ${before?.version} and ${moves.length} changes`);
  return faults.map((fault) => `${after.sku} version ${after.version}: ${fault}`);
}

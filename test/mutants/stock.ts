/** Planted bugs of stock: arithmetic, the projection in memory, and loading it. */
import type { Mutant } from "./mutant.ts";

const SRC = "src/services/inventory";
const TESTS = "test/unit/services/inventory";
const RULES_TEST = `${TESTS}/rules.test.ts`;
const HOLDS_TEST = `${TESTS}/shard-holds.test.ts`;
const OWNERSHIP_TEST = `${TESTS}/shard-ownership.test.ts`;
const PROJECTION_TEST = `${TESTS}/stock-projection.test.ts`;

export const stockMutants: readonly Mutant[] = [
  {
    id: "stock-last-piece-not-sold",
    does: "A reservation of all available pieces is out of stock.",
    file: `${SRC}/rules.ts`,
    find: "if (quantity > available) (missing",
    replace: "if (quantity >= available) (missing",
    tests: [RULES_TEST],
  },
  {
    id: "stock-one-piece-too-many",
    does: "A reservation of one piece more than are available is accepted.",
    file: `${SRC}/rules.ts`,
    find: "if (quantity > available) (missing",
    replace: "if (quantity > available + 1) (missing",
    tests: [RULES_TEST],
  },
  {
    id: "stock-first-short-line-only",
    does: "Of several short lines only the last one is named.",
    file: `${SRC}/rules.ts`,
    find: "(missing ??= []).push({ sku, requested: quantity, available });",
    replace: "missing = [{ sku, requested: quantity, available }];",
    tests: [RULES_TEST],
  },
  {
    id: "stock-put-at-reserved-refused",
    does: "A put of exactly the reserved pieces is refused.",
    file: `${SRC}/rules.ts`,
    find: "if (onHand < committedQuantity)",
    replace: "if (onHand <= committedQuantity)",
    tests: [RULES_TEST],
  },
  {
    id: "stock-put-below-reserved",
    does: "A put is compared with the acknowledged reservations only, and not with those in flight.",
    file: `${SRC}/stock-projection.ts`,
    find: "committedQuantity: stock.reserved + held };",
    replace: "committedQuantity: Math.max(stock.reserved, held) };",
    tests: [PROJECTION_TEST],
  },
  {
    id: "stock-most-pieces-refused",
    does: "A line of exactly the most pieces is refused.",
    file: `${SRC}/rules.ts`,
    find: "quantity < 1 || quantity > bounds.quantity",
    replace: "quantity < 1 || quantity >= bounds.quantity",
    tests: [RULES_TEST],
  },
  {
    id: "stock-reservation-not-held",
    does: "A reservation in flight does not lower what is available.",
    file: `${SRC}/stock-projection.ts`,
    find: "return onHand - stock.reserved - held;",
    replace: "return onHand - Math.max(stock.reserved, held);",
    tests: [PROJECTION_TEST, HOLDS_TEST],
  },
  {
    id: "stock-raise-counts-at-once",
    does: "A put that raises the count is available before it is stored.",
    file: `${SRC}/stock-projection.ts`,
    find: "Math.min(stock.onHand, putting)",
    replace: "putting",
    tests: [PROJECTION_TEST],
  },
  {
    id: "stock-stored-reservation-stays-held",
    does: "A stored reservation is counted twice: as reserved and as in flight.",
    file: `${SRC}/stock-projection.ts`,
    find: "      this.removePending(change);\n",
    replace: `      if (change.kind === "put") this.removePending(change);\n`,
    tests: [PROJECTION_TEST],
  },
  {
    id: "stock-batch-forgets-first-order",
    does: "Of two orders of one SKU in a batch only the last one is in its stock message.",
    file: `${SRC}/stock-projection.ts`,
    find: "const before = after.get(sku) ?? this.entries.get(sku) ?? emptyEntry(sku);",
    replace: "const before = this.entries.get(sku) ?? after.get(sku) ?? emptyEntry(sku);",
    tests: [PROJECTION_TEST],
  },
  {
    id: "stock-new-sku-not-listed",
    does: "A SKU that was put after the first page is not in the list.",
    file: `${SRC}/stock-projection.ts`,
    find: "if (!entry.item) this.sorted = undefined;",
    replace: "if (entry.item) this.sorted = undefined;",
    tests: [PROJECTION_TEST],
  },
  {
    id: "stock-page-repeats-last",
    does: "A page begins with the last SKU of the page before.",
    file: `${SRC}/stock-projection.ts`,
    find: "if ((sorted[middle] as string) <= after)",
    replace: "if ((sorted[middle] as string) < after)",
    tests: [PROJECTION_TEST],
  },
  {
    id: "stock-stale-read-accepted",
    does: "Entries that were read stale are not checked by the server, only the lock is.",
    file: `${SRC}/load-stock.ts`,
    find: "proven(journal, clock, lock, [...entries.stocks, ...entries.items]),",
    replace: "proven(journal, clock, lock, entries.items),",
    tests: [OWNERSHIP_TEST],
  },
  {
    id: "stock-load-without-lock",
    does: "The stock is loaded without the check of the lock's epoch.",
    file: `${SRC}/load-stock.ts`,
    find: `      fence(lock.name, subjects.lock(lock.name), lock.epoch),
      ...entries`,
    replace: "      ...entries",
    tests: [OWNERSHIP_TEST],
  },
  {
    id: "stock-last-batch-unproven",
    does: "Of many entries those of the last batch are not proven fresh.",
    file: `${SRC}/load-stock.ts`,
    find: "for (let at = 0; at === 0 || at < entries.length; at += perBatch) {",
    replace: "for (let at = 0; at === 0 || at < entries.length - perBatch; at += perBatch) {",
    tests: [`${TESTS}/load-stock.test.ts`],
  },
  {
    id: "stock-entry-between-batches-unproven",
    does: "One entry between two batches is not proven fresh.",
    file: `${SRC}/load-stock.ts`,
    find: "at < entries.length; at += perBatch) {",
    replace: "at < entries.length; at += perBatch + 1) {",
    tests: [`${TESTS}/load-stock.test.ts`],
  },
];

/** Rows, counts and positions change together; what is folded again changes nothing. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { OrderChange } from "../../../../src/services/projection/fold.ts";
import { OrderQueries } from "../../../../src/services/projection/queries.sqlite.ts";
import {
  closeFile,
  FileUnusable,
  moveAway,
  openFile,
} from "../../../../src/services/projection/schema.sqlite.ts";
import { OrderStore } from "../../../../src/services/projection/store.sqlite.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { randomChanges, randomOf } from "./order-model.ts";

const at = (sequence: number) => ({ sequence, log: "log", mark: sequence, markedAt: 5 });

const withoutParking = (change: OrderChange): OrderChange =>
  Object.fromEntries(Object.entries(change).filter(([name]) => name !== "parked")) as OrderChange;

function everything({ database }: OrderStore): unknown[] {
  const tables = ["orders", "hourly", "line", "position", "shape"];
  const words = ["mug", "cus_1", "2026", "t1"].map((word) =>
    database.prepare("SELECT rowid FROM words WHERE words MATCH ? ORDER BY 1").all(`"${word}"*`),
  );
  return [...tables.map((table) => database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all()), ...words];
}

t.test("changes that are applied again change nothing", async (t) => {
  const changes = randomChanges(randomOf(3), 40, 200);
  const store = new OrderStore(openFile(":memory:"));
  store.apply(0, changes, at(200));
  const before = everything(store);
  const last = new Map(changes.map((change) => [change.id, change]));
  store.apply(
    0,
    [...last.values()].map((change) => withoutParking(change)),
    at(200),
  );
  t.strictSame(everything(store), before);
});

t.test("a record or facts that are older than those of the row change nothing", async (t) => {
  const changes = randomChanges(randomOf(7), 1, 2);
  const [older, newer] = changes as [OrderChange, OrderChange];
  const store = new OrderStore(openFile(":memory:"));
  store.apply(0, [newer], at(2));
  const before = everything(store);
  store.apply(0, [withoutParking(older)], at(2));
  t.strictSame(everything(store), before);
});

t.test("one change at a time and all at once give the same rows and counts", async (t) => {
  const changes = randomChanges(randomOf(4), 40, 200);
  const [slow, fast] = [new OrderStore(openFile(":memory:")), new OrderStore(openFile(":memory:"))];
  for (const [index, change] of changes.entries()) slow.apply(0, [change], at(index + 1));
  fast.apply(0, changes, at(200));
  t.strictSame(everything(slow), everything(fast));
  t.strictSame(slow.counts, fast.counts);
});

t.test("a transaction that fails leaves rows, counts and position as they were", async (t) => {
  const changes = randomChanges(randomOf(5), 30, 60);
  const store = new OrderStore(openFile(":memory:"));
  store.apply(0, changes, at(60));
  const [before, counts] = [everything(store), store.counts.filter((count) => count > 0)];
  const [change] = changes;
  const broken = {
    ...change!,
    record: { ...change!.record!, sequence: 99, version: null as unknown as number },
  };
  t.throws(() => store.apply(0, [{ ...change!, id: "ord_new" }, broken], at(61)), /NOT NULL/u);
  t.strictSame(everything(store), before);
  t.strictSame(
    store.counts.filter((count) => count > 0),
    counts,
  );
  store.apply(0, [{ ...change!, id: "ord_new" }], at(61));
  t.equal(store.size(), 1 + counts.reduce((sum, count) => sum + count, 0));
});

t.test(
  "a file is found again as it was left; one that is damaged or of another form is refused",
  async (t) => {
    const path = join(temporaryFolder(t), "projection.sqlite");
    const first = new OrderStore(openFile(path));
    first.apply(2, randomChanges(randomOf(6), 20, 40), at(7));
    const [rows, counts] = [everything(first), first.counts];
    closeFile(first.database);
    const second = new OrderStore(openFile(path));
    t.strictSame(everything(second), rows);
    t.strictSame(second.counts, counts);
    t.strictSame(second.position(2), at(7));
    t.equal(second.position(1), undefined);
    t.equal(new OrderQueries(second).total({}).value, second.size());
    second.database.exec("UPDATE meta SET value = 'older' WHERE key = 'form'");
    closeFile(second.database);
    t.throws(() => openFile(path), FileUnusable);
    t.equal(moveAway(path), `${path}.damaged`);
    writeFileSync(path, "no database".repeat(500));
    t.throws(() => openFile(path), FileUnusable);
    rmSync(path);
    openFile(path).close();
  },
);

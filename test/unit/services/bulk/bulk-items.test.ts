/** What is stored beside bulk operations: written once, whatever the server answers. */
import t from "tap";
import { Unavailable } from "../../../../src/runtime/ports.ts";
import { BulkItems } from "../../../../src/services/bulk/bulk-items.ts";
import { CHUNK_SIZE } from "../../../../src/services/bulk/chunks.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";

const ids = (count: number) => Array.from({ length: count }, (_, n) => `ord_${n}`);

t.test("a list of orders is read as it was stored, by chunks", async (t) => {
  const { bucket, entries } = faultyBucket();
  const items = new BulkItems(bucket);
  const all = ids(2 * CHUNK_SIZE + 5);
  await items.store("s1", all);
  t.strictSame(await items.orders("s1", 0), all.slice(0, CHUNK_SIZE));
  t.strictSame(await items.orders("s1", 2), all.slice(2 * CHUNK_SIZE));
  t.equal(await items.orders("s1", 3), undefined);
  t.equal(await items.orders("s2", 0), undefined);
  t.strictSame([...entries.keys()].toSorted(), ["items.s1.0", "items.s1.1", "items.s1.2"]);
  t.strictSame(JSON.parse(entries.get("items.s1.2")!.value), { form: 1, ids: all.slice(2 * CHUNK_SIZE) });
});

t.test("of two writers of outcomes the first one counts, and both learn it", async (t) => {
  const { bucket } = faultyBucket();
  const items = new BulkItems(bucket);
  t.strictSame(await items.record("b1", 0, ["done"]), ["done"]);
  t.strictSame(await items.record("b1", 0, ["unavailable"]), ["done"]);
  t.strictSame(await items.outcomes("b1", 0), ["done"]);
  t.equal(await items.claim("t1", "b1"), "b1");
  t.equal(await items.claim("t1", "b2"), "b1");
});

t.test("a lost answer is a write that was stored, and a lost request is none", async (t) => {
  const { bucket, faults } = faultyBucket();
  const items = new BulkItems(bucket);
  faults.push("lose-answer");
  t.strictSame(await items.record("b1", 0, ["done"]), ["done"]);
  faults.push("lose-request");
  await t.rejects(items.record("b1", 1, ["done"]), Unavailable);
  t.equal(await items.outcomes("b1", 1), undefined);
  faults.push("behind");
  await t.rejects(items.store("s1", ids(1)), Unavailable);
});

t.test("an entry of another form counts as none", async (t) => {
  const { bucket, entries } = faultyBucket();
  entries.set("outcomes.b1.0", { value: '{"form":1,"outcomes":[1]}', revision: 1 });
  entries.set("items.s1.0", { value: "{", revision: 2 });
  const items = new BulkItems(bucket);
  t.equal(await items.outcomes("b1", 0), undefined);
  t.equal(await items.orders("s1", 0), undefined);
  await t.rejects(items.record("b1", 0, ["done"]), Unavailable);
});

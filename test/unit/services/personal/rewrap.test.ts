/** Rewrapping after a rotation: every entry, beside other writers, again after a failure. */
import { randomBytes } from "node:crypto";
import t from "tap";
import {
  type CustomerEntry,
  generationName,
  KeyEntries,
} from "../../../../src/services/personal/key-entries.ts";
import { withNewKey } from "../../../../src/services/personal/master-keys.ts";
import { rewrapAll } from "../../../../src/services/personal/rewrap.ts";
import { customerEntry } from "../../../../src/services/personal/subjects.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";
import { masterKeysOf } from "../../../support/master-keys.ts";
import { sharedKeysOf } from "./stage.ts";

const BEFORE = withNewKey("", randomBytes);
const AFTER = withNewKey(BEFORE, randomBytes);
const [NEW_ALONE = ""] = AFTER.split("\n");
const CUSTOMER = customerEntry("hash");

async function stage() {
  const { bucket, entries, faults } = faultyBucket();
  const keys = sharedKeysOf(bucket, BEFORE);
  const before = [await keys.ofEntry("index"), await keys.ofEntry("documents.2026")];
  const dataKeys = [1, 2].map(() => randomBytes(32));
  const old = masterKeysOf(BEFORE);
  const entry: CustomerEntry = {
    generations: dataKeys.map((key, index) => ({
      number: index + 1,
      key: old.wrap(generationName(CUSTOMER, index + 1), key),
      madeAt: "2026-01-01T00:00:00.000Z",
    })),
    erasures: [{ begunAt: "", at: "", reason: "asked" }],
  };
  await new KeyEntries(bucket).store(CUSTOMER, entry, 0);
  return { bucket, entries, faults, before, dataKeys };
}

t.test("after a run the new key alone opens every entry, and nothing else has changed", async (t) => {
  const { bucket, entries, before, dataKeys } = await stage();
  const done: number[] = [];
  const rotated = masterKeysOf(AFTER);
  const counts = await rewrapAll(new KeyEntries(bucket), rotated, (now) => done.push(now.done));
  t.same(counts, { entries: 3, done: 3, rewrapped: 3, failed: [] });
  t.same(done, [1, 2, 3]);
  const keys = sharedKeysOf(bucket, NEW_ALONE);
  t.ok((await keys.ofEntry("index")).equals(before[0] as Buffer));
  t.ok((await keys.ofEntry("documents.2026")).equals(before[1] as Buffer));
  const { entry } = await new KeyEntries(bucket).customer(CUSTOMER);
  const alone = masterKeysOf(NEW_ALONE);
  for (const [index, { number, key, madeAt }] of (entry?.generations ?? []).entries()) {
    t.ok(alone.unwrap(generationName(CUSTOMER, number), key).equals(dataKeys[index] as Buffer));
    t.equal(madeAt, "2026-01-01T00:00:00.000Z");
  }
  t.equal(entry?.erasures?.[0]?.reason, "asked");
  const values = JSON.stringify([...entries]);
  t.match(await rewrapAll(new KeyEntries(bucket), rotated), { rewrapped: 0, failed: [] });
  t.equal(JSON.stringify([...entries]), values, "a second run writes nothing");
});

t.test("an entry that another writer changes meanwhile is read and wrapped again", async (t) => {
  const { bucket, faults } = await stage();
  faults.push("behind", "behind");
  t.match(await rewrapAll(new KeyEntries(bucket), masterKeysOf(AFTER)), { rewrapped: 3, failed: [] });
});

t.test(
  "entries that cannot be read or opened are named, stay as they are, and hold up no other",
  async (t) => {
    const { bucket, entries } = await stage();
    entries.set("index", { value: "damaged", revision: 100 });
    const foreign = masterKeysOf(withNewKey("", randomBytes)).wrap("documents.2025", randomBytes(32));
    entries.set("documents.2025", { value: JSON.stringify({ key: foreign }), revision: 101 });
    const counts = await rewrapAll(new KeyEntries(bucket), masterKeysOf(AFTER));
    t.match(counts, { entries: 4, rewrapped: 2 });
    t.same(counts.failed.map(({ name }) => name).toSorted(), ["documents.2025", "index"]);
    t.equal(entries.get("index")?.value, "damaged");
  },
);

/** Keys that many use: made once, the same on all nodes. */
import t from "tap";
import { Unavailable } from "../../../../src/runtime/ports.ts";
import { KeyEntryUnreadable } from "../../../../src/services/personal/key-entries.ts";
import { MasterKeyMissing } from "../../../../src/services/personal/master-keys.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";
import { sharedKeysOf } from "./stage.ts";

t.test("two nodes that need a key at the same time use the same one", async (t) => {
  const { bucket } = faultyBucket();
  const [one, two] = [sharedKeysOf(bucket), sharedKeysOf(bucket)];
  const [first, second] = await Promise.all([one.ofEntry("index"), two.ofEntry("index")]);
  t.ok(first.equals(second));
  t.ok((await sharedKeysOf(bucket).ofEntry("index")).equals(first), "and so does a later one");
  t.notOk((await one.ofEntry("documents.2026")).equals(first), "each entry has its own");
});

t.test("what is stored of a key is wrapped by the key file", async (t) => {
  const { bucket, entries } = faultyBucket();
  const key = await sharedKeysOf(bucket).ofEntry("index");
  const before = entries.get("index");
  t.notMatch(before?.value, key.toString("base64url").slice(0, 20));
  const other = sharedKeysOf(bucket, Buffer.alloc(32, "another").toString("base64"));
  await t.rejects(other.ofEntry("index"), MasterKeyMissing);
  t.same(entries.get("index"), before, "the entry is as it was");
});

t.test("a damaged entry is reported and never overwritten; one is made only to seal", async (t) => {
  const { bucket, entries } = faultyBucket();
  const keys = sharedKeysOf(bucket);
  await t.rejects(keys.ofExistingEntry("documents.2025"), KeyEntryUnreadable);
  t.notOk(entries.has("documents.2025"));
  entries.set("index", { value: "damaged", revision: 1 });
  await t.rejects(keys.ofEntry("index"), KeyEntryUnreadable);
  t.equal(entries.get("index")?.value, "damaged");
});

t.test("a write without an answer gives no key, and the next call finds what is stored", async (t) => {
  for (const fault of ["lose-answer", "lose-request"] as const) {
    const { bucket, faults } = faultyBucket();
    const keys = sharedKeysOf(bucket);
    faults.push(fault);
    await t.rejects(keys.ofEntry("index"), Unavailable, fault);
    t.ok((await keys.ofEntry("index")).equals(await sharedKeysOf(bucket).ofEntry("index")), fault);
  }
  const { bucket, faults } = faultyBucket();
  faults.push("behind");
  t.ok(await sharedKeysOf(bucket).ofEntry("index"), "a refused write is tried again");
});

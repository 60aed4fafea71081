/** Personal data of orders: sealed and opened by any node, for its order alone, while the customer's key exists. */
import t from "tap";
import { Unavailable } from "../../../../src/runtime/ports.ts";
import { KeyEntries, KeyEntryUnreadable } from "../../../../src/services/personal/key-entries.ts";
import { ERASED, generationOf } from "../../../../src/services/personal/personal-data.ts";
import { Unopenable } from "../../../../src/services/personal/sealing.ts";
import { customerEntry } from "../../../../src/services/personal/subjects.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";
import { personalStage, sealedOf } from "./stage.ts";

const ADA = { customer: { name: "Ada Byron", email: "ada@example.com" } };

t.test("what one node has sealed, every node opens, for its order alone", async (t) => {
  const { bucket, entries } = faultyBucket();
  const [one, two] = [personalStage(bucket), personalStage(bucket)];
  const { text, group } = await sealedOf(one, "ada@example.com", "ord_1", ADA);
  t.same(await two.personal.open("ord_1", text), ADA);
  await t.rejects(two.personal.open("ord_2", text), Unopenable);
  await t.rejects(two.personal.open("ord_1", "Ada Byron"), Unopenable);
  t.match(group, /^[\w-]{22}$/u);
  t.equal((await sealedOf(two, "ada@example.com", "ord_2", ADA)).group, group, "one customer, one group");
  t.not((await sealedOf(two, "bob@example.com", "ord_3", ADA)).group, group);
  t.notMatch(JSON.stringify([...entries, text, group]), /ada|Ada|example/u, "no entry names the customer");
  t.equal(generationOf(text), 1);
});

t.test("two nodes that place the first orders of a customer at once use one key", async (t) => {
  const { bucket } = faultyBucket();
  const [one, two] = [personalStage(bucket), personalStage(bucket)];
  for (const { shared } of [one, two]) await shared.ofEntry("index");
  const texts = await Promise.all([
    sealedOf(one, "cus_1", "ord_1", ADA),
    sealedOf(two, "cus_1", "ord_2", ADA),
  ]);
  t.same(
    texts.map(({ text }) => generationOf(text)),
    [1, 1],
  );
  t.same(await one.personal.open("ord_2", texts[1].text), ADA);
});

t.test("a sealing node reads the key once in three seconds", async (t) => {
  const { bucket } = faultyBucket();
  let reads = 0;
  const counting = { ...bucket, get: (key: string) => bucket.get(key).finally(() => reads++) };
  const stage = personalStage(counting);
  for (let n = 0; n < 50; n++) await sealedOf(stage, "cus_1", `ord_${n}`, ADA);
  t.ok(reads <= 4, `${reads} reads for the first orders`);
  const first = reads;
  await stage.clock.advance(2999);
  await sealedOf(stage, "cus_1", "ord_a", ADA);
  t.equal(reads, first);
  await stage.clock.advance(2);
  await sealedOf(stage, "cus_1", "ord_b", ADA);
  t.equal(reads, first + 1);
});

t.test("the first orders of a customer share one reading and one key", async (t) => {
  const { bucket } = faultyBucket();
  const calls: string[] = [];
  const counting: typeof bucket = {
    ...bucket,
    get: async (key) => await bucket.get(key).finally(() => calls.push(`get ${key.split(".")[0]}`)),
    update: async (key, ...rest) =>
      await bucket.update(key, ...rest).finally(() => calls.push(`update ${key.split(".")[0]}`)),
  };
  const stage = personalStage(counting);
  await stage.shared.ofEntry("index");
  calls.length = 0;
  const texts = await Promise.all([1, 2, 3].map((n) => sealedOf(stage, "cus_1", `ord_${n}`, ADA)));
  t.strictSame(calls, ["get customer", "update customer"]);
  t.same(await stage.personal.open("ord_3", texts[2]!.text), ADA);
  t.equal(calls.length, 2, "the key is known");
});

t.test("a key that is stored after its customer's keys were forgotten is read anew", async (t) => {
  const { bucket } = faultyBucket();
  const stored = Promise.withResolvers<void>();
  let reads = 0;
  const slow: typeof bucket = {
    ...bucket,
    get: async (key) => await bucket.get(key).finally(() => reads++),
    update: async (key, ...rest) => {
      const result = await bucket.update(key, ...rest);
      if (key.startsWith("customer.")) await stored.promise;
      return result;
    },
  };
  const stage = personalStage(slow);
  const group = await stage.keys.hashOf("cus_1");
  const first = sealedOf(stage, "cus_1", "ord_1", ADA);
  await stage.clock.advance(1);
  const drained = stage.personal.drained(group);
  stored.resolve();
  t.equal(generationOf((await first).text), 1);
  await drained;
  const before = reads;
  await sealedOf(stage, "cus_1", "ord_2", ADA);
  t.equal(reads, before + 1);
});

t.test(
  "data reads erased once its generation is deleted, in every process within three seconds",
  async (t) => {
    const { bucket } = faultyBucket();
    const [one, two] = [personalStage(bucket), personalStage(bucket)];
    const { text, group } = await sealedOf(one, "cus_1", "ord_1", ADA);
    t.same(await two.personal.open("ord_1", text), ADA);
    const entries = new KeyEntries(bucket);
    const { entry, revision } = await entries.customer(customerEntry(group));
    const next = one.keys.withGeneration(group, entry);
    await entries.store(customerEntry(group), { generations: next.generations.slice(1) }, revision);
    await two.clock.advance(3001);
    t.equal(await two.personal.open("ord_1", text), ERASED);
    await one.clock.advance(3001);
    const later = await sealedOf(one, "cus_1", "ord_2", ADA);
    t.equal(generationOf(later.text), 2, "a number is never used again");
    t.same(await two.personal.open("ord_2", later.text), ADA);
  },
);

t.test("a lost bucket is not an erasure", async (t) => {
  const { bucket, entries } = faultyBucket();
  const stage = personalStage(bucket);
  const { text, group } = await sealedOf(stage, "cus_1", "ord_1", ADA);
  entries.delete(customerEntry(group));
  await stage.clock.advance(3001);
  await t.rejects(stage.personal.open("ord_1", text), KeyEntryUnreadable);
});

t.test("nothing is sealed while the key cannot be stored, and the order is not placed", async (t) => {
  const { bucket, faults } = faultyBucket();
  const stage = personalStage(bucket);
  await stage.shared.ofEntry("index");
  faults.push("lose-request");
  await t.rejects(sealedOf(stage, "cus_1", "ord_1", ADA), Unavailable);
  await stage.personal.drained(await stage.keys.hashOf("cus_1"));
  t.ok(await sealedOf(stage, "cus_1", "ord_1", ADA));
});

t.test("an erasure waits for calls that have a key, and for a minute when one has no answer", async (t) => {
  const { bucket } = faultyBucket();
  const { clock, keys, personal } = personalStage(bucket);
  const order = { customerId: "cus_1", orderId: "ord_1", personal: ADA };
  const group = await keys.hashOf("cus_1");
  const answer = Promise.withResolvers<{ value: number; isOver: boolean }>();
  const placed = personal.whileSealed(order, () => answer.promise);
  await clock.advance(1);
  let isDrained = false;
  const drained = personal.drained(group).finally(() => {
    isDrained = true;
  });
  const later = personal.whileSealed({ ...order, orderId: "ord_2" }, () => new Promise<never>(() => {}));
  await clock.advance(1);
  t.notOk(isDrained, "a call is under way");
  answer.resolve({ value: 7, isOver: false });
  t.equal(await placed, 7);
  await clock.advance(59_000);
  t.notOk(isDrained, "its order may still be stored");
  await clock.advance(2000);
  await drained;
  t.ok(isDrained, "calls that have begun since do not count");
  void later;
  await t.rejects(
    personal.whileSealed(order, () => Promise.reject(new Error("broken"))),
    /broken/u,
  );
});

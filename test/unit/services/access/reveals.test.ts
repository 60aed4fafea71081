/** Reveals: who sees an order without masks, for how long, on which node. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { Bucket } from "../../../../src/runtime/ports.ts";
import { REVEAL_MS, StoredReveals } from "../../../../src/services/access/reveals.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";

async function stage() {
  const { bucket, entries, faults } = faultyBucket();
  const clock = new VirtualClock();
  const listeners: ((change: { key: string; value: string | undefined; revision: number }) => void)[] = [];
  const watched = {
    ...bucket,
    watch: async (onChange: (typeof listeners)[number]) => {
      listeners.push(onChange);
      return { stop: async () => {} };
    },
  } as Pick<Bucket, "get" | "update" | "watch">;
  const node = async () => {
    const reveals = new StoredReveals({ bucket: watched, clock });
    await reveals.start();
    return reveals;
  };
  const passAll = () => {
    for (const [key, { revision, value }] of entries)
      for (const listener of listeners) listener({ key, value, revision });
  };
  return { node, clock, passAll, faults, entries };
}

t.test("an order is shown to the one caller, on every node, for ten minutes", async (t) => {
  const { clock, node, passAll } = await stage();
  const [one, two] = [await node(), await node()];
  t.match(await one.reveal("ord_1", "key a/b"), { status: "revealed" });
  t.ok(one.isRevealed("ord_1", "key a/b"));
  t.notOk(two.isRevealed("ord_1", "key a/b"));
  passAll();
  t.ok(two.isRevealed("ord_1", "key a/b"));
  for (const [order, caller] of [
    ["ord_1", "other"],
    ["ord_2", "key a/b"],
  ] as const)
    t.notOk(one.isRevealed(order, caller));
  await clock.advance(REVEAL_MS - 1);
  t.ok(two.isRevealed("ord_1", "key a/b"));
  await clock.advance(1);
  t.notOk(two.isRevealed("ord_1", "key a/b"));
  passAll();
  t.notOk(two.isRevealed("ord_1", "key a/b"), "whatever the bucket still has");
  t.match(await two.reveal("ord_1", "key a/b"), { status: "revealed" });
  t.ok(two.isRevealed("ord_1", "key a/b"), "again");
});

t.test("an entry that promises more than ten minutes shows ten", async (t) => {
  const { clock, entries, node, passAll } = await stage();
  const one = await node();
  await one.reveal("ord_1", "a");
  const [key = ""] = entries.keys();
  for (const value of [String(clock.now() + 1000 * REVEAL_MS), "never", ""]) {
    entries.set(key, { value, revision: 9 });
    passAll();
  }
  await clock.advance(REVEAL_MS + 1);
  t.notOk(one.isRevealed("ord_1", "a"));
});

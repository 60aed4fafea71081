/** The queue of each key: one holder, waiters in order, a bound for all of them together. */
import t from "tap";
import { KeyedQueue } from "../../../../src/services/inventory/keyed-queue.ts";

/** Enters, and notes the name once the caller holds the key. */
function enter(queue: KeyedQueue, key: string, name: string, order: string[]): boolean {
  const entered = queue.enter(key);
  void entered?.then(() => order.push(name));
  return entered !== undefined;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test("a key has one holder, and its waiters get it in the order in which they entered", async (t) => {
  const queue = new KeyedQueue(10);
  const order: string[] = [];
  for (const name of ["one", "two", "three"]) enter(queue, "k", name, order);
  enter(queue, "other", "apart", order);
  await settled();
  t.same(order, ["one", "apart"]);
  for (const name of ["two", "three"]) {
    queue.leave("k");
    await settled();
    t.equal(order.at(-1), name);
    t.ok(queue.busy("k"));
  }
  queue.leave("k");
  t.notOk(queue.busy("k"));
  t.doesNotThrow(() => queue.take("k"));
  t.throws(() => queue.take("k"), /taken/u);
});

t.test("at most the bound waits in all, and a place is free again when a waiter gets its key", async (t) => {
  const queue = new KeyedQueue(2);
  const order: string[] = [];
  for (const key of ["a", "b"]) t.ok(enter(queue, key, `${key}1`, order), "a holder does not wait");
  t.ok(enter(queue, "a", "a2", order));
  t.ok(enter(queue, "b", "b2", order));
  t.notOk(enter(queue, "a", "a3", order), "two wait");
  queue.leave("a");
  t.ok(enter(queue, "a", "a4", order));
  t.notOk(enter(queue, "b", "b3", order));
});

t.test("an abandoned queue wakes all waiters, and has its full bound afterward", async (t) => {
  const queue = new KeyedQueue(2);
  const order: string[] = [];
  for (const name of ["a1", "a2", "a3"]) enter(queue, "a", name, order);
  queue.abandon();
  await settled();
  t.same(order, ["a1", "a2", "a3"]);
  t.notOk(queue.busy("a"));
  for (const name of ["b1", "b2", "b3"]) t.ok(enter(queue, "b", name, order), name);
  t.notOk(enter(queue, "b", "b4", order));
});

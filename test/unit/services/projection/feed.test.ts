/** A feed folds its stream in order, records together with their facts, and keeps what the store refuses. */
import t from "tap";
import { systemClock } from "../../../../src/adapters/local/system-clock.ts";
import { Feed } from "../../../../src/services/projection/feed.ts";
import { openFile } from "../../../../src/services/projection/schema.sqlite.ts";
import { OrderStore } from "../../../../src/services/projection/store.sqlite.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";
import { waitUntil } from "../../../support/wait-until.ts";
import { factsOf, LogInMemory, messageAt, recordOf, startedOrder } from "./stored-orders.ts";

function stage() {
  const log = new LogInMemory();
  const store = new OrderStore(openFile(":memory:"));
  const refused: unknown[] = [];
  const make = () =>
    new Feed({
      stream: 0,
      log,
      logId: "log-1",
      store,
      subjects: { prefix: "orders" },
      clock: systemClock,
      reports: quietLog,
      onProgress: () => {},
      isAwaited: () => true,
      onRefused: async (error) => {
        refused.push(error);
      },
    });
  return { log, store, refused, make, feed: make() };
}

t.test("an order is shown when its facts have come", async (t) => {
  const { feed, log, store } = stage();
  await feed.start();
  const [one, two] = [startedOrder("ord_1"), startedOrder("ord_2")];
  log.store(recordOf(one, 1), factsOf(one, 2), recordOf(two, 3));
  await waitUntil("the first order is folded", () => feed.known() === 2);
  t.equal(store.size(), 1);
  log.store(factsOf(two, 4));
  await waitUntil("the second one is folded", () => feed.known() === 4);
  t.equal(store.size(), 2);
  await feed.stop();
});

t.test("facts that never come hold nothing back for long", async (t) => {
  const { feed, log, store } = stage();
  await feed.start();
  const [one, two] = [startedOrder("ord_1"), startedOrder("ord_2")];
  log.store(recordOf(one, 1), recordOf(two, 2000), factsOf(two, 2001));
  await waitUntil("both are folded", () => feed.known() === 2001);
  t.equal(store.size(), 2);
  await feed.stop();
});

t.test("what the store refuses is folded later, and what was folded is not read again", async (t) => {
  const { feed, log, make, refused, store } = stage();
  await feed.start();
  const one = startedOrder("ord_1");
  store.database.exec("PRAGMA query_only = ON");
  log.store(recordOf(one, 1), factsOf(one, 2));
  await waitUntil("the store has refused it", () => refused.length > 0);
  t.equal(feed.known(), 0);
  store.database.exec("PRAGMA query_only = OFF");
  await waitUntil("it is folded", () => feed.known() === 2);
  await feed.stop();

  const next = make();
  await next.start();
  log.store(recordOf(one, 3));
  await waitUntil("it goes on", () => next.known() === 3);
  t.equal(next.folded, 1);
  log.passTo(9);
  t.equal(next.known(), 9, "the consumer has examined all of that");
  await next.stop();
});

t.test("a message that cannot be read is counted, and those after it are folded", async (t) => {
  const { feed, log, store } = stage();
  await feed.start();
  const one = startedOrder("ord_1");
  log.store(messageAt(1, "orders.journal.1.ord_9", "no record"), recordOf(one, 2), factsOf(one, 3));
  await waitUntil("it is folded", () => feed.known() === 3);
  t.equal(store.size(), 1);
  t.equal(feed.unreadable, 1);
  await feed.stop();
});

/** Loading proves every entry that was read, and the lock, whatever the number of entries. */
import t from "tap";
import { limits } from "../../../../src/runtime/limits.ts";
import type { Message } from "../../../../src/runtime/ports.ts";
import { loadStock } from "../../../../src/services/inventory/load-stock.ts";
import { stockMessage } from "../../../../src/services/inventory/stored.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { eagerClock, FakeLog } from "./fake-log.ts";

const NAME = "inventory.0";
/** A batch checks the lock as well. */
const PER_BATCH = limits.batchMessages - 1;

const entry = { put: "put", version: 1, moves: [] };

/** A log with this many stock entries, after the lock that was won. */
function stage(entries: number) {
  const log = new FakeLog();
  const epoch = log.store({ subject: subjects.lock(NAME), payload: "{}" });
  const stored = Array.from({ length: entries }, (_, index) =>
    stockMessage(`SKU-${index}`, { onHand: index, reserved: 0, received: index, shipped: 0 }, entry),
  );
  for (const message of stored) log.store(message);
  const batches: (readonly Message[])[] = [];
  const append = log.journal.append.bind(log.journal);
  log.journal.append = (messages, timeoutMs) => {
    batches.push(messages);
    return append(messages, timeoutMs);
  };
  return { log, epoch, batches, load: () => loadStock(log.journal, eagerClock(), { name: NAME, epoch }) };
}

t.test("the server checks each entry once, and the lock with every batch of them", async (t) => {
  for (const entries of [0, 1, PER_BATCH, PER_BATCH + 1, 2 * PER_BATCH + 1]) {
    const { log, epoch, batches, load } = stage(entries);
    const read = log.messages.filter(({ sequence }) => sequence > epoch);
    await load();
    const fences = batches.map((batch) => batch.map(({ fence }) => fence));
    for (const [first] of fences) t.same(first, { subject: subjects.lock(NAME), sequence: epoch });
    const checked = fences.flatMap((batch) => batch.slice(1));
    t.same(
      checked,
      read.map(({ subject, sequence }) => ({ subject, sequence })),
      `${entries} entries`,
    );
    t.ok(batches.every(({ length }) => length <= limits.batchMessages));
    t.equal(batches.length, Math.max(1, Math.ceil(entries / PER_BATCH)));
  }
});

t.test("an entry of the last batch that was read stale is read again", async (t) => {
  const { log, load } = stage(PER_BATCH + 2);
  const last = PER_BATCH + 1;
  const newest = { onHand: 7, reserved: 2, received: 7, shipped: 0 };
  const readLastPerSubject = log.journal.readLastPerSubject.bind(log.journal);
  let reads = 0;
  log.journal.readLastPerSubject = async (filter) => {
    const found = await readLastPerSubject(filter);
    // Written by the owner before, and not seen by the first reading.
    if (reads++ === 0) log.store(stockMessage(`SKU-${last}`, newest, entry));
    return found;
  };
  const stock = await load();
  t.same(stock.beforePut(`SKU-${last}`).stock, newest);
});

/** Checks that the stream holds no record that an owner wrote after its takeover. */
import type { Test } from "tap";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../src/services/inventory/subjects.ts";
import type { Journal } from "../../../src/runtime/ports.ts";
import type { StoredHold, StoredStock } from "../../../src/services/inventory/stored.ts";
import { history } from "../clients/order-client.ts";
import type { LoadedOrder } from "../load/order-load.ts";
import type { WaitingWriteSet } from "../faults/outbox-copy.ts";

const PARTITIONS = 32;
const RECORD = /^orders\.journal\.(\d+)\./u;
const HOLD = /^orders\.holds\./u;
/** The lock of the owner of holds and stock. */
const INVENTORY = "inventory.0";

/** Sequences of the lock entries of a resource (`partition.7`, `inventory.0`), oldest first. */
async function locksOf(journal: Journal, resource: string): Promise<readonly number[]> {
  const entries = await journal.readAll(subjects.lock(resource));
  return entries.map(({ sequence }) => sequence);
}

/** What a node holds at this moment: the sequence of its newest lock entry, by resource. */
export async function epochsOf(journal: Journal, node: string): Promise<ReadonlyMap<string, number>> {
  const epochs = new Map<string, number>();
  for (const resource of [...Array.from({ length: PARTITIONS }, (_, p) => `partition.${p}`), INVENTORY]) {
    const lock = await journal.readLast(subjects.lock(resource));
    if (lock && (JSON.parse(lock.payload) as { node: string }).node === node)
      epochs.set(resource, lock.sequence);
  }
  return epochs;
}

/** Fails unless every record was stored under the lock under which its owner decided it. */
export async function checkFences(
  t: Test,
  journal: Journal,
  url: string,
  orders: readonly LoadedOrder[],
): Promise<void> {
  const locks = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, p) => locksOf(journal, `partition.${p}`)),
  );
  let records = 0;
  for (const { id } of orders)
    for (const { sequence, epoch, version } of await history(url, id)) {
      records++;
      const current = locks[partitionOf(id, PARTITIONS)]!.findLast((lock) => lock < sequence);
      if (current !== epoch) t.fail(`${id}: version ${version} of epoch ${epoch} is stored under ${current}`);
    }
  t.pass(`${records} records were stored under the lock that they name`);
}

/** The outcome of write sets that were under way when their owner was frozen. */
export type Fates = {
  /** The server had them already, before the next owner's lock. */
  readonly stored: number;
  /** The others, none of which may be stored. */
  readonly late: number;
  /** Of those, the ones that publish nothing, so that only their fence mark can refuse them. */
  readonly lateWithoutEvents: number;
};

/**
 * Searches the stream for every write set. Fails for one that is stored after the next owner's lock.
 * @param epochs what the owner held: see {@link epochsOf}
 */
export async function fatesOf(
  t: Test,
  journal: Journal,
  writeSets: readonly WaitingWriteSet[],
  epochs: ReadonlyMap<string, number>,
): Promise<Fates> {
  let [stored, late, lateWithoutEvents] = [0, 0, 0];
  for (const { commit, subjects: written } of writeSets) {
    // A hold in an order's write set is stored with its record, or not at all.
    const subject = written.find((one) => RECORD.test(one)) ?? written.find((one) => HOLD.test(one));
    if (subject === undefined) continue;
    const partition = RECORD.exec(subject)?.[1];
    const resource = partition === undefined ? INVENTORY : `partition.${partition}`;
    const epoch = epochs.get(resource) ?? 0;
    const next = (await locksOf(journal, resource)).find((sequence) => sequence > epoch) ?? Infinity;
    const found = (await journal.readAll(subject)).find(
      ({ headers }) => headers["Orderly-Commit"] === commit,
    );
    if (found !== undefined && found.sequence > next)
      t.fail(`${subject}: commit ${commit} of a deposed owner is stored at ${found.sequence}`);
    else if (found !== undefined) stored++;
    else {
      late++;
      if (!written.some((one) => one.startsWith("orders.events."))) lateWithoutEvents++;
    }
  }
  return { stored, late, lateWithoutEvents };
}

/** Fails unless the stock of these SKUs equals the sum of all holds: no piece is sold without an order. */
export async function checkHolds(t: Test, journal: Journal, skus: readonly string[]): Promise<void> {
  const holds = (await journal.readLastPerSubject("orders.holds.>")).map(
    ({ payload }) => JSON.parse(payload) as StoredHold,
  );
  for (const sku of skus) {
    const pieces = (state: StoredHold["state"]) =>
      holds
        .filter((hold) => hold.state === state)
        .flatMap(({ lines }) => lines)
        .reduce((sum, line) => sum + (line.sku === sku ? line.quantity : 0), 0);
    const entry = await journal.readLast(inventorySubjects.stock(sku));
    const { reserved, shipped } = JSON.parse(entry?.payload ?? "{}") as StoredStock;
    t.strictSame(
      { reserved, shipped },
      { reserved: pieces("reserved"), shipped: pieces("shipped") },
      `${sku}: the stock equals the sum of ${holds.length} holds`,
    );
  }
}

/** The number of write sets in the node's log that the server rejected because their lock had moved. */
export function refusedWriteSets(output: string): number {
  return output
    .split("\n")
    .filter((line) => line.includes("rejected batch resolved by reading back"))
    .reduce((sum, line) => sum + (JSON.parse(line) as { lockMoved: number }).lockMoved, 0);
}

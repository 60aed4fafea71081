/** Whether the stream holds anything that a deposed owner wrote. */
import type { Test } from "tap";
import { partitionOf, subjects } from "../../config/subjects.ts";
import type { Journal } from "../../src/runtime/ports.ts";
import { history } from "./order-client.ts";
import type { LoadedOrder } from "./order-load.ts";
import type { WaitingUnit } from "./outbox-copy.ts";

const PARTITIONS = 32;
const RECORD = /^orders\.journal\.(\d+)\./u;

/** Sequences of the lock entries of a partition, oldest first. */
async function locksOf(journal: Journal, partition: number): Promise<readonly number[]> {
  const entries = await journal.readAll(subjects.lock(`partition.${partition}`));
  return entries.map(({ sequence }) => sequence);
}

/** Every record was stored while the lock was the one that it was decided under. */
export async function checkFences(
  t: Test,
  journal: Journal,
  url: string,
  orders: readonly LoadedOrder[],
): Promise<void> {
  const locks = await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => locksOf(journal, p)));
  let records = 0;
  for (const { id } of orders)
    for (const { sequence, epoch, version } of await history(url, id)) {
      records++;
      const current = locks[partitionOf(id, PARTITIONS)]!.findLast((lock) => lock < sequence);
      if (current !== epoch) t.fail(`${id}: version ${version} of epoch ${epoch} is stored under ${current}`);
    }
  t.pass(`${records} records were stored under the lock that they name`);
}

/**
 * Of the units that were under way when their owner was frozen: how many the server had already, stored before the
 * next owner's lock, and how many of the others publish nothing, so that only their fence mark can refuse them. Fails
 * for one that is stored behind the next owner's lock.
 */
export async function fatesOf(
  t: Test,
  journal: Journal,
  units: readonly WaitingUnit[],
  epochs: ReadonlyMap<number, number>,
): Promise<{ readonly stored: number; readonly lateWithoutEvents: number }> {
  let [stored, lateWithoutEvents] = [0, 0];
  for (const { commit, subjects: written } of units) {
    const record = written.find((subject) => RECORD.test(subject));
    if (record === undefined) continue;
    const partition = Number(RECORD.exec(record)![1]);
    const epoch = epochs.get(partition) ?? 0;
    const next = (await locksOf(journal, partition)).find((sequence) => sequence > epoch) ?? Infinity;
    const found = (await journal.readAll(record)).find(({ headers }) => headers["Orderly-Commit"] === commit);
    if (found !== undefined && found.sequence > next)
      t.fail(`${record}: commit ${commit} of a deposed owner is stored at ${found.sequence}`);
    else if (found !== undefined) stored++;
    else if (!written.some((subject) => subject.startsWith("orders.events."))) lateWithoutEvents++;
  }
  return { stored, lateWithoutEvents };
}

/** Units that the server refused because their lock had moved, as the node's log tells. */
export function refusedUnits(output: string): number {
  return output
    .split("\n")
    .filter((line) => line.includes("rejected batch settled by reading back"))
    .reduce((sum, line) => sum + (JSON.parse(line) as { lockMoved: number }).lockMoved, 0);
}

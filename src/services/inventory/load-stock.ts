/** Reads a shard's stock and catalogue from the log, and makes the server prove that the answer is not stale. */
import { limits } from "../../runtime/limits.ts";
import { subjects } from "../subjects.ts";
import { inventorySubjects } from "./subjects.ts";
import { type Failpoints, failpoint } from "../../runtime/failpoints.ts";
import {
  type Clock,
  type Journal,
  type Message,
  ReplicaLagging,
  ServerCode,
  type StoredMessage,
  Unavailable,
} from "../../runtime/ports.ts";
import { StockProjection } from "./stock-projection.ts";
import { readItem, readStock } from "./stored.ts";

/** Tries of reading, and of proving one read, before the acquisition fails. */
const MAX_TRIES = 10;
const PAUSE_MS = 50;
const PROOF_TIMEOUT_MS = 2000;

const STOCK = inventorySubjects.stock("");
const ITEM = inventorySubjects.item("");

/** The lock as it was won: `name` as in `inventory.0`, `epoch` its revision. */
export type WonLock = { readonly name: string; readonly epoch: number };

/**
 * The stock at the moment in which the lock was won. A read can be stale while the stream changes its leader, and stale
 * stock would be sold twice. So the server checks every entry that was read, under the lock, before the shard decides:
 * an entry that passes is final, because only the holder of the lock may write it. That proves nothing about an entry
 * that the reading lacks: so the list of entries has to include everything up to the lock's own entry.
 * @throws Unavailable (retryable) when the server does not answer, or the lock has a newer epoch
 * @throws Error when an entry is not what this version writes
 */
export async function loadStock(
  journal: Journal,
  clock: Clock,
  lock: WonLock,
  failpoints?: Failpoints,
): Promise<StockProjection> {
  for (let read = 1; read <= MAX_TRIES; read++) {
    const entries = await failpoint(failpoints, "inventory.load", () => readEntries(journal, lock.epoch));
    const fresh =
      entries !== undefined &&
      (await failpoint(failpoints, "inventory.verify", () =>
        proven(journal, clock, lock, [...entries.stocks, ...entries.items]),
      ));
    if (fresh) {
      const { stocks, items } = entries;
      const stock = new StockProjection();
      stock.load(
        stocks.map(({ payload, sequence }) => ({ stock: readStock(payload), sequence })),
        items.map(({ payload, sequence }) => ({ item: readItem(payload), sequence })),
      );
      return stock;
    }
    await clock.sleep(PAUSE_MS);
  }
  throw new Unavailable(`${lock.name} is no longer at epoch ${lock.epoch}, or its entries were read stale`);
}

/** Undefined when the server that answers does not have all entries yet. @throws Unavailable */
async function readEntries(
  journal: Journal,
  epoch: number,
): Promise<Readonly<Record<"stocks" | "items", StoredMessage[]>> | undefined> {
  try {
    const [stocks, items] = await Promise.all([
      journal.readLastPerSubject(`${STOCK}>`, epoch),
      journal.readLastPerSubject(`${ITEM}>`, epoch),
    ]);
    return { stocks, items };
  } catch (error) {
    if (error instanceof ReplicaLagging) return undefined;
    throw error;
  }
}

/** False when an entry or the lock is newer than the read. One empty message per entry; writes nothing else. */
async function proven(
  journal: Journal,
  clock: Clock,
  lock: WonLock,
  entries: readonly StoredMessage[],
): Promise<boolean> {
  const perBatch = limits.batchMessages - 1;
  for (let at = 0; at === 0 || at < entries.length; at += perBatch) {
    const checks = [
      fence(lock.name, subjects.lock(lock.name), lock.epoch),
      ...entries.slice(at, at + perBatch).map(({ subject, sequence }) => fence(lock.name, subject, sequence)),
    ];
    if (!(await accepted(journal, clock, checks))) return false;
  }
  return true;
}

async function accepted(journal: Journal, clock: Clock, checks: readonly Message[]): Promise<boolean> {
  let reason = "";
  for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
    const result = await journal.append(checks, PROOF_TIMEOUT_MS);
    if (result.status === "stored") return true;
    if (result.status === "rejected" && result.code === ServerCode.wrongLastSequence) return false;
    // No answer, or another batch of this node is checked at the same time. Only empty messages may be stored.
    reason = result.reason;
    await clock.sleep(PAUSE_MS);
  }
  throw new Unavailable(`the stock could not be proven fresh: ${reason}`);
}

function fence(name: string, subject: string, sequence: number): Message {
  return { subject: subjects.fence(name), payload: "", fence: { subject, sequence } };
}

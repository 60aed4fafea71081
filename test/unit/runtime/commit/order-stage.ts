/** The relay's stage for orders: a record and a hold each, under the locks of the partition and of the inventory. */
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import type { LockRef } from "../../../../src/runtime/commit/write-set.ts";
import type { AppendResult } from "../../../../src/runtime/ports.ts";
import { relayStage, type Write } from "./relay-stage.ts";

export const record = (actor: string): string => subjects.record(0, actor);
export const { hold } = inventorySubjects;
/** Payload of what another writer has stored. */
export const FOREIGN = "another writer";
/** Of a write set after one of the same subject that is still in the outbox. */
export const dependent = { sequence: undefined };

/** Answers of the server. */
export const IN_FLIGHT: AppendResult = { status: "rejected", code: 10164, reason: "wrong last sequence" };
export const WRONG: AppendResult = { status: "rejected", code: 10071, reason: "wrong last sequence" };
export const DUPLICATE: AppendResult = { status: "rejected", code: 10201, reason: "duplicate message id" };
export const TOO_LARGE: AppendResult = { status: "rejected", code: 10054, reason: "message is too large" };
export const SILENT: AppendResult = { status: "unanswered", reason: "no answer in time" };

/** A relay, and the two locks of every order that reserves. The actor of a commit is its first letter. */
export function orderStage(options?: Parameters<typeof relayStage>[0]) {
  const world = relayStage(options);
  const partition = world.lock("partition.0");
  const inventory = world.lock("inventory.0");
  const both: readonly LockRef[] = [partition, inventory];
  let reads = 0;
  world.faults.push(({ kind }) => {
    if (kind === "read") reads++;
    return undefined;
  });
  const answers: (AppendResult | undefined)[] = [];
  world.refusals.push(() => answers.shift());
  return {
    ...world,
    resolvedOrder: world.order,
    partition,
    inventory,
    both,
    /** An order that reserves: record and hold. */
    order(commit: string, more: Partial<Write> = {}): void {
      const hold = { sequence: 0 };
      world.submit({ commit, actor: commit.slice(0, 1), sequence: 0, hold, locks: both, ...more });
    },
    /** A record of an order, without its hold. */
    note(commit: string, more: Partial<Write> = {}): void {
      world.submit({ commit, actor: commit.slice(0, 1), sequence: 0, locks: [partition], ...more });
    },
    statuses: (...commits: string[]): string[] => commits.map(world.status),
    /** Answers of the next attempts, instead of the server's; `undefined`: the server answers. */
    answers,
    reads: () => reads,
    /** From now on readings are as of the start, when there was nothing, not even a lock. */
    readOld(): void {
      const log = world.server.log("KV_ORDERS");
      world.faults.push(({ kind }) => (kind === "read" ? { staleBy: log.lastSequence } : undefined));
    },
    /** Loses the answer of the next batch, though it is stored. */
    loseAnswer(): void {
      let lost = false;
      world.faults.push(({ kind }) => {
        if (kind !== "append" || lost) return undefined;
        lost = true;
        return { lose: "answer" };
      });
    },
    /** The next batch reaches the server later by this, ms. */
    delayBatch(delayMs: number): void {
      let first = true;
      world.faults.push(({ kind }) => {
        if (kind !== "append" || !first) return undefined;
        first = false;
        return { delayMs };
      });
    },
  };
}
export type OrderStage = ReturnType<typeof orderStage>;

/** A shard that is owned, on a fake log, for tests. */
import { subjects } from "../../../../src/services/subjects.ts";
import type { PutStock } from "../../../../src/services/inventory/contract.ts";
import { InventoryShard } from "../../../../src/services/inventory/shard.ts";
import { SHARD_LIMITS, type ShardLimits } from "../../../../src/services/inventory/shard-dependencies.ts";
import type { Operations, InventoryReply } from "../../../../src/services/inventory/protocol.ts";
import { FakeLog, FakeRelay, countingIds, eagerClock, turns } from "./fake-log.ts";

/** The shard with its log and relay. */
export type OwnedShard = {
  readonly log: FakeLog;
  readonly relay: FakeRelay;
  readonly shard: InventoryShard;
  /** Acquires the lock again, as the next owner would, and loads. */
  readonly takeOver: () => Promise<number>;
  /** Awaits the answer, and stores all writes for it. */
  readonly settle: <T>(asked: Promise<T>) => Promise<T>;
  /** Why the lock is unverified; undefined: it is verified. */
  readonly unverify: (reason: string | undefined) => void;
  readonly stock: (
    sku: string,
    onHand: number,
    changes?: Partial<PutStock>,
  ) => Promise<InventoryReply<"put">>;
};

/** Minor units. */
export const EUR = (amount: number) => ({ amount, currency: "EUR" });

/** Acquires the lock and loads an empty log. */
export async function ownedShard(limits: Partial<ShardLimits> = {}): Promise<OwnedShard> {
  const log = new FakeLog();
  let reason: string | undefined;
  const relay = new FakeRelay(log);
  const shard = new InventoryShard(0, {
    journal: log.journal,
    sink: relay,
    ids: countingIds("commit"),
    clock: eagerClock(),
    limits: { ...SHARD_LIMITS, ...limits },
    unverified: () => reason,
  });
  const commands = countingIds("put");
  const takeOver = async () => {
    const epoch = log.store({ subject: subjects.lock(shard.name), payload: "{}" });
    await shard.acquire(epoch);
    return epoch;
  };
  const settle = async <T>(asked: Promise<T>): Promise<T> => {
    await turns(1);
    relay.flush();
    return asked;
  };
  const stock: OwnedShard["stock"] = (sku, onHand, changes = {}) =>
    settle(
      shard.answer<"put">({
        op: "put",
        sku,
        stock: { onHand, name: sku, price: EUR(100), ...changes },
        command: commands.next(),
      }),
    );
  await takeOver();
  const unverify = (now: string | undefined): void => {
    reason = now;
  };
  return { log, relay, shard, takeOver, settle, stock, unverify };
}

/** A reservation of these lines. */
export function reserve(orderId: string, ...lines: [sku: string, quantity: number][]) {
  return {
    op: "reserve" as const,
    orderId,
    lines: lines.map(([sku, quantity]) => ({ sku, quantity })),
  };
}

/** A release of the order's hold. */
export const release = (orderId: string) => ({ op: "release" as const, orderId });
/** A shipment of the order's hold. */
export const ship = (orderId: string) => ({ op: "ship" as const, orderId });

/** A return of what the order shipped. */
export const putBack = (orderId: string) => ({ op: "return" as const, orderId });

/** The output of an answer; throws without one. */
export function output<O extends keyof Operations>(reply: InventoryReply<O>): Operations[O]["output"] {
  if (reply.status !== "ok") throw new Error(`not answered: ${JSON.stringify(reply)}`);
  return reply.output;
}

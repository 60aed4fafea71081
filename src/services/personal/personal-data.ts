/**
 * Seals and opens personal data: one text for each order, under the data key of its customer.
 * Owns: which customers' data is being placed by this process.  Does not own: keys, orders.
 * Invariants
 *   personal.P1. A text opens for the order that it was sealed for, and for no other.
 *   personal.P2. `drained` ends when no call of this process may still store what a key of before has sealed.
 * Proved by: test/unit/services/personal/personal-data.test.ts
 */
import { parseObject } from "../../runtime/json.ts";
import type { Clock } from "../../runtime/ports.ts";
import type { CustomerKeys } from "./customer-keys.ts";
import { openBytes, type Random, readSealedText, sealBytes, sealedText, Unopenable } from "./sealing.ts";

/** In place of personal data whose key was deleted. */
export const ERASED = "erased";

/** What is sealed of an order. */
export type SealedData = {
  /** Opens with the order's id. */
  readonly text: string;
  /** One token that all orders of the customer share. */
  readonly group: string;
};

/** What became of a call that stores sealed data. */
export type Placed<T> = {
  readonly value: T;
  /** The data is stored, or will never be. False: it may be stored later. */
  readonly isOver: boolean;
};

/**
 * How long after a call without a definite answer its data may be stored, ms. A node that cannot reach the server loses
 * its partitions far earlier, and cannot store it any more.
 */
const LATE_MS = 60_000;

/** See the top of the file. */
export class PersonalData {
  private readonly keys: CustomerKeys;
  private readonly random: Random;
  private readonly clock: Pick<Clock, "after">;
  /** By customer: one for each call that may store what was sealed. */
  private readonly inFlight = new Map<string, Set<Promise<void>>>();

  constructor(keys: CustomerKeys, random: Random, clock: Pick<Clock, "after">) {
    this.keys = keys;
    this.random = random;
    this.clock = clock;
  }

  /**
   * Seals the data of an order and calls `place` with it.
   * @throws Unavailable (retryable); MasterKeyMissing; what `place` throws, which counts as no definite answer
   */
  async whileSealed<T>(
    { customerId, orderId, personal }: { customerId: string; orderId: string; personal: object },
    place: (sealed: SealedData) => Promise<Placed<T>>,
  ): Promise<T> {
    const group = await this.keys.hashOf(customerId);
    // Before the key is chosen: an erasure that begins now waits for this call.
    const end = this.begin(group);
    let isOver = true;
    try {
      const { number, key } = await this.keys.toSeal(group);
      const sealed = sealBytes(key, Buffer.from(JSON.stringify(personal)), orderId, this.random);
      isOver = false;
      const placed = await place({ text: sealedText(keyIdOf(group, number), sealed), group });
      ({ isOver } = placed);
      return placed.value;
    } finally {
      if (isOver) end();
      else this.clock.after(LATE_MS, end);
    }
  }

  private begin(group: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ofGroup = this.inFlight.get(group) ?? new Set<Promise<void>>();
    this.inFlight.set(group, ofGroup.add(promise));
    return () => {
      ofGroup.delete(promise);
      if (ofGroup.size === 0 && this.inFlight.get(group) === ofGroup) this.inFlight.delete(group);
      resolve();
    };
  }

  /** Opens a text. @throws Unavailable (retryable); Unopenable; KeyEntryUnreadable; MasterKeyMissing */
  async open(orderId: string, text: string): Promise<object | typeof ERASED> {
    const read = readSealedText(text);
    const keyId = read && readKeyId(read.keyId);
    if (!read || !keyId) throw new Unopenable(`the personal data of ${orderId} has no known form`);
    const key = await this.keys.toOpen(keyId.group, keyId.number);
    if (key === undefined) return ERASED;
    const opened = parseObject(openBytes(key, read.sealed, orderId).toString());
    if (opened === undefined) throw new Unopenable(`the personal data of ${orderId} is no object`);
    return opened;
  }

  /** Reads this customer's keys anew from now on, and ends when every call has ended that may have an older one. */
  async drained(group: string): Promise<void> {
    this.keys.forget(group);
    const before = [...(this.inFlight.get(group) ?? [])];
    await Promise.all(before);
  }
}

const keyIdOf = (group: string, number: number): string => `${group}~${number}`;

/** The generation that has sealed a text; undefined for a text of another form. */
export function generationOf(text: string): number | undefined {
  const read = readSealedText(text);
  return read && readKeyId(read.keyId)?.number;
}

function readKeyId(keyId: string): { readonly group: string; readonly number: number } | undefined {
  const [group, number, ...more] = keyId.split("~");
  if (!group || !/^[1-9]\d{0,8}$/u.test(number ?? "") || more.length > 0) return undefined;
  return { group, number: Number(number) };
}

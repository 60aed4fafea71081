/**
 * Seals card tokens apart from all else, under keys that end: one for each slot of time, deleted by the server when the
 * slot is an hour old (ADR 15). An authorization is decided within seconds; the log keeps the sealed token, which then
 * opens no more.
 * Owns: opened keys of the latest slots.  Does not own: the entries.
 * Invariants
 *   token.T1. A token opens for its order only, and at least `KEY_LIFE_MS - SLOT_MS` after it was sealed.
 *   token.T2. After `KEY_LIFE_MS` from the beginning of its slot it opens nowhere.
 * Proved by: test/unit/services/personal/payment-tokens.test.ts
 */
import type { Clock } from "../../runtime/ports.ts";
import { openBytes, type Random, readSealedText, sealBytes, sealedText } from "./sealing.ts";
import type { SharedKeys } from "./shared-keys.ts";
import { slotEntry } from "./subjects.ts";

/** Orders that are placed within this time share a key, ms. */
export const SLOT_MS = 5 * 60_000;
/** Age at which the server deletes a key, ms: the age of the bucket. */
export const KEY_LIFE_MS = 60 * 60_000;
/** See the top of the file. */
export class PaymentTokens {
  private readonly keys: SharedKeys;
  private readonly random: Random;
  private readonly clock: Pick<Clock, "now">;
  private readonly used = new Set<number>();

  /** @param keys over the bucket PAYMENT_KEYS. @param clock the server's time */
  constructor(keys: SharedKeys, random: Random, clock: Pick<Clock, "now">) {
    this.keys = keys;
    this.random = random;
    this.clock = clock;
  }

  /** @throws Unavailable (retryable); MasterKeyMissing */
  async seal(orderId: string, token: string): Promise<string> {
    const slot = Math.floor(this.clock.now() / SLOT_MS);
    const key = await this.keys.ofEntry(this.use(slot));
    return sealedText(String(slot), sealBytes(key, Buffer.from(token), orderId, this.random));
  }

  /**
   * The token; undefined when its key has ended. A text of another form is a token of an earlier version.
   * @throws Unavailable (retryable); MasterKeyMissing; Unopenable
   */
  async open(orderId: string, text: string): Promise<string | undefined> {
    const read = readSealedText(text);
    const slot = Number(read?.keyId);
    if (!read || !Number.isSafeInteger(slot)) return text;
    // By the clock as well: the key of this process ends with that of the server.
    if (this.clock.now() > slot * SLOT_MS + KEY_LIFE_MS) return undefined;
    const key = await this.keys.find(this.use(slot));
    return key && openBytes(key, read.sealed, orderId).toString();
  }

  /** The entry of a slot; keys of slots that have ended are forgotten. */
  private use(slot: number): string {
    if (!this.used.has(slot))
      for (const one of this.used) {
        if (this.clock.now() <= one * SLOT_MS + KEY_LIFE_MS) continue;
        this.used.delete(one);
        this.keys.forget(slotEntry(one));
      }
    this.used.add(slot);
    return slotEntry(slot);
  }
}

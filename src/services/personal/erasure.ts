/**
 * Erases the personal data of a customer by deleting the keys that it is sealed with.
 * Owns nothing: all that it decides with is stored, so every step can be repeated by any node.
 * Invariants
 *   erasure.E1. A key is deleted only when no node seals with it, no call that has used it is under way, and no order
 *       that it has sealed is open.
 *   erasure.E2. An order that is placed after the request has begun stays readable: the new generation seals it.
 *   erasure.E3. The entry of an erased customer stays, without the keys, and says when and why.
 * Proved by: test/unit/services/personal/erasure.test.ts
 * A crash leaves the mark of the request, and a generation that seals from then on; a repetition goes on from there.
 */
import { type Clock, Unavailable } from "../../runtime/ports.ts";
import { unavailable } from "../unavailable.ts";
import type { Customers, EraseResult } from "./contract.ts";
import type { CustomerKeys } from "./customer-keys.ts";
import { type CustomerEntry, type Erasure, KEPT_ERASURES, type KeyEntries } from "./key-entries.ts";
import { customerEntry } from "./subjects.ts";

/** An order as far as an erasure needs it. */
export type CustomersOrder = {
  readonly orderId: string;
  /** The generation that has sealed its data; undefined: its data is not sealed. */
  readonly generation: number | undefined;
  /** Its data is still needed. */
  readonly open: boolean;
};

/** What an erasure needs of its node. */
export type ErasureOptions = {
  readonly entries: KeyEntries;
  readonly keys: CustomerKeys;
  /** `now` is the server's time. */
  readonly clock: Pick<Clock, "now">;
  /** Whether every present node has confirmed that it reads the keys anew, and that each earlier call has ended. */
  readonly drained: (hash: string) => Promise<boolean>;
  /** All orders of a customer whose data is sealed. @throws Unavailable (retryable) */
  readonly ordersOf: (hash: string) => Promise<readonly CustomersOrder[]>;
};

const TRIES = 10;
/** A request that began longer ago, and was not repeated, was abandoned: the next one begins anew. */
const ABANDONED_MS = 10 * 60_000;
/** Ids in an answer. */
const SHOWN = 100;

type Begun = NonNullable<CustomerEntry["erasing"]>;

/** See the top of the file. */
export class Erasures implements Customers {
  private readonly options: ErasureOptions;

  constructor(options: ErasureOptions) {
    this.options = options;
  }

  async erase(customerId: string, reason: string): Promise<EraseResult> {
    try {
      const hash = await this.options.keys.hashOf(customerId);
      return await this.eraseBy(hash, reason);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return unavailable(error.message);
    }
  }

  private async eraseBy(hash: string, reason: string): Promise<EraseResult> {
    const { drained, keys, ordersOf } = this.options;
    const begun = await this.begin(hash, reason);
    if (begun === undefined) return { status: "not_found" };
    keys.forget(hash);
    if (!(await drained(hash)))
      return unavailable("a node has not confirmed yet that it seals with the new key; repeat the request");
    const orders = await ordersOf(hash);
    const older = orders.filter(({ generation }) => generation !== undefined && generation <= begun.upTo);
    const open = older.filter((order) => order.open).map(({ orderId }) => orderId);
    if (open.length > 0) {
      await this.abandon(hash, begun, orders);
      return { status: "orders_open", orders: open.slice(0, SHOWN), total: open.length };
    }
    const erasure = await this.finish(hash, begun);
    if (erasure === undefined)
      return unavailable("another request to erase this customer was first; repeat the request");
    keys.forget(hash);
    // What was cached in the meantime is dropped; a node that does not confirm keeps it for seconds.
    await drained(hash);
    return { status: "erased", at: erasure.at, reason: erasure.reason, orders: older.length };
  }

  /** Adds a generation that seals from now on, and marks the older ones. @returns undefined without an entry */
  private async begin(hash: string, reason: string): Promise<Begun | undefined> {
    const { clock, keys } = this.options;
    return await this.change<Begun | undefined>(hash, (entry) => {
      if (entry === undefined) return { result: undefined };
      const { erasing } = entry;
      if (erasing && clock.now() - Date.parse(erasing.begunAt) < ABANDONED_MS) return { result: erasing };
      const upTo = entry.generations.at(-1)?.number ?? 0;
      const begun: Begun = { upTo, begunAt: new Date(clock.now()).toISOString(), reason };
      return { result: begun, next: { ...keys.withGeneration(hash, entry), erasing: begun } };
    });
  }

  /** Ends a request that deletes nothing, and drops generations that no order needs, except the newest. */
  private async abandon(hash: string, begun: Begun, orders: readonly CustomersOrder[]): Promise<void> {
    const used = new Set(orders.map(({ generation }) => generation));
    await this.change(hash, (entry) => {
      if (entry?.erasing?.begunAt !== begun.begunAt) return { result: undefined };
      const { erasing: _, ...rest } = entry;
      // Only what was drained: a newer one may have sealed an order that was placed since.
      const generations = entry.generations.filter(({ number }) => number > begun.upTo || used.has(number));
      return { result: undefined, next: { ...rest, generations } };
    });
  }

  /** Deletes the keys. @returns undefined: another request has ended or replaced this one, and nothing is deleted */
  private async finish(hash: string, begun: Begun): Promise<Erasure | undefined> {
    const { clock } = this.options;
    return await this.change<Erasure | undefined>(hash, (entry) => {
      const at = new Date(clock.now()).toISOString();
      const erasure: Erasure = { begunAt: begun.begunAt, at, reason: begun.reason };
      // By another node that has gone on with the same request.
      const done = entry?.erasures?.find(({ begunAt }) => begunAt === begun.begunAt);
      if (entry?.erasing?.begunAt !== begun.begunAt) return { result: done };
      const { erasing: _, ...rest } = entry;
      const generations = entry.generations.filter(({ number }) => number > begun.upTo);
      const erasures = [...(entry.erasures ?? []), erasure].slice(-KEPT_ERASURES);
      return { result: erasure, next: { ...rest, generations, erasures } };
    });
  }

  /** Compare-and-set. @param decide called again when another writer was first; without `next` nothing is written */
  private async change<T>(
    hash: string,
    decide: (entry: CustomerEntry | undefined) => { readonly result: T; readonly next?: CustomerEntry },
  ): Promise<T> {
    const { entries } = this.options;
    const name = customerEntry(hash);
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const { entry, revision } = await entries.customer(name);
      const { result, next } = decide(entry);
      if (next === undefined || (await entries.store(name, next, revision)) !== undefined) return result;
    }
    throw new Unavailable(`a customer's entry could not be changed in ${TRIES} tries`);
  }
}

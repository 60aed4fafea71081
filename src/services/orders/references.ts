/**
 * External references: the names that clients give to orders. No two orders have the same one.
 * Owns nothing: a reservation is an entry of the first order stream, changed by compare-and-set, and made before the
 * record of the order that has the reference.
 * Invariants
 *   references.X1. An order gets a reference only while the entry names the order, and was written less than HOLDS_MS
 *       ago.
 *   references.X2. The entry is given to another order only when the order that it names does not have the reference,
 *       and GRACE_MS have passed since it was written, so that no request which relies on it is under way; or when
 *       that order was rejected.
 * A crash leaves an entry of an order that does not have the reference: it is free after GRACE_MS.
 * Proved by: test/unit/services/orders/references.test.ts
 */
import { createHash } from "node:crypto";
import { isObject, parseObject } from "../../runtime/json.ts";
import type { Actors } from "../../runtime/actors.ts";
import { type Clock, type Journal, ServerCode, Unavailable } from "../../runtime/ports.ts";
import { subjects } from "../subjects.ts";
import { factsOf } from "./facts.ts";
import { orderMachinesOf, orderStatus } from "./status.ts";

/** What references need of their node. */
export type ReferencesOptions = {
  /** Of the first order stream. */
  readonly journal: Pick<Journal, "append" | "readLast">;
  readonly actors: Pick<Actors, "read">;
  /** The server's time. */
  readonly clock: Pick<Clock, "now">;
};

/** Who has a reference. `isHeld`: the reservation is young enough for the order to be stored now. */
export type Reservation =
  | { readonly status: "reserved"; readonly isHeld: () => boolean }
  | { readonly status: "taken"; readonly orderId: string };

/** A reservation is used within this time, ms. */
export const HOLDS_MS = 60_000;
/** A reservation without its order is given to another one after this time, ms. Far above every wait of a request. */
export const GRACE_MS = 600_000;

const APPEND_MS = 2_000;
/** Tries while other requests write the same entry. */
const MAX_TRIES = 5;

type Entry = { readonly orderId: string; readonly sequence: number; readonly at: number };

/** See the top of the file. */
export class References {
  private readonly options: ReferencesOptions;

  constructor(options: ReferencesOptions) {
    this.options = options;
  }

  /** Reserves the reference for the order, which may have it already. @throws Unavailable (retryable) */
  async reserve(reference: string, orderId: string): Promise<Reservation> {
    const { clock, journal } = this.options;
    const subject = referenceSubject(reference);
    const payload = JSON.stringify({ reference, orderId });
    for (let tried = 0; tried < MAX_TRIES; tried++) {
      const entry = await this.entry(reference);
      if (entry?.orderId === orderId && (await this.has(orderId, reference)))
        return { status: "reserved", isHeld: () => true };
      if (entry && entry.orderId !== orderId && (await this.isTaken(entry, reference)))
        return { status: "taken", orderId: entry.orderId };
      const begun = clock.now();
      const fence = { subject, sequence: entry?.sequence ?? 0 };
      const result = await journal.append([{ subject, payload, fence }], APPEND_MS);
      if (result.status === "stored")
        return { status: "reserved", isHeld: () => clock.now() - begun < HOLDS_MS };
      if (result.status !== "rejected" || result.code !== ServerCode.wrongLastSequence)
        throw new Unavailable(`the reference could not be reserved: ${result.reason}`);
    }
    throw new Unavailable("other requests reserve the same reference");
  }

  /** The other order that has the reference; undefined when the order could have it. @throws Unavailable (retryable) */
  async takenBy(reference: string, orderId: string): Promise<string | undefined> {
    const entry = await this.entry(reference);
    const isOther = entry !== undefined && entry.orderId !== orderId;
    return isOther && (await this.isTaken(entry, reference)) ? entry.orderId : undefined;
  }

  private async entry(reference: string): Promise<Entry | undefined> {
    const message = await this.options.journal.readLast(referenceSubject(reference));
    if (!message) return undefined;
    const entry = parseObject(message.payload);
    const orderId = isObject(entry) ? entry["orderId"] : undefined;
    // An entry of another form names no order: the reference is free after the grace.
    return { orderId: typeof orderId === "string" ? orderId : "", ...placeOf(message) };
  }

  private async isTaken({ at, orderId }: Entry, reference: string): Promise<boolean> {
    const holds = orderId === "" ? false : await this.has(orderId, reference);
    return holds ?? this.options.clock.now() - at < GRACE_MS;
  }

  /** Whether the order has the reference; undefined: it does not, and may get it. False for a rejected order. */
  private async has(orderId: string, reference: string): Promise<boolean | undefined> {
    const reply = await this.options.actors.read(orderId);
    if (reply.status === "not_found") return undefined;
    if (reply.status !== "ok") throw new Unavailable(`order ${orderId} cannot be read`);
    if (orderStatus(orderMachinesOf(reply.snapshot.machines)) === "rejected") return false;
    return factsOf(reply.snapshot).annotations?.externalReference === reference ? true : undefined;
  }
}

const placeOf = ({ at, sequence }: { readonly at: number; readonly sequence: number }) => ({ at, sequence });

/** The entry of a reference: one token, whatever the text. */
const referenceSubject = (reference: string): string =>
  `$KV.${subjects.lockBucket(0)}.references.${createHash("sha256").update(reference).digest("base64url")}`;

/**
 * Which event of an endpoint is sent next. The events of one order are sent one after the other, in the order of the
 * log; those of different orders do not wait for each other. Pure: time is a parameter.
 * Owns: the events that are not over, in memory.  Does not own: sending, what is stored.
 * Invariants
 *   outgoing.O1. An event is taken only when all earlier ones of its order are over.
 *   outgoing.O2. At most `AT_ONCE` events are taken at the same time.
 *   outgoing.O3. The position of a stream is before every event of it that is not over.
 * Proved by: test/unit/services/outgoing/delivery-order.test.ts
 */
import type { Positions } from "./endpoints.ts";

/** A public event, as far as a webhook says it. */
export type OutgoingEvent = {
  readonly stream: number;
  readonly sequence: number;
  /** `<order>.<version>.<n>` */
  readonly id: string;
  readonly type: string;
  readonly orderId: string;
  readonly version: number;
  readonly occurredAt: string;
};

/** Requests to one endpoint at the same time. */
export const AT_ONCE = 2;
/** Events of one endpoint that are not over; no others are read until some are. */
export const WINDOW = 500;

type Lane = { readonly events: OutgoingEvent[]; notBefore: number; isTaken: boolean };

/** See the top of the file. Times are monotonic, ms. */
export class DeliveryOrder {
  /** By order; in the order in which their first events came. */
  private readonly lanes = new Map<string, Lane>();
  private readonly pending: Set<number>[];
  private readonly reached: number[];
  private taken = 0;

  /** @param from sequences by stream, before the first event */
  constructor(from: Positions) {
    this.reached = [...from];
    this.pending = from.map(() => new Set());
  }

  /** Adds an event; of a stream in the order of its log. One that was added before is ignored. */
  add(event: OutgoingEvent): void {
    const { orderId, sequence, stream } = event;
    if (sequence <= (this.reached[stream] ?? 0)) return;
    this.reached[stream] = sequence;
    (this.pending[stream] ??= new Set()).add(sequence);
    const lane = this.lanes.get(orderId);
    if (lane) lane.events.push(event);
    else this.lanes.set(orderId, { events: [event], notBefore: Number.NEGATIVE_INFINITY, isTaken: false });
  }

  /** Events that are not over. */
  size(): number {
    return this.pending.reduce((sum, { size }) => sum + size, 0);
  }

  /** Takes the next event that may be sent now; undefined: none. */
  take(now: number): OutgoingEvent | undefined {
    if (this.taken >= AT_ONCE) return undefined;
    for (const lane of this.lanes.values()) {
      if (lane.isTaken || lane.notBefore > now) continue;
      lane.isTaken = true;
      this.taken++;
      return lane.events[0];
    }
    return undefined;
  }

  /** A taken event is over: the next one of its order may be taken. */
  over(event: OutgoingEvent): void {
    const lane = this.release(event);
    lane.events.shift();
    this.pending[event.stream]?.delete(event.sequence);
    lane.notBefore = Number.NEGATIVE_INFINITY;
    this.lanes.delete(event.orderId);
    // After the others, so that one busy order does not keep them waiting.
    if (lane.events.length > 0) this.lanes.set(event.orderId, lane);
  }

  /** A taken event is sent again, not before that time. */
  again(event: OutgoingEvent, notBefore: number): void {
    this.release(event).notBefore = notBefore;
  }

  /** When the next event may be taken that only waits for time; undefined: none does. */
  nextAt(): number | undefined {
    if (this.taken >= AT_ONCE) return undefined;
    const times = [...this.lanes.values()].flatMap(({ isTaken, notBefore }) => (isTaken ? [] : notBefore));
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** By stream: everything up to this sequence is over. */
  positions(): number[] {
    return this.reached.map((reached, stream) => {
      const [oldest] = this.pending[stream] ?? [];
      return oldest === undefined ? reached : oldest - 1;
    });
  }

  private release(event: OutgoingEvent): Lane {
    const lane = this.lanes.get(event.orderId);
    if (lane?.events[0] !== event || !lane.isTaken) throw new Error(`event ${event.id} was not taken`);
    lane.isTaken = false;
    this.taken--;
    return lane;
  }
}

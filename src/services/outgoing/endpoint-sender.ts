/**
 * Sends the events of one endpoint: in order for each order, again after growing pauses, until each is delivered or has
 * failed too often. A crash sends again what was under way; receivers recognize it by its `webhook-id`.
 * Owns: the breaker of the endpoint, its events in memory.  Does not own: the log, what is stored.
 * Invariants
 *   outgoing.E1. The position moves past an event only when its delivery is stored as delivered or failed.
 *   outgoing.E2. An event whose delivery is stored so in the present generation is not sent again.
 * Proved by: test/unit/services/outgoing/endpoint-sender.test.ts
 */
import { CircuitBreaker } from "../../runtime/effects/circuit-breaker.ts";
import { type Clock, type Log, type StoredMessage, Unavailable } from "../../runtime/ports.ts";
import { NotAnEvent, readEvent } from "../../runtime/workers/work-event.ts";
import { signWebhook } from "../webhooks/signature.ts";
import type { DeliveryState } from "./contract.ts";
import { type Deliveries, type Delivery, untilStored } from "./deliveries.ts";
import { DeliveryOrder, type OutgoingEvent, WINDOW } from "./delivery-order.ts";
import type { Endpoint, Endpoints, Positions, SigningSecret } from "./endpoints.ts";
import type { OutgoingTally } from "./outgoing-tally.ts";
import { hostOfUrl, type Post } from "./post.ts";

/** What a sender needs. */
export type SenderOptions = {
  readonly endpoint: Endpoint;
  readonly secrets: readonly SigningSecret[];
  readonly from: Positions;
  readonly endpoints: Pick<Endpoints, "advance">;
  readonly deliveries: Pick<Deliveries, "get" | "put">;
  readonly post: Post;
  readonly tally: OutgoingTally;
  /** The server's time. */
  readonly clock: Clock;
  readonly log: Log;
};

/** Tries of one event: about six hours with the pauses between them, which double. */
export const TRIES_MAX = 16;
const PAUSE_MS = 5_000;
const PAUSE_MAX_MS = 3_600_000;
const BREAKER = { failures: 5, probeEveryMs: 15_000, maxWaitMs: 0 };
/** Between two writes of the position. */
const ADVANCE_EVERY_MS = 1_000;
const STORE_AGAIN_MS = 500;
const ROOM_EVERY_MS = 100;

/** Pause after a number of tries. */
export const pauseAfter = (tries: number): number => Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** (tries - 1));

/** See the top of the file. `accept` until `stop`. */
export class EndpointSender {
  private readonly options: SenderOptions;
  private readonly order: DeliveryOrder;
  private readonly breaker: CircuitBreaker;
  private readonly stopping = new AbortController();
  private readonly running = new Set<Promise<void>>();
  private cancelTimer: (() => void) | undefined;
  private written: string;
  private readonly ended: () => void;

  constructor(options: SenderOptions) {
    const { endpoint, from, log } = options;
    this.options = options;
    this.order = new DeliveryOrder(from);
    this.written = JSON.stringify(from);
    this.breaker = new CircuitBreaker(BREAKER, (_, to) =>
      log.warn({ endpoint: endpoint.id, host: hostOfUrl(endpoint.url), breaker: to }, "webhook endpoint"),
    );
    this.ended = options.tally.begins(() => ({ breaker: this.breaker.state, pending: this.order.size() }));
    this.track(this.advanceAgain());
  }

  /** Takes a message of the log. Resolves when there is room for the next one. */
  async accept(stream: number, message: StoredMessage): Promise<void> {
    const { signal } = this.stopping;
    const event = eventIn(stream, message);
    if (!event) {
      this.options.log.warn({ subject: message.subject, sequence: message.sequence }, "no event: left out");
      return;
    }
    this.order.add(event);
    this.pump();
    while (this.order.size() >= WINDOW && !signal.aborted) await this.options.clock.sleep(ROOM_EVERY_MS);
  }

  /** Sends no more. Resolves when nothing is under way; what was, is sent again by the next sender. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.ended();
    this.cancelTimer?.();
    await Promise.all(this.running);
  }

  private track(work: Promise<void>): void {
    this.running.add(work);
    void work.finally(() => this.running.delete(work));
  }

  /** Begins everything that may be sent now, and comes again when more may. */
  private pump(): void {
    const { clock } = this.options;
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    while (!this.stopping.signal.aborted) {
      const now = clock.monotonic();
      const permit = this.breaker.permit(now);
      const event = permit && this.order.take(now);
      if (permit && event) {
        this.track(this.send(event, permit));
        continue;
      }
      if (permit) this.breaker.report(permit, "ignored", now);
      const waits = permit
        ? this.order.nextAt()
        : this.order.size() > 0
          ? now + this.breaker.probeInMs(now)
          : undefined;
      // While probes are under way, their end comes here.
      if (waits !== undefined && waits > now) this.cancelTimer = clock.after(waits - now, () => this.pump());
      return;
    }
  }

  private async send(
    event: OutgoingEvent,
    permit: NonNullable<ReturnType<CircuitBreaker["permit"]>>,
  ): Promise<void> {
    const { clock, deliveries, endpoint, post, secrets } = this.options;
    const { signal } = this.stopping;
    const report = (result: "success" | "failure" | "ignored") =>
      this.breaker.report(permit, result, clock.monotonic());
    let known: Delivery | undefined;
    try {
      known = await deliveries.get(endpoint.id, event.id);
    } catch (error) {
      report("ignored");
      if (!(error instanceof Unavailable)) throw error;
      this.order.again(event, clock.monotonic() + STORE_AGAIN_MS);
      return this.pump();
    }
    const isMine = known?.generation === endpoint.generation;
    if (isMine && known?.state !== "pending") {
      report("ignored");
      this.order.over(event);
      return this.pump();
    }
    const { body, headers } = signedWebhook(event, secrets, clock.now());
    const result = await post(endpoint.url, headers, body, signal);
    if (signal.aborted) return report("ignored");
    report(result.status !== null && result.status < 500 ? "success" : "failure");
    const attempts = (isMine ? (known?.attempts ?? 0) : 0) + 1;
    const state = stateAfter(result.error, attempts);
    this.options.tally.tried(state);
    const delivery = deliveryOf(event, { ...result, attempts, state }, endpoint.generation, clock.now());
    await untilStored(
      () => deliveries.put(endpoint.id, delivery),
      () => clock.sleep(STORE_AGAIN_MS),
      signal,
    );
    if (signal.aborted) return;
    if (state === "pending") this.order.again(event, clock.monotonic() + pauseAfter(attempts));
    else this.order.over(event);
    this.pump();
  }

  private async advanceAgain(): Promise<void> {
    const { clock, endpoint, endpoints } = this.options;
    const { signal } = this.stopping;
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      await Promise.race([clock.sleep(ADVANCE_EVERY_MS), stopped]);
      const positions = this.order.positions();
      const text = JSON.stringify(positions);
      if (text === this.written || signal.aborted) continue;
      try {
        await endpoints.advance(endpoint.id, { generation: endpoint.generation, positions });
        this.written = text;
      } catch (error) {
        // It is written the next time. Until then a crash reads more events, whose deliveries are stored.
        if (!(error instanceof Unavailable)) throw error;
      }
    }
  }
}

function stateAfter(error: string | null, attempts: number): DeliveryState {
  if (error === null) return "delivered";
  return attempts >= TRIES_MAX ? "failed" : "pending";
}

/** A delivery after a try. */
export function deliveryOf(
  { id, occurredAt, orderId, sequence, stream, type, version }: OutgoingEvent,
  tried: Pick<Delivery, "attempts" | "error" | "state" | "status">,
  generation: number,
  now: number,
): Delivery {
  const event = { id, type, orderId, version, sequence, stream, occurredAt };
  return { ...event, ...tried, at: new Date(now).toISOString(), generation };
}

/** What is sent for an event, and the signature of this try. @param now ms since the epoch */
export function signedWebhook(
  { id, occurredAt, orderId, sequence, stream, type, version }: OutgoingEvent,
  secrets: readonly SigningSecret[],
  now: number,
): { readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const data = { eventId: id, orderId, version, sequence, stream };
  const body = JSON.stringify({ type, timestamp: occurredAt, data });
  const valid = secrets.filter(({ until = Number.POSITIVE_INFINITY }) => now < until);
  const signing = valid.map(({ secret }) => secret);
  return { headers: signWebhook(signing, id, new Date(now), body), body };
}

/** The event in a message; undefined: it is none. */
function eventIn(stream: number, { headers, payload, sequence }: StoredMessage): OutgoingEvent | undefined {
  try {
    const { id, subject, time, type } = readEvent({ headers, payload });
    const version = Number(id.slice(subject.length + 1).split(".")[0]);
    if (!id.startsWith(`${subject}.`) || !Number.isSafeInteger(version)) return undefined;
    return { stream, sequence, id, type, orderId: subject, version, occurredAt: time };
  } catch (error) {
    if (error instanceof NotAnEvent) return undefined;
    throw error;
  }
}

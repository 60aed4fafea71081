/**
 * Whether this node is connected to the cluster or isolated, so that no request waits for an answer that cannot arrive.
 * Owns: the requests that wait.  Does not own: the connection, presence.
 * Invariants
 *   connectivity.C1. The node rejects new work while it knows that it is disconnected, or its presence has expired.
 *   connectivity.C2. Waiting work is abandoned only when presence has expired: a lost connection often returns at once.
 *   connectivity.C3. Once this node leaves, no request waits for an actor or an owner longer than `stopping.callersMs`.
 * Proved by: test/unit/runtime/cluster/connectivity.test.ts, test/fault/isolation.test.ts
 */
import { stopping } from "../limits.ts";
import type { Bus, Clock } from "../ports.ts";
import type { Presence } from "./presence.ts";

/** The answer for requests that still wait when the node is isolated. */
export const ISOLATED = "this node was isolated from the cluster while the request waited";

/** What connectivity is computed from. */
export type ConnectivityOptions = {
  readonly bus: Pick<Bus, "connected">;
  readonly clock: Clock;
  readonly presence: Pick<Presence, "validForMs">;
  /** Why the node can do nothing more, ever; `undefined` until then. */
  readonly ended: () => string | undefined;
};

/** See the top of the file. */
export class Connectivity {
  private readonly options: ConnectivityOptions;
  private readonly waiting = new Set<() => void>();
  private watching = false;
  private endsAt = Number.POSITIVE_INFINITY;

  constructor(options: ConnectivityOptions) {
    this.options = options;
  }

  /** Why the node accepts no new work now; `undefined` while it is connected. */
  isolation(): string | undefined {
    const ended = this.options.ended();
    if (ended !== undefined) return ended;
    if (!this.options.bus.connected()) return "this node is not connected to NATS";
    if (this.options.presence.validForMs() <= 0)
      return "this node is isolated from the cluster: its presence has expired";
    return undefined;
  }

  /** The node can do nothing more: requests that wait are abandoned now. */
  abandon(): void {
    for (const notify of this.waiting) notify();
    this.waiting.clear();
  }

  /** This node leaves. Calls after the first change nothing. */
  leave(): void {
    this.endsAt = Math.min(this.endsAt, this.options.clock.monotonic() + stopping.callersMs);
  }

  /** When requests stop waiting on this node at the latest, monotonic ms; infinite until it leaves. */
  waitsEndAt(): number {
    return this.endsAt;
  }

  /** The value of the promise; `undefined` when presence expires first. */
  async orIsolated<T>(promise: Promise<T>): Promise<T | undefined> {
    const isolation = Promise.withResolvers<undefined>();
    const notify = (): void => isolation.resolve(undefined);
    this.waiting.add(notify);
    if (!this.watching) this.watch();
    try {
      return await Promise.race([promise, isolation.promise]);
    } finally {
      this.waiting.delete(notify);
    }
  }

  /** Checks again when presence would expire, while requests wait. */
  private watch(): void {
    const leftMs = this.options.presence.validForMs();
    if (leftMs <= 0) {
      for (const notify of this.waiting) notify();
      this.waiting.clear();
    }
    this.watching = this.waiting.size > 0;
    if (this.watching) this.options.clock.after(leftMs, () => this.watch());
  }
}

/**
 * Whether this node is in touch with the cluster, and stays, so that nobody waits for what cannot come.
 * Owns: those who wait to be told.  Does not own: the connection, presence.
 * Invariants
 *   C1. New work is refused while the node knows that it is disconnected, or its presence has run out.
 *   C2. Work that waits is given up only when presence has run out: a connection that is lost is often found at once.
 *   C3. Once this node leaves, nobody waits on it for an order or an owner longer than `stopping.callersMs`.
 * Proved by: test/unit/runtime/cluster/connectivity.test.ts, test/fault/isolation.test.ts
 */
import { stopping } from "../limits.ts";
import type { Bus, Clock } from "../ports.ts";
import type { Presence } from "./presence.ts";

/** What somebody is told for whom it became certain too late. */
export const ISOLATED = "this node was cut off from the cluster while the request waited";

export type ConnectivityOptions = {
  readonly bus: Pick<Bus, "connected">;
  readonly clock: Clock;
  readonly presence: Pick<Presence, "validForMs">;
};

export class Connectivity {
  private readonly options: ConnectivityOptions;
  private readonly waiting = new Set<() => void>();
  private watching = false;
  private endsAt = Number.POSITIVE_INFINITY;

  constructor(options: ConnectivityOptions) {
    this.options = options;
  }

  /** Why nothing new is taken right now; `undefined` while in touch. */
  isolation(): string | undefined {
    if (!this.options.bus.connected()) return "this node is not connected to NATS";
    if (this.options.presence.validForMs() <= 0) return "this node has lost touch with the cluster";
    return undefined;
  }

  /** This node leaves. Calls after the first change nothing. */
  leave(): void {
    this.endsAt = Math.min(this.endsAt, this.options.clock.monotonic() + stopping.callersMs);
  }

  /** When waits on this node end at the latest, monotonic ms; infinite while it stays. */
  waitsEndAt(): number {
    return this.endsAt;
  }

  /** What the promise gives; `undefined` when it is certain first that this node is cut off. */
  async orIsolated<T>(promise: Promise<T>): Promise<T | undefined> {
    const isolation = Promise.withResolvers<undefined>();
    const tell = (): void => isolation.resolve(undefined);
    this.waiting.add(tell);
    if (!this.watching) this.watch();
    try {
      return await Promise.race([promise, isolation.promise]);
    } finally {
      this.waiting.delete(tell);
    }
  }

  /** Looks again when presence would have run out, as long as somebody waits. */
  private watch(): void {
    const leftMs = this.options.presence.validForMs();
    if (leftMs <= 0) {
      for (const tell of this.waiting) tell();
      this.waiting.clear();
    }
    this.watching = this.waiting.size > 0;
    if (this.watching) this.options.clock.after(leftMs, () => this.watch());
  }
}

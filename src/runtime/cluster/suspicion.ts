/**
 * Decides when a node that nobody answers for counts as dead, before its presence entry runs out. Pure: time and
 * observations are handed in.
 * Owns: what is suspected of whom.  Does not own: asking, presence, locks.
 * Invariants
 *   S1. Only "no responders" counts against a node. A timeout says nothing: the process, or this one, may be slow.
 *   S2. Two witnesses are needed: requests find nobody for `confirmMs`, and the heartbeat that was due has not come.
 *       They take different ways, so that a server that has lost a route to another one is not believed alone.
 *   S3. The observer's own heartbeat has come back to it since the suspicion began: it would have seen the other's.
 *   S4. Nobody is dead by what was seen before the observer connected again: it waits for `quietMs`, and for a
 *       heartbeat of the node since then. Nor is anybody dead when all of several others look dead.
 *   S5. A node whose heartbeat comes in spite of a suspicion is not suspected again until it answers.
 * A wrong verdict costs a hand-over and no data: the fences protect it (ADR 2, ADR 6).
 * Proved by: test/unit/runtime/cluster/suspicion.test.ts
 */

/** Another node as its heartbeats show it. */
export type Peer = {
  readonly id: string;
  readonly boot: string;
  /** Monotonic ms at which its last heartbeat came. */
  readonly heardAt: number;
};

/** What the observer knows of its own sight, monotonic ms. */
export type ObserverLiveness = {
  /** Since when it has seen without interruption. */
  readonly since: number;
  /** When its own heartbeat last came back to it. */
  readonly ownHeardAt: number;
};

export type SuspicionBounds = {
  /** Requests find nobody for at least so long. Longer than a client takes to connect again. */
  readonly confirmMs: number;
  /** At least so many requests of a suspicion found nobody. */
  readonly requests: number;
  /** Two findings further apart than this make no suspicion: the observer itself was held up. */
  readonly gapMs: number;
  /** A heartbeat is overdue after this. More than the interval of heartbeats. */
  readonly heartbeatDueMs: number;
  /** After a start or an interruption of its sight the observer accuses nobody for so long, ms. */
  readonly quietMs: number;
};

type Suspicion = {
  readonly boot: string;
  since: number;
  until: number;
  requests: number;
  /** Its heartbeat has come nevertheless. */
  disproved: boolean;
};

/** A heartbeat may have been on its way when the connection broke, ms. */
const UNDER_WAY_MS = 250;

export class Suspicions {
  private readonly bounds: SuspicionBounds;
  private readonly suspicions = new Map<string, Suspicion>();

  constructor(bounds: SuspicionBounds) {
    this.bounds = bounds;
  }

  /** @returns whether a suspicion begins with this */
  noResponders({ id, boot }: Peer, now: number): boolean {
    const known = this.suspicions.get(id);
    if (known?.boot === boot && now - known.until <= this.bounds.gapMs) {
      known.until = now;
      known.requests++;
      return false;
    }
    const disproved = known?.boot === boot && known.disproved;
    this.suspicions.set(id, { boot, since: now, until: now, requests: 1, disproved });
    return !disproved;
  }

  /** The process answered. */
  answered(id: string): void {
    this.suspicions.delete(id);
  }

  /** Requests to the node find nobody now. */
  isSuspected(id: string): boolean {
    return this.suspicions.has(id);
  }

  /** Those of the peers who are dead beyond doubt. @param peers all other nodes that count as present */
  dead(peers: readonly Peer[], liveness: ObserverLiveness, now: number): Peer[] {
    const { confirmMs, requests, gapMs, heartbeatDueMs, quietMs } = this.bounds;
    this.forgetAllBut(peers);
    if (now - liveness.since < quietMs) return [];
    const silent = peers.filter((peer) => {
      const suspicion = this.suspicions.get(peer.id);
      return suspicion?.boot === peer.boot && now - suspicion.until <= gapMs;
    });
    if (peers.length > 1 && silent.length === peers.length) return [];
    return silent.filter((peer) => {
      const suspicion = this.suspicions.get(peer.id)!;
      if (peer.heardAt > suspicion.since + UNDER_WAY_MS) suspicion.disproved = true;
      return (
        !suspicion.disproved &&
        suspicion.requests >= requests &&
        suspicion.until - suspicion.since >= confirmMs &&
        now - peer.heardAt >= heartbeatDueMs &&
        peer.heardAt >= liveness.since &&
        liveness.ownHeardAt > suspicion.since
      );
    });
  }

  private forgetAllBut(peers: readonly Peer[]): void {
    for (const id of this.suspicions.keys()) {
      if (!peers.some((peer) => peer.id === id)) this.suspicions.delete(id);
    }
  }
}

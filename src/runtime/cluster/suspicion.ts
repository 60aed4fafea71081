/**
 * Decides when a node whose requests find no responders counts as dead, before its presence entry expires. Pure: time
 * and observations are parameters.
 * Owns: the suspicions.  Does not own: requests, presence, locks.
 * Invariants
 *   suspicion.S1. Only "no responders" counts against a node. A timeout proves nothing: either process may be slow.
 *   suspicion.S2. Two witnesses are needed: requests find no responders for `confirmMs`, and a heartbeat is overdue.
 *       They take different paths, so a server that has lost its route to another server is not believed alone.
 *   suspicion.S3. The observer has received its own heartbeat since the suspicion began: it would have received the
 *       heartbeat of the node as well.
 *   suspicion.S4. What the observer saw before it connected again counts for nothing: it waits for `quietMs`, and for a
 *       heartbeat of the node since then. When all of several peers look dead, none counts as dead.
 *   suspicion.S5. A node whose heartbeat arrives during a suspicion is not suspected again until it answers.
 * A wrong decision costs a hand-over and no data: the fences protect it (ADR 2, ADR 6).
 * Proved by: test/unit/runtime/cluster/suspicion.test.ts
 */

/** Another node as its heartbeats show it. */
export type Peer = {
  readonly id: string;
  readonly boot: string;
  /** When its last heartbeat arrived, monotonic ms. */
  readonly heardAt: number;
};

/** What the observer knows about its own reception, monotonic ms. */
export type ObserverLiveness = {
  /** Since when it has received changes without interruption. */
  readonly since: number;
  /** When it last received its own heartbeat. */
  readonly ownHeardAt: number;
};

/** The bounds of a suspicion. Times in ms. */
export type SuspicionBounds = {
  /** Requests find no responders for at least this time. Longer than a client takes to connect again. */
  readonly confirmMs: number;
  /** At least this number of requests find no responders. */
  readonly requests: number;
  /** Two such requests further apart than this make no suspicion: the observer itself was delayed. */
  readonly gapMs: number;
  /** A heartbeat is overdue after this time. More than the interval of heartbeats. */
  readonly heartbeatDueMs: number;
  /** For this time after its start, or after an interruption, the observer counts no node as dead. */
  readonly quietMs: number;
};

type Suspicion = {
  readonly boot: string;
  since: number;
  until: number;
  requests: number;
  /** A heartbeat of the node has arrived since. */
  disproved: boolean;
};

/** A heartbeat may have been in flight when the connection broke, ms. */
const IN_FLIGHT_MS = 250;

/** See the top of the file. */
export class Suspicions {
  private readonly bounds: SuspicionBounds;
  private readonly suspicions = new Map<string, Suspicion>();

  constructor(bounds: SuspicionBounds) {
    this.bounds = bounds;
  }

  /** A request to the peer found no responders. @returns whether a suspicion begins with it */
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

  /** The process of the node answered. */
  answered(id: string): void {
    this.suspicions.delete(id);
  }

  /** Whether the latest request to the node found no responders. */
  isSuspected(id: string): boolean {
    return this.suspicions.has(id);
  }

  /** The peers that count as dead. @param peers all other nodes that count as present */
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
      if (peer.heardAt > suspicion.since + IN_FLIGHT_MS) suspicion.disproved = true;
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

/**
 * Finds dead nodes well before their presence expires: a dead process has no connection, so a request to its
 * `node.<id>.ping` finds no responders at once.
 * Owns: the requests in flight.  Does not own: the decision (suspicion.ts), which nodes are present (presence.ts).
 * Invariants
 *   detector.D1. At most one request to a node is in flight, and one round sends at most `PINGS_PER_ROUND`.
 *   detector.D2. While this node is disconnected it sends no requests.
 * A crash leaves nothing.
 * Proved by: test/unit/runtime/cluster/failover.test.ts
 */
import { limits } from "../limits.ts";
import type { Subjects } from "../subjects.ts";
import type { Bus, Clock, Log, Subscription } from "../ports.ts";
import type { Presence } from "./presence.ts";
import { type Peer, Suspicions } from "./suspicion.ts";

/** What the failure detector needs from its node. `presenceRefreshMs`: the interval of heartbeats. */
export type FailureDetectorOptions = {
  readonly subjects: Pick<Subjects, "ping">;
  readonly node: string;
  readonly boot: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly presence: Presence;
  readonly presenceRefreshMs: number;
};

/** Three rounds and more fit into the time for which a node is suspected. */
const ROUND_MS = 150;
const LONGEST_GAP_MS = 4 * ROUND_MS;
/**
 * "No responders" arrives at once; a timeout counts against no node. Short, because a request that was in flight when
 * the process died delays the next one.
 */
const PING_TIMEOUT_MS = 200;
/** A larger cluster is asked in turn; suspected nodes are asked in every round. */
const PINGS_PER_ROUND = 8;
/** Just after the observer has connected, other nodes may still be connecting. */
const QUIET_MS = 1000;
/** A heartbeat that is late by this share of its interval is missed. */
const HEARTBEAT_SLACK = 1.3;

/** See the top of the file. */
export class FailureDetector {
  private readonly options: FailureDetectorOptions;
  private readonly suspicions: Suspicions;
  private readonly asked = new Set<string>();
  /** Counts the peers that were pinged in turn. */
  private cursor = 0;
  private serving: Subscription | undefined;
  private cancel: () => void = () => {};
  private stopped = false;

  constructor(options: FailureDetectorOptions) {
    this.options = options;
    this.suspicions = new Suspicions({
      confirmMs: limits.suspectedMs,
      requests: 3,
      gapMs: LONGEST_GAP_MS,
      heartbeatDueMs: options.presenceRefreshMs * HEARTBEAT_SLACK,
      quietMs: QUIET_MS,
    });
  }

  /** Answers the other nodes from now on. Called before presence is announced: a visible node must answer. */
  async start(): Promise<void> {
    const { bus, node, boot, subjects } = this.options;
    this.serving = await bus.serve(subjects.ping(node), () => Promise.resolve(boot));
    this.round();
  }

  /** Ends the rounds, and stops answering. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
    await this.serving?.stop();
  }

  private round(): void {
    if (this.stopped) return;
    const { bus, clock, presence } = this.options;
    if (bus.connected()) {
      for (const peer of this.chosen(presence.peers())) void this.ask(peer);
    }
    this.cancel = clock.after(ROUND_MS, () => this.round());
  }

  /** Suspected nodes first, then the others in turn. */
  private chosen(peers: readonly Peer[]): Peer[] {
    const free = peers.filter(({ id }) => !this.asked.has(id));
    const suspected = free.filter(({ id }) => this.suspicions.isSuspected(id)).slice(0, PINGS_PER_ROUND);
    const rest = free.filter((peer) => !suspected.includes(peer));
    const count = Math.min(rest.length, PINGS_PER_ROUND - suspected.length);
    const from = this.cursor;
    this.cursor += count;
    return [...suspected, ...Array.from({ length: count }, (_, i) => rest[(from + i) % rest.length] as Peer)];
  }

  private async ask(peer: Peer): Promise<void> {
    const { bus, clock, presence, subjects } = this.options;
    this.asked.add(peer.id);
    const answer = await bus.request(subjects.ping(peer.id), "", PING_TIMEOUT_MS);
    this.asked.delete(peer.id);
    if (this.stopped) return;
    if (answer.status === "answered") {
      // Another process with this node id proves nothing about this one; its own presence entry does.
      if (answer.payload === peer.boot) this.suspicions.answered(peer.id);
      return;
    }
    if (answer.status === "unanswered") return;
    if (this.suspicions.noResponders(peer, clock.monotonic())) presence.refreshSoon();
    this.judge();
  }

  private judge(): void {
    const { clock, log, presence } = this.options;
    for (const peer of this.suspicions.dead(presence.peers(), presence.liveness(), clock.monotonic())) {
      log.warn({ peer: peer.id, boot: peer.boot }, "node counts as dead: requests to it find no responders");
      presence.declareDead(peer.id, peer.boot);
    }
  }
}

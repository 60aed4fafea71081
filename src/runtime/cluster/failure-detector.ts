/**
 * Finds nodes that have died well before their presence runs out: a dead process has no connection, so that a request
 * to its `node.<id>.ping` finds no responders at once.
 * Owns: the requests under way.  Does not own: the verdict (suspicion.ts), who is present (presence.ts).
 * Invariants
 *   D1. At most one request to a node is under way, and at most `PINGS_PER_ROUND` are sent in one round.
 *   D2. While this node is disconnected it asks nobody.
 * A crash leaves nothing behind.
 */
import { limits } from "../limits.ts";
import { subjects } from "../subjects.ts";
import type { Bus, Clock, Log, Subscription } from "../ports.ts";
import type { Presence } from "./presence.ts";
import { type Peer, Suspicions } from "./suspicion.ts";

export type FailureDetectorOptions = {
  readonly node: string;
  readonly boot: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly presence: Presence;
  readonly presenceRefreshMs: number;
};

/** Three findings and more fit into the time for which a node is suspected. */
const ROUND_MS = 150;
const LONGEST_GAP_MS = 4 * ROUND_MS;
/**
 * "No responders" comes at once; a timeout accuses nobody. Short, because a request that was under way when the process
 * died keeps the next one waiting.
 */
const PING_TIMEOUT_MS = 200;
/** In a larger cluster the others are asked in turn, the suspected ones in every round. */
const PINGS_PER_ROUND = 8;
/** Just after the observer has connected others may still be about to. */
const QUIET_MS = 1000;
/** A heartbeat that is late by this share of its interval is missed. */
const HEARTBEAT_SLACK = 1.3;

export class FailureDetector {
  private readonly options: FailureDetectorOptions;
  private readonly suspicions: Suspicions;
  private readonly asked = new Set<string>();
  private turn = 0;
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

  /** Answers the others from now on. Before presence is announced: who is seen must answer. */
  async start(): Promise<void> {
    const { bus, node, boot } = this.options;
    this.serving = await bus.serve(subjects.ping(node), () => Promise.resolve(boot));
    this.round();
  }

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

  /** The suspected first, the others in turn. */
  private chosen(peers: readonly Peer[]): Peer[] {
    const free = peers.filter(({ id }) => !this.asked.has(id));
    const suspected = free.filter(({ id }) => this.suspicions.isSuspected(id)).slice(0, PINGS_PER_ROUND);
    const rest = free.filter((peer) => !suspected.includes(peer));
    const count = Math.min(rest.length, PINGS_PER_ROUND - suspected.length);
    const from = this.turn;
    this.turn += count;
    return [...suspected, ...Array.from({ length: count }, (_, i) => rest[(from + i) % rest.length] as Peer)];
  }

  private async ask(peer: Peer): Promise<void> {
    const { bus, clock, presence } = this.options;
    this.asked.add(peer.id);
    const answer = await bus.request(subjects.ping(peer.id), "", PING_TIMEOUT_MS);
    this.asked.delete(peer.id);
    if (this.stopped) return;
    if (answer.status === "answered") {
      // Another process under this name says nothing of this one; its own presence entry does.
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
      log.warn({ peer: peer.id, boot: peer.boot }, "node counts as dead: nobody answers for it");
      presence.isIsolated(peer.id, peer.boot);
    }
  }
}

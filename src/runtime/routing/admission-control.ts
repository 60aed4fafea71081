/**
 * Which requests a node takes. Two decisions: how many requests may be under way, and whether this node can serve one
 * at all now. A refused request has written nothing.
 * Owns: the count of requests under way, each from its arrival to its answer, wherever its input waits meanwhile (in a
 * mailbox, for an acknowledgement, in the outbox, for the actor to settle, for a reading).
 * Does not own: the requests, the relays, the locks.
 * Invariants
 *   admission.A1. At most `perActor` requests of one actor and `inAll` requests in all are under way.
 *   admission.A2. A node that is isolated refuses every request, and one about a lock that is unverified as well.
 * Proved by: test/unit/runtime/routing/admission-control.test.ts, test/unit/runtime/routing/refusal.test.ts
 */
import type { ActorReply } from "../actors.ts";
import type { RelayState } from "../commit/relay.ts";
import { storeRefuses } from "../tenure/replies.ts";
import type { ActorRequest } from "./request-codec.ts";

/** About as long as it takes to work off what is waiting. */
const RETRY_AFTER_MS = 1000;

/** The answer to a request for which there is no room. */
export const overloaded = {
  status: "overloaded",
  retryAfterMs: RETRY_AFTER_MS,
} as const satisfies ActorReply;

/** Bounds the requests under way, for each actor and in all. */
export class AdmissionControl {
  private readonly perActor: number;
  private readonly inAll: number;
  private readonly callers = new Map<string, number>();
  private total = 0;

  /** @param bounds requests under way at once, each 1 or more */
  constructor(bounds: { readonly perActor: number; readonly inAll: number }) {
    this.perActor = bounds.perActor;
    this.inAll = bounds.inAll;
  }

  /** Requests under way. */
  get count(): number {
    return this.total;
  }

  /** `serve` has to end: until then its request counts. It is not called when there is no room. */
  async admit<T>(actor: string, serve: () => Promise<T>): Promise<T | typeof overloaded> {
    const waiting = this.callers.get(actor) ?? 0;
    if (waiting >= this.perActor || this.total >= this.inAll) return overloaded;
    this.callers.set(actor, waiting + 1);
    this.total++;
    try {
      return await serve();
    } finally {
      this.total--;
      const left = (this.callers.get(actor) ?? 1) - 1;
      if (left > 0) this.callers.set(actor, left);
      else this.callers.delete(actor);
    }
  }
}

/** What the policy reads of a node, each time anew. */
export type NodeCondition = {
  /** Why this node can answer nothing now; `undefined` while it is connected. */
  isolation(): string | undefined;
  /** Why nothing may be answered under this lock now; `undefined` while the lock is verified. */
  unverified(lock: string): string | undefined;
  relay(): Pick<RelayState, "depth" | "noRoom" | "storeRefuses">;
  /** Effects under way or in line. */
  effects(): number;
  /** Write sets in the outbox from which on writes are refused. */
  readonly outboxLimit: number;
  /** Effects from which on no actor is started. */
  readonly effectLimit: number;
};

/** The answer to a request that this node cannot serve now; `undefined` when it can. Nothing has been written. */
export function refusal(
  condition: NodeCondition,
  op: ActorRequest["op"] | "dry-run",
  lock: string,
): ActorReply | undefined {
  // The server checks the lock of a write; but a repeated start and an illegal command are answered without one.
  const reason = condition.isolation() ?? condition.unverified(lock);
  if (reason !== undefined) return { status: "unavailable", reason };
  // The owner reads what is acknowledged also while nothing can be written.
  if (op === "read" || op === "dry-run") return undefined;
  const relay = condition.relay();
  if (relay.storeRefuses) return storeRefuses;
  if (relay.noRoom !== undefined)
    return { ...storeRefuses, reason: `the journal has no room: ${relay.noRoom}` };
  if (relay.depth >= condition.outboxLimit) return overloaded;
  return op === "start" && condition.effects() >= condition.effectLimit ? overloaded : undefined;
}

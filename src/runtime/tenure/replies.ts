/** Replies to callers about one actor: its acknowledged state, at once or when the actor has settled. */
import type { DryRun } from "../actor/dry-run.ts";
import type { ActorReply, DryRunReply, UnreadableKind } from "../actors.ts";
import { type MachineFault, NewerMachine } from "../actor/machine.ts";
import type { Input } from "../actor/input.ts";
import type { Activation } from "./activation.ts";
import type { PendingInput } from "./pending-input.ts";
import type { ActorDefinition } from "../definition.ts";
import type { Snapshot } from "../actor/snapshot.ts";
import type { Clock } from "../ports.ts";

/** No record of the actor exists. */
export const notFound: ActorReply = { status: "not_found" };

/** This node does not own the actor's partition, or does no longer. Retryable. */
export const notOwner = {
  status: "unavailable",
  reason: "this node does not own the actor's partition",
} as const satisfies ActorReply;

/** Why a record that failed to load cannot be read here. */
export const unreadableKind = (error: MachineFault): UnreadableKind =>
  error instanceof NewerMachine ? "newer" : "unreadable";

/** This node cannot read the actor's record; nothing was applied. @param lasts no present node can */
export function unreadableReply(kind: UnreadableKind, reason: string, lasts: boolean): ActorReply {
  return {
    status: "unavailable",
    reason: `this node cannot read the actor: ${reason}`,
    unreadable: kind,
    ...(lasts ? { lasts } : {}),
  };
}

/** The node's outbox refuses writes (disk full, locked). Retryable; nothing was written. */
export const storeRefuses = {
  status: "storage_unavailable",
  reason: "the node's local store cannot be written",
  retryAfterMs: 2000,
} as const satisfies ActorReply;

/** A reply that has no state of the actor. @throws Error for every other one: programmer fault */
export function refusalOf(reply: ActorReply): Exclude<DryRunReply, { readonly status: PredictedStatus }> {
  switch (reply.status) {
    case "unavailable":
    case "storage_unavailable":
    case "overloaded":
    case "refused":
      return reply;
    default:
      throw new Error(`${reply.status} is no refusal`);
  }
}

type PredictedStatus = Exclude<DryRun["status"], "refused">;

/** Answers the caller of an input from the acknowledged state of its actor. Owns nothing. */
export class Replies {
  private readonly definition: ActorDefinition;
  private readonly clock: Clock;

  constructor(definition: ActorDefinition, clock: Clock) {
    this.definition = definition;
    this.clock = clock;
  }

  /** Answers a start of an actor that exists: the same request gets the same answer. */
  existing(activation: Activation, pending: PendingInput, input: Extract<Input, { kind: "start" }>): void {
    const { acked } = activation;
    if (!acked) return pending.reply(notFound);
    if (acked.request !== input.request) {
      return pending.reply({ status: "request_mismatch", snapshot: acked });
    }
    this.answer(activation, pending, true);
  }

  /**
   * Answers with the acknowledged state, once the actor has settled or the caller's wait is over. When the activation
   * is retired, the caller gets the last acknowledged state at once.
   */
  answer(activation: Activation, pending: PendingInput, repeated: boolean): void {
    const state = activation.acked;
    if (!state) return pending.reply(notFound);
    const settled = this.definition.settled(state.machines);
    if (settled || pending.waitMs <= 0 || activation.isRetired()) {
      return pending.reply(this.ok(state, repeated, activation.sequence));
    }
    let done = false;
    const finish = (): void => {
      if (done) return;
      const now = activation.acked ?? state;
      if (!activation.isRetired() && !timedOut && !this.definition.settled(now.machines)) return;
      done = true;
      cancel();
      activation.removeWaiter(finish);
      pending.reply(this.ok(now, repeated, activation.sequence));
    };
    let timedOut = false;
    const cancel = this.clock.after(pending.waitMs, () => {
      timedOut = true;
      finish();
    });
    activation.addWaiter(finish);
  }

  /** The reply with this acknowledged state. @param sequence of its record; 0: not known */
  ok(snapshot: Snapshot, repeated: boolean, sequence: number): ActorReply {
    const settled = this.definition.settled(snapshot.machines);
    return { status: "ok", snapshot, settled, repeated, ...(sequence > 0 && { sequence }) };
  }
}

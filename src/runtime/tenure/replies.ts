/** What callers are told of an actor: acknowledged state, at once or when the actor has settled. */
import type { ActorReply } from "../actors.ts";
import type { Input } from "../actor/input.ts";
import type { Activation, PendingInput } from "./activation.ts";
import type { ActorDefinition } from "../definition.ts";
import type { Snapshot } from "../actor/snapshot.ts";
import type { Clock } from "../ports.ts";

export const notFound: ActorReply = { status: "not_found" };
export const notOwner: ActorReply = {
  status: "unavailable",
  reason: "this node does not own the order's partition",
};
export const storeRefuses = {
  status: "storage_unavailable",
  reason: "the node's local store cannot be written",
  retryAfterMs: 2000,
} as const satisfies ActorReply;

export class Replies {
  private readonly definition: ActorDefinition;
  private readonly clock: Clock;
  /** The cell is the one in use: acknowledgements still reach it. */
  private readonly isCurrent: (activation: Activation) => boolean;

  constructor(definition: ActorDefinition, clock: Clock, isCurrent: (activation: Activation) => boolean) {
    this.definition = definition;
    this.clock = clock;
    this.isCurrent = isCurrent;
  }

  /** To a start of an actor that exists: the same request gets the same answer. */
  existing(activation: Activation, work: PendingInput, input: Extract<Input, { kind: "start" }>): void {
    if (!activation.acked) return work.reply(notFound);
    if (activation.acked.request !== input.request) {
      return work.reply({ status: "request_mismatch", snapshot: activation.acked });
    }
    this.answer(activation, work, true);
  }

  /** Waits at most as long as the caller does; a cell that is given up is answered with what it last knew. */
  answer(activation: Activation, work: PendingInput, repeated: boolean): void {
    const state = activation.acked;
    if (!state) return work.reply(notFound);
    const settled = this.definition.settled(state.machines);
    if (settled || work.waitMs <= 0) return work.reply(this.ok(state, repeated));
    let done = false;
    const finish = (): void => {
      if (done) return;
      const now = activation.acked ?? state;
      if (this.isCurrent(activation) && !timedOut && !this.definition.settled(now.machines)) return;
      done = true;
      cancel();
      activation.waiters.delete(finish);
      work.reply(this.ok(now, repeated));
    };
    let timedOut = false;
    const cancel = this.clock.after(work.waitMs, () => {
      timedOut = true;
      finish();
    });
    activation.waiters.add(finish);
  }

  ok(snapshot: Snapshot, repeated: boolean): ActorReply {
    const settled = this.definition.settled(snapshot.machines);
    return { status: "ok", snapshot, settled, repeated };
  }
}

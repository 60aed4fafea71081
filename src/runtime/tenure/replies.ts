/** What callers are told of an actor: acknowledged state, at once or when the actor has settled. */
import type { ActorReply } from "../actors.ts";
import type { Input } from "../actor/input.ts";
import type { Cell, Work } from "./activation.ts";
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

export class Answers {
  private readonly definition: ActorDefinition;
  private readonly clock: Clock;
  /** The cell is the one in use: acknowledgements still reach it. */
  private readonly isCurrent: (cell: Cell) => boolean;

  constructor(definition: ActorDefinition, clock: Clock, isCurrent: (cell: Cell) => boolean) {
    this.definition = definition;
    this.clock = clock;
    this.isCurrent = isCurrent;
  }

  /** To a start of an actor that exists: the same request gets the same answer. */
  existing(cell: Cell, work: Work, input: Extract<Input, { kind: "start" }>): void {
    if (!cell.acked) return work.reply(notFound);
    if (cell.acked.request !== input.request) {
      return work.reply({ status: "request_mismatch", snapshot: cell.acked });
    }
    this.answer(cell, work, true);
  }

  /** Waits at most as long as the caller does; a cell that is given up is answered with what it last knew. */
  answer(cell: Cell, work: Work, repeated: boolean): void {
    const state = cell.acked;
    if (!state) return work.reply(notFound);
    const settled = this.definition.settled(state.machines);
    if (settled || work.waitMs <= 0) return work.reply(this.ok(state, repeated));
    let done = false;
    const finish = (): void => {
      if (done) return;
      const now = cell.acked ?? state;
      if (this.isCurrent(cell) && !timedOut && !this.definition.settled(now.machines)) return;
      done = true;
      cancel();
      cell.waiters.delete(finish);
      work.reply(this.ok(now, repeated));
    };
    let timedOut = false;
    const cancel = this.clock.after(work.waitMs, () => {
      timedOut = true;
      finish();
    });
    cell.waiters.add(finish);
  }

  ok(snapshot: Snapshot, repeated: boolean): ActorReply {
    const settled = this.definition.settled(snapshot.machines);
    return { status: "ok", snapshot, settled, repeated };
  }
}

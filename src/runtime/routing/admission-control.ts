/**
 * How many callers may be waited for at once, per actor and in all: whoever comes on top is refused at once, and
 * nothing was written for him. Counts a caller from his request to his answer, wherever his input waits meanwhile: in
 * a mailbox, behind a state that is not acknowledged, in the outbox, for the actor to settle, for a reading.
 */
import type { ActorReply } from "../actors.ts";

/** About as long as it takes to work off what is waiting. */
const RETRY_AFTER_MS = 1000;

export const overloaded: ActorReply = { status: "overloaded", retryAfterMs: RETRY_AFTER_MS };

export class AdmissionControl {
  private readonly perActor: number;
  private readonly inAll: number;
  private readonly callers = new Map<string, number>();
  private total = 0;

  constructor(bounds: { readonly perActor: number; readonly inAll: number }) {
    this.perActor = bounds.perActor;
    this.inAll = bounds.inAll;
  }

  /** Callers that wait. */
  get count(): number {
    return this.total;
  }

  /** `serve` has to come to an end; it is not called when there is no room. */
  async admit(actor: string, serve: () => Promise<ActorReply>): Promise<ActorReply> {
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

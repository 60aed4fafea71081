/**
 * Repetitions of commands, by actor and command id: one joins the command while that is under way, and is known for
 * as many later commands of the partition as callers may wait in it. An actor's record remembers its latest few ids
 * only: with many callers at once, a repetition would come to it as a new command.
 * A crash, and a change of owner, leave what the records remember.
 */
import type { ActorReply } from "../actors.ts";
import type { ActorRequest } from "../routing/request-codec.ts";

export class CommandDedup {
  private readonly bound: number;
  private readonly under = new Map<string, Promise<ActorReply>>();
  /** Acknowledged, oldest first. */
  private readonly applied = new Set<string>();

  /** @param bound commands that are remembered */
  constructor(bound: number) {
    this.bound = bound;
  }

  /** Serves the request, unless it is under way: then its reply is the same. `repeated`: it has been applied. */
  join(request: ActorRequest, serve: (repeated: boolean) => Promise<ActorReply>): Promise<ActorReply> {
    if (request.op !== "command") return serve(false);
    const key = `${request.actor} ${request.commandId}`;
    const first = this.under.get(key);
    if (first) return first;
    const reply = this.serve(key, serve);
    this.under.set(key, reply);
    return reply;
  }

  private async serve(key: string, serve: (repeated: boolean) => Promise<ActorReply>): Promise<ActorReply> {
    try {
      const reply = await serve(this.applied.has(key));
      if (reply.status === "ok") this.remember(key);
      return reply;
    } finally {
      this.under.delete(key);
    }
  }

  private remember(key: string): void {
    this.applied.add(key);
    if (this.applied.size <= this.bound) return;
    for (const oldest of this.applied) {
      this.applied.delete(oldest);
      return;
    }
  }
}

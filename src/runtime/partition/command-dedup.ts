/**
 * Deduplicates commands by actor and command id. A duplicate joins its command while that is under way. Later the
 * command is remembered for as many later commands of the partition as callers may wait in it: an actor's record lists
 * its latest few ids only, so with many callers at once a duplicate could reach the actor as a new command.
 * Owns: the commands under way and the remembered ones.  Does not own: what the records remember.
 * A crash, or a change of owner, leaves what the records remember.
 */
import type { ActorReply } from "../actors.ts";
import type { ActorRequest } from "../routing/request-codec.ts";

/** See the top of this file. */
export class CommandDedup {
  private readonly bound: number;
  private readonly running = new Map<string, Promise<ActorReply>>();
  /** Acknowledged commands, oldest first. */
  private readonly applied = new Set<string>();

  /** @param bound commands that are remembered */
  constructor(bound: number) {
    this.bound = bound;
  }

  /**
   * Serves the request. A duplicate of a command under way gets its reply. `repeated`: the command has been applied.
   */
  join(request: ActorRequest, serve: (repeated: boolean) => Promise<ActorReply>): Promise<ActorReply> {
    if (request.op !== "command" && request.op !== "command-if") return serve(false);
    const key = `${request.actor} ${request.commandId}`;
    const first = this.running.get(key);
    if (first) return first;
    const reply = this.serve(key, serve);
    this.running.set(key, reply);
    return reply;
  }

  private async serve(key: string, serve: (repeated: boolean) => Promise<ActorReply>): Promise<ActorReply> {
    try {
      const reply = await serve(this.applied.has(key));
      if (reply.status === "ok") this.remember(key);
      return reply;
    } finally {
      this.running.delete(key);
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

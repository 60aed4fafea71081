/**
 * Finds the owner of an actor from any node and repeats a request until it is answered or its time is up.
 * Safe because starts are idempotent by id and commands by command id.
 */
import { partitionOf, subjects } from "../../config/subjects.ts";
import type { ActorReply, Actors, StartOptions } from "./actors.ts";
import { pause } from "./pause.ts";
import { type Bus, type Clock, type Journal, ServerCode, Unavailable } from "./ports.ts";
import { type ActorRequest, decodeReply, encodeRequest } from "./wire.ts";

export type RouterOptions = {
  readonly partitions: number;
  readonly bus: Bus;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Handles the request when the partition is open on this node. */
  readonly local: (partition: number) => ((request: ActorRequest) => Promise<ActorReply>) | undefined;
  /** Time for finding an owner, on top of the caller's wait, ms. */
  readonly findOwnerMs: number;
};

/** One try waits at most so long for an answer: an owner that dies after it took the request says nothing. */
const TRY_MS = 1000;
const ANSWER_MARGIN_MS = 500;
const SLOWEST_RETRY_MS = 200;
/** Of an input for an inbox: about half a minute while the server answers nothing. */
const DELIVERY_TRIES = 10;

export class Router implements Actors {
  private readonly options: RouterOptions;

  constructor(options: RouterOptions) {
    this.options = options;
  }

  start(actor: string, input: object, options: StartOptions): Promise<ActorReply> {
    const { waitMs } = options;
    return this.ask(actor, waitMs, (tryMs, again) => ({
      op: "start",
      actor,
      input,
      ...(options.request === undefined ? {} : { request: options.request }),
      waitMs: tryMs,
      mayExist: options.mayExist || again,
    }));
  }

  command(
    actor: string,
    machine: string,
    event: { readonly type: string },
    options: { readonly commandId: string; readonly waitMs: number },
  ): Promise<ActorReply> {
    return this.ask(actor, options.waitMs, (tryMs) => ({
      op: "command",
      actor,
      machine,
      event,
      commandId: options.commandId,
      waitMs: tryMs,
    }));
  }

  read(actor: string): Promise<ActorReply> {
    return this.ask(actor, 0, () => ({ op: "read", actor }));
  }

  async deliver(actor: string, machine: string, event: { readonly type: string }, id: string): Promise<void> {
    const { partitions, journal, clock } = this.options;
    const partition = partitionOf(actor, partitions);
    const message = {
      subject: subjects.inbox(partition, actor),
      payload: JSON.stringify({ kind: "event", machine, event, id }),
      messageId: `${actor}.${id}`,
    };
    for (let attempt = 1; attempt <= DELIVERY_TRIES; attempt++) {
      const result = await journal.append([message], 2000);
      // A repeat: its id names the actor and the event, so that nothing else can be stored under it.
      const known = result.status === "rejected" && result.code === ServerCode.duplicateMessageId;
      if (result.status === "stored" || known) return;
      if (result.status === "rejected") throw new Error(`inbox refused the message: ${result.reason}`);
      // Unanswered: a repeat carries the same message id, and the actor knows the event's id.
      await pause(clock, Math.min(50 * 2 ** attempt, 2000));
    }
    throw new Unavailable(`the input could not be stored in ${DELIVERY_TRIES} tries`);
  }

  private async ask(
    actor: string,
    waitMs: number,
    request: (tryMs: number, again: boolean) => ActorRequest,
  ): Promise<ActorReply> {
    const { clock, findOwnerMs, partitions } = this.options;
    const partition = partitionOf(actor, partitions);
    const begun = clock.monotonic();
    let reason = "no node owns the partition of this order right now";
    for (let attempt = 1; ; attempt++) {
      const left = begun + waitMs - clock.monotonic();
      const tryMs = Math.max(0, Math.min(left, TRY_MS));
      const reply = await this.once(partition, request(tryMs, attempt > 1), tryMs);
      const final = clock.monotonic() >= begun + waitMs;
      if (typeof reply !== "string" && reply.status !== "unavailable") {
        if (reply.status !== "ok" || reply.settled || final) return reply;
        continue;
      }
      reason = typeof reply === "string" ? reply : reply.reason;
      if (clock.monotonic() >= begun + waitMs + findOwnerMs) return { status: "unavailable", reason };
      await pause(clock, Math.min(5 * 2 ** attempt, SLOWEST_RETRY_MS));
    }
  }

  private async once(
    partition: number,
    request: ActorRequest,
    tryMs: number,
  ): Promise<ActorReply | "no node owns the partition of this order right now" | "the owner did not answer"> {
    const local = this.options.local(partition);
    if (local) return await this.inTime(local(request), tryMs + ANSWER_MARGIN_MS);
    const answer = await this.options.bus.request(
      subjects.command(partition),
      encodeRequest(request),
      tryMs + ANSWER_MARGIN_MS,
    );
    if (answer.status === "answered") return decodeReply(answer.payload);
    return answer.status === "no_responders"
      ? "no node owns the partition of this order right now"
      : "the owner did not answer";
  }

  /** While the server is silent nothing is committed, and nobody is told: here no less than over the bus. */
  private inTime<T>(answer: Promise<T>, limitMs: number): Promise<T | "the owner did not answer"> {
    return new Promise((resolve, reject) => {
      const cancel = this.options.clock.after(limitMs, () => resolve("the owner did not answer"));
      answer.then(resolve, reject).finally(cancel);
    });
  }
}

/**
 * Finds the owner of an actor from any node and repeats a request until it is answered or its time is up.
 * Safe because starts are idempotent by id and commands by command id. Whoever waits is handed on with the partition:
 * its next owner is asked the same. When this node itself leaves, he is told what is acknowledged, while there is time.
 */
import { limits } from "../limits.ts";
import { partitionOf, subjects } from "../subjects.ts";
import type { ActorReply, Actors, ParkedActors, StartOptions } from "../actors.ts";
import { AdmissionControl } from "./admission-control.ts";
import { type Connectivity, ISOLATED } from "../cluster/connectivity.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { inboxDelivery } from "./inbox-delivery.ts";
import { type Parking, readParking } from "../actor/parking-record.ts";
import type { Bus, Clock, Journal } from "../ports.ts";
import { type ActorRequest, decodeReply, encodeRequest } from "./request-codec.ts";

export type RouterOptions = {
  readonly partitions: number;
  readonly bus: Bus;
  /** The stream of a partition. */
  readonly journalOf: (partition: number) => Journal;
  readonly clock: Clock;
  /** Handles the request when the partition is open on this node. */
  readonly local: (partition: number) => ((request: ActorRequest) => Promise<ActorReply>) | undefined;
  /** Time for finding an owner, on top of the caller's wait, ms. */
  readonly findOwnerMs: number;
  readonly connectivity: Connectivity;
  readonly failpoints?: Failpoints | undefined;
};

/** One try waits at most so long for an answer: an owner that dies after it took the request says nothing. */
const TRY_MS = 1000;
const ANSWER_MARGIN_MS = 500;
const SLOWEST_RETRY_MS = 200;
/** An operator waits so long for the inputs behind a parked one. */
const OPERATOR_WAIT_MS = 5000;

type Acknowledged = Extract<ActorReply, { status: "ok" }>;

export class Router implements Actors, ParkedActors {
  readonly deliver: Actors["deliver"];
  private readonly options: RouterOptions;
  private readonly admission = new AdmissionControl({ perActor: limits.nodeCalls, inAll: limits.nodeCalls });

  constructor(options: RouterOptions) {
    this.options = options;
    this.deliver = inboxDelivery(options);
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

  resume(actor: string): Promise<ActorReply> {
    return this.ask(
      actor,
      OPERATOR_WAIT_MS,
      () => ({ op: "resume", actor }),
      () => true,
    );
  }

  skip(actor: string, parking: string): Promise<ActorReply> {
    return this.ask(
      actor,
      OPERATOR_WAIT_MS,
      () => ({ op: "skip", actor, parking }),
      () => true,
    );
  }

  async list(): Promise<Parking[]> {
    const { failpoints, journalOf, partitions } = this.options;
    const parkings: Parking[] = [];
    // One question a stream, not one a partition.
    const journals = new Set(Array.from({ length: partitions }, (_, partition) => journalOf(partition)));
    for (const journal of journals) {
      const stored = await failpoint(failpoints, "router.list", () =>
        journal.readLastPerSubject(subjects.allParkedActors),
      );
      for (const message of stored) {
        const entry = readParking(message);
        if (entry?.status === "parked") parkings.push(entry);
      }
    }
    return parkings.toSorted((a, b) => a.since - b.since || a.actor.localeCompare(b.actor));
  }

  async find(actor: string): Promise<Parking | undefined> {
    const { failpoints, journalOf, partitions } = this.options;
    const partition = partitionOf(actor, partitions);
    const entry = readParking(
      await failpoint(failpoints, "router.find", () =>
        journalOf(partition).readLast(subjects.parked(partition, actor)),
      ),
    );
    return entry?.status === "parked" ? entry : undefined;
  }

  private async ask(
    actor: string,
    waitMs: number,
    request: (tryMs: number, again: boolean) => ActorRequest,
    /** Of acknowledged state: there is no reason to ask again. */
    enough: (reply: Acknowledged) => boolean = ({ settled }) => settled,
  ): Promise<ActorReply> {
    return await this.admission.admit(actor, () => this.repeat(actor, waitMs, request, enough));
  }

  private async repeat(
    actor: string,
    waitMs: number,
    request: (tryMs: number, again: boolean) => ActorRequest,
    enough: (reply: Acknowledged) => boolean,
  ): Promise<ActorReply> {
    const { clock, connectivity, findOwnerMs, partitions } = this.options;
    const lost = connectivity.isolation();
    if (lost !== undefined) return { status: "unavailable", reason: lost };
    const partition = partitionOf(actor, partitions);
    const begun = clock.monotonic();
    /** What an earlier try was told: acknowledged, whatever stands in the way of asking for more. */
    let earlier: Acknowledged | undefined;
    /** An earlier try may have been applied: that nothing was written cannot be said any more. */
    let uncertain = false;
    let reason = "no node owns the partition of this order right now";
    for (let attempt = 1; ; attempt++) {
      // Anew for each try: this node may leave meanwhile.
      const waitEnds = Math.min(begun + waitMs, connectivity.waitsEndAt());
      const left = waitEnds - clock.monotonic();
      const tryMs = Math.max(0, Math.min(left, TRY_MS));
      const reply = await connectivity.orIsolated(this.once(partition, request(tryMs, attempt > 1), tryMs));
      // Nobody can tell any more what became of it; a repeat finds out.
      if (reply === undefined) return earlier ?? { status: "unavailable", reason: ISOLATED };
      const final = clock.monotonic() >= Math.min(waitEnds, connectivity.waitsEndAt());
      if (typeof reply !== "string" && reply.status === "ok") {
        if (enough(reply) || final) return reply;
        earlier = reply;
        continue;
      }
      reason = reasonOf(reply);
      const busy =
        typeof reply === "string" || reply.status === "unavailable" || reply.status === "overloaded";
      if (earlier && (final || !busy)) return earlier;
      if (typeof reply !== "string") {
        if (!busy || (reply.status === "overloaded" && !earlier && !uncertain)) return reply;
        uncertain ||= reply.status === "unavailable";
      }
      uncertain ||= reply === "the owner did not answer";
      const searchEnds = Math.min(begun + waitMs + findOwnerMs, connectivity.waitsEndAt());
      if (clock.monotonic() >= searchEnds) return { status: "unavailable", reason };
      await clock.sleep(Math.min(5 * 2 ** attempt, SLOWEST_RETRY_MS));
    }
  }

  private async once(
    partition: number,
    request: ActorRequest,
    tryMs: number,
  ): Promise<ActorReply | "no node owns the partition of this order right now" | "the owner did not answer"> {
    const local = this.options.local(partition);
    if (local) return await this.inTime(local(request), tryMs + ANSWER_MARGIN_MS);
    const answer = await failpoint(this.options.failpoints, "router.request", () =>
      this.options.bus.request(subjects.command(partition), encodeRequest(request), tryMs + ANSWER_MARGIN_MS),
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

function reasonOf(reply: Exclude<ActorReply, Acknowledged> | string): string {
  if (typeof reply === "string") return reply;
  return "reason" in reply ? reply.reason : `the owner answered ${reply.status}`;
}

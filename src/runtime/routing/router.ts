/**
 * Finds the owner of an actor from any node, and repeats a request until it is answered or its time is up. A repeat is
 * safe: starts are idempotent by id, commands by command id.
 * Owns: the requests of this node's callers, from the call to the answer.  Does not own: partitions, connections.
 * Invariants
 *   router.R1. A waiting request is sent to the partition's next owner when the partition changes hands.
 *   router.R2. When this node leaves, its callers get the acknowledged state while there is time.
 *   router.R3. Once a try may have been applied, no answer says that nothing was written.
 * A crash leaves nothing: the caller has no answer, and repeats the request with the same id.
 */
import { limits } from "../limits.ts";
import { partitionOf, type Subjects, token } from "../subjects.ts";
import type {
  ActorReply,
  Actors,
  CommandOptions,
  DryRunReply,
  DryRuns,
  ParkedActors,
  StartOptions,
  UnparkOptions,
  UnreadableActor,
} from "../actors.ts";
import { askedOf } from "../actor/input.ts";
import type { ActorDefinition } from "../definition.ts";
import { AdmissionControl } from "./admission-control.ts";
import { type Connectivity, ISOLATED } from "../cluster/connectivity.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { dryRuns, resumeForecasts } from "./dry-runs.ts";
import type { DryRunRequest } from "./dry-run-codec.ts";
import { inboxDelivery } from "./inbox-delivery.ts";
import type { UnreadableEntries } from "../unreadable.ts";
import { isUnreadable, type Parking, readParking } from "../actor/parking-record.ts";
import type { Bus, Clock, Journal } from "../ports.ts";
import { Semaphore } from "../semaphore.ts";
import { type ActorRequest, decodeReply, encodeRequest } from "./request-codec.ts";
import { decodeUnreadable, UNREADABLE_REQUEST } from "./unreadable-codec.ts";

/** What a router needs of its node. */
export type RouterOptions = {
  readonly subjects: Subjects;
  readonly partitions: number;
  readonly bus: Bus;
  /** The journal of a partition's stream. */
  readonly journalOf: (partition: number) => Journal;
  readonly clock: Clock;
  /** The partition, when it is open on this node. */
  readonly local: (partition: number) => LocalPartition | undefined;
  readonly definition: ActorDefinition;
  /** Time for finding an owner, on top of the caller's wait, ms. */
  readonly findOwnerMs: number;
  readonly connectivity: Connectivity;
  readonly unreadable: UnreadableEntries;
  readonly failpoints?: Failpoints | undefined;
};

/** What a partition of this node answers without the bus. */
export type LocalPartition = {
  handle(request: ActorRequest): Promise<ActorReply>;
  dryRun(request: DryRunRequest): Promise<DryRunReply>;
};

/** One try waits up to this long for an answer: an owner that dies after it took the request sends none. */
const TRY_MS = 1000;
const ANSWER_MARGIN_MS = 500;
const SLOWEST_RETRY_MS = 200;
/** A partition with an actor that its owner cannot read is handed over within this time, if another node can. */
const UNREADABLE_MS = 2500;
/** An operator waits this long for the inputs after a parked one. */
const OPERATOR_WAIT_MS = 5000;

const NO_OWNER = "no node owns the partition of this actor right now";
const NO_ANSWER = "the owner did not answer";

type Acknowledged = Extract<ActorReply, { status: "ok" }>;

/** The id is a token of the subjects under which the actor is stored. */
const isActorId = (actor: string): boolean => actor !== "" && token(actor) === actor;

const invalidId = (actor: string): ActorReply => ({
  status: "refused",
  code: "invalid_actor_id",
  reason: `"${actor}" cannot be the id of an actor: use letters, digits, "-" and "_"`,
});

/** `Actors` and `ParkedActors` of one node. Every method may be called on any node, at any time after its start. */
export class Router implements Actors, DryRuns, ParkedActors {
  readonly deliver: Actors["deliver"];
  readonly dryRun: DryRuns["dryRun"];
  readonly predictResume: ParkedActors["predictResume"];
  private readonly options: RouterOptions;
  private readonly admission = new AdmissionControl({ perActor: limits.nodeCalls, inAll: limits.nodeCalls });

  constructor(options: RouterOptions) {
    this.options = options;
    this.deliver = inboxDelivery(options);
    const stored = { ...options, find: (actor: string) => this.find(actor) };
    const dryRun = dryRuns(stored);
    const forecast = resumeForecasts(stored);
    this.predictResume = async (actor) =>
      isActorId(actor) ? await this.admission.admit(actor, () => forecast(actor)) : { status: "not_found" };
    this.dryRun = async (actor, ...asked) => {
      const answer = await this.admission.admit(actor, () => dryRun(actor, ...asked));
      return "reply" in answer ? answer : { reply: answer, source: "owner" };
    };
  }

  start(actor: string, input: object, options: StartOptions): Promise<ActorReply> {
    const { waitMs } = options;
    if (!isActorId(actor)) return Promise.resolve(invalidId(actor));
    return this.ask(actor, waitMs, (tryMs, again) => ({
      op: "start",
      actor,
      input,
      ...(options.request === undefined ? {} : { request: options.request }),
      ...askedOf(options),
      waitMs: tryMs,
      mayExist: options.mayExist || again,
    }));
  }

  command(
    actor: string,
    machine: string,
    event: { readonly type: string },
    options: CommandOptions,
  ): Promise<ActorReply> {
    return this.ask(actor, options.waitMs, (tryMs) => ({
      ...(options.ifVersions ? { op: "command-if", ifVersions: options.ifVersions } : { op: "command" }),
      actor,
      machine,
      event,
      commandId: options.commandId,
      ...askedOf(options),
      waitMs: tryMs,
    }));
  }

  read(actor: string): Promise<ActorReply> {
    return this.ask(actor, 0, () => ({ op: "read", actor }));
  }

  resume(actor: string, options: UnparkOptions = {}): Promise<ActorReply> {
    const op = isPlain(options) ? "resume" : "resume-if";
    return this.ask(
      actor,
      OPERATOR_WAIT_MS,
      () => ({ op, actor, ...options }),
      () => true,
    );
  }

  skip(actor: string, parking: string, options: UnparkOptions = {}): Promise<ActorReply> {
    const op = isPlain(options) ? "skip" : "skip-if";
    return this.ask(
      actor,
      OPERATOR_WAIT_MS,
      () => ({ op, actor, parking, ...options }),
      () => true,
    );
  }

  async list(): Promise<Parking[]> {
    const { failpoints, journalOf, partitions, subjects } = this.options;
    const parkings: Parking[] = [];
    // One reading for each stream, not for each partition.
    const journals = new Set(Array.from({ length: partitions }, (_, partition) => journalOf(partition)));
    for (const journal of journals) {
      const stored = await failpoint(failpoints, "router.list", () =>
        journal.readLastPerSubject(subjects.allParkedActors),
      );
      for (const message of stored) {
        const entry = readParking(message);
        if (entry?.status !== "parked") continue;
        parkings.push(entry);
        if (isUnreadable(entry))
          this.options.unreadable.passed("parking", message.subject, message.sequence, "its actor is parked");
      }
    }
    return parkings.toSorted((a, b) => a.since - b.since || a.actor.localeCompare(b.actor));
  }

  async unreadable(): ReturnType<ParkedActors["unreadable"]> {
    const { bus, failpoints, partitions, subjects } = this.options;
    const actors: UnreadableActor[] = [];
    const unanswered: number[] = [];
    let unlisted = 0;
    const some = new Semaphore(limits.ownersAsked);
    const ask = async (partition: number): Promise<void> => {
      const answer = await failpoint(failpoints, "router.unreadable", () =>
        some.run(() => bus.request(subjects.command(partition), UNREADABLE_REQUEST, TRY_MS)),
      );
      const list = answer.status === "answered" ? decodeUnreadable(answer.payload) : undefined;
      if (!list) {
        unanswered.push(partition);
        return;
      }
      actors.push(...list.actors);
      unlisted += list.total - list.actors.length;
    };
    await Promise.all(Array.from({ length: partitions }, (_, partition) => ask(partition)));
    return {
      actors: actors.toSorted((a, b) => a.since - b.since || a.actor.localeCompare(b.actor)),
      unanswered: unanswered.toSorted((a, b) => a - b),
      unlisted,
    };
  }

  async find(actor: string): Promise<Parking | undefined> {
    const { failpoints, journalOf, partitions, subjects } = this.options;
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
    /** Whether an acknowledged state ends the request: otherwise the owner is asked again. */
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
    /** The state that an earlier try returned. It is acknowledged, whatever prevents another try. */
    let earlier: Acknowledged | undefined;
    /** An earlier try may have been applied: router.R3. */
    let uncertain = false;
    let reason = NO_OWNER;
    /** When an owner first replied that it cannot read the actor. */
    let unreadSince: number | undefined;
    for (let attempt = 1; ; attempt++) {
      // Anew for each try: this node may leave meanwhile.
      const waitEnds = Math.min(begun + waitMs, connectivity.waitsEndAt());
      const left = waitEnds - clock.monotonic();
      const tryMs = Math.max(0, Math.min(left, TRY_MS));
      const reply = await connectivity.orIsolated(this.once(partition, request(tryMs, attempt > 1), tryMs));
      // The outcome is unknown; the caller's repeat finds it.
      if (reply === undefined) return earlier ?? { status: "unavailable", reason: ISOLATED };
      const final = clock.monotonic() >= Math.min(waitEnds, connectivity.waitsEndAt());
      if (typeof reply !== "string" && reply.status === "ok") {
        if (enough(reply) || final) return reply;
        earlier = reply;
        continue;
      }
      reason = reasonOf(reply);
      const unread = isUnread(reply);
      if (unread) {
        unreadSince ??= clock.monotonic();
        const lasts = unread.lasts === true || clock.monotonic() - unreadSince >= UNREADABLE_MS;
        if (lasts) return earlier ?? (uncertain ? { status: "unavailable", reason } : unread);
      }
      const busy =
        typeof reply === "string" || reply.status === "unavailable" || reply.status === "overloaded";
      if (earlier && (final || !busy)) return earlier;
      if (typeof reply !== "string") {
        if (!busy || (reply.status === "overloaded" && !earlier && !uncertain)) return reply;
        uncertain ||= reply.status === "unavailable" && !unread;
      }
      uncertain ||= reply === NO_ANSWER;
      const searchEnds = Math.min(begun + waitMs + findOwnerMs, connectivity.waitsEndAt());
      if (clock.monotonic() >= searchEnds) {
        return unread && !uncertain ? unread : { status: "unavailable", reason };
      }
      await clock.sleep(Math.min(5 * 2 ** attempt, SLOWEST_RETRY_MS));
    }
  }

  private async once(
    partition: number,
    request: ActorRequest,
    tryMs: number,
  ): Promise<ActorReply | typeof NO_OWNER | typeof NO_ANSWER> {
    const local = this.options.local(partition);
    if (local) return await this.inTime(local.handle(request), tryMs + ANSWER_MARGIN_MS);
    const answer = await failpoint(this.options.failpoints, "router.request", () =>
      this.options.bus.request(
        this.options.subjects.command(partition),
        encodeRequest(request),
        tryMs + ANSWER_MARGIN_MS,
      ),
    );
    if (answer.status === "answered") return decodeReply(answer.payload);
    return answer.status === "no_responders" ? NO_OWNER : NO_ANSWER;
  }

  /** The same time limit as over the bus: while the server is silent nothing is committed. */
  private inTime<T>(answer: Promise<T>, limitMs: number): Promise<T | typeof NO_ANSWER> {
    return new Promise((resolve, reject) => {
      const cancel = this.options.clock.after(limitMs, () => resolve(NO_ANSWER));
      answer.then(resolve, reject).finally(cancel);
    });
  }
}

const isPlain = ({ commandId, ifVersions }: UnparkOptions): boolean =>
  commandId === undefined && ifVersions === undefined;

/** The reply of an owner that cannot read the actor. It has applied nothing. */
function isUnread(reply: ActorReply | string): Extract<ActorReply, { status: "unavailable" }> | undefined {
  const unread =
    typeof reply !== "string" && reply.status === "unavailable" && reply.unreadable !== undefined;
  return unread ? reply : undefined;
}

function reasonOf(reply: Exclude<ActorReply, Acknowledged> | string): string {
  if (typeof reply === "string") return reply;
  return "reason" in reply ? reply.reason : `the owner answered ${reply.status}`;
}

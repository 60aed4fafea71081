/**
 * A partition of actors as an owned resource: takes over, serves commands, consumes the inbox, hands over.
 * Owns: the current tenure, its consumer and its checkpoint.  Does not own: the lock.
 * Invariants
 *   partition.P1. Commands are served only between the end of the replay and the loss of the lock.
 *   partition.P2. The replay reads from the checkpoint up to the lock entry of this very epoch: then nothing older is
 *                 missing.
 *   partition.P3. The checkpoint never goes back, also not to less than an earlier owner has stated and its mark
 *                 proves.
 * A crash leaves the checkpoint and the stream; the next owner replays from there.
 * Proved by: test/unit/runtime/partition/takeover.test.ts, test/unit/runtime/partition/late-takeover.test.ts,
 *   test/unit/runtime/partition/serving.test.ts, test/unit/runtime/partition/partition.test.ts,
 *   test/unit/runtime/partition/partition-handover.test.ts
 */
import { type InputCounts, InputTally } from "../tenure/input-tally.ts";
import { limits, stopping } from "../limits.ts";
import type { ActorReply, DryRunReply, UnparkOptions } from "../actors.ts";
import { AdmissionControl } from "../routing/admission-control.ts";
import { askedOf, type Input } from "../actor/input.ts";
import { fireAndForget } from "../tenure/pending-input.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { Checkpoint, type CheckpointOrigin } from "./checkpoint.ts";
import type { UnreadableEntries } from "../unreadable.ts";
import type { LogHistory } from "../cluster/log-watch.ts";
import { readInput } from "../actor/inbox-input.ts";
import { readParking } from "../actor/parking-record.ts";
import {
  type Bucket,
  type Bus,
  type Journal,
  type StoredMessage,
  type Subscription,
  Unavailable,
} from "../ports.ts";
import type { Relay } from "../commit/relay.ts";
import { CommandDedup } from "./command-dedup.ts";
import { type FoundParking, type Replay, replay } from "./replay.ts";
import type { OwnedResource } from "../cluster/owned-resource.ts";
import { notOwner, refusalOf } from "../tenure/replies.ts";
import { type ActorCounts, Tenure, type TenureOptions } from "../tenure/tenure.ts";
import { type ActorRequest, decodeRequest, encodeReply, withMergedFacts } from "../routing/request-codec.ts";
import { decodeDryRun, type DryRunRequest } from "../routing/dry-run-codec.ts";
import { encodeUnreadable, isUnreadableRequest } from "../routing/unreadable-codec.ts";

/** What a partition needs. */
export type PartitionOptions = TenureOptions & {
  readonly partition: number;
  readonly bus: Bus;
  readonly checkpoints: Bucket;
  readonly unreadable: UnreadableEntries;
  /** Of the log that the partition is in. */
  readonly history: LogHistory;
  /** How long one attempt to publish waits for the server's answer, ms. */
  readonly commitTimeoutMs: number;
  readonly relay: Relay;
  /** A reason not to take a request under this lock now (deposed, disconnected, overloaded), or undefined. */
  readonly refusal: (op: ActorRequest["op"] | "dry-run", lock: string) => ActorReply | undefined;
  /** Inbox inputs under way at once; above this number the consumer waits. */
  readonly inboxBound: number;
  readonly failpoints?: Failpoints | undefined;
  /** This node cannot read the record of an actor of the partition. */
  readonly onUnreadable: (resource: string) => void;
};

const unknownRequest: ActorReply = {
  status: "unavailable",
  reason: "the owner of the actor does not know this request",
};

/** See the top of this file. */
export class Partition implements OwnedResource {
  readonly name: string;
  readonly lock: string;
  readonly journal: Journal;
  private readonly options: PartitionOptions;
  private readonly tally = new InputTally();
  private tenure: Tenure | undefined;
  private checkpoint: Checkpoint | undefined;
  /** The highest `through` that the checkpoint has stated, under an earlier owner too. */
  private checkpointThrough = 0;
  private subscriptions: Subscription[] = [];
  private open = false;
  private readonly dedup = new CommandDedup(limits.partitionCalls);
  private readonly admission = new AdmissionControl({
    perActor: limits.mailboxInputs,
    inAll: limits.partitionCalls,
  });

  constructor(options: PartitionOptions) {
    this.options = options;
    this.name = `partition.${options.partition}`;
    this.lock = options.lock;
    this.journal = options.journal;
  }

  /** The partition takes commands here and now. */
  isOpen(): boolean {
    return this.open;
  }

  /** The partition, while it takes commands here. */
  whenOpen(): this | undefined {
    return this.open ? this : undefined;
  }

  /** Inbox inputs read and not yet evaluated. */
  lag(): number {
    return this.tenure?.backlog() ?? 0;
  }

  /** Actors in memory, those that no input reaches, and what became of inputs since the start of the process. */
  counts(): ActorCounts & { readonly inputs: InputCounts } {
    const none = { actors: 0, parked: 0, newer: 0, unreadable: 0 };
    return { ...(this.tenure?.counts() ?? none), inputs: this.tally.counts() };
  }

  async acquire(epoch: number): Promise<void> {
    this.revoke();
    const { partition, checkpoints, log, failpoints } = this.options;
    const tenure = new Tenure({ ...this.options, tally: this.tally }, partition, epoch, () =>
      this.options.onUnreadable(this.name),
    );
    this.tenure = tenure;
    const origin = this.origin(epoch);
    const claimed = await Checkpoint.claim(checkpoints, this.name, epoch, origin, failpoints);
    const { entry, state: checkpoint, ignored } = claimed;
    if (ignored !== undefined) {
      const taken = `the checkpoint counts as none (${ignored}), and the whole partition is replayed`;
      this.options.unreadable.passed("checkpoint", this.name, epoch, taken);
    }
    const found = await replay({
      ...this.options,
      from: checkpoint.through + 1,
      epoch,
      onRecord: (actor, sequence) => tenure.knows(actor, sequence),
      isNeeded: () => this.tenure === tenure,
    });
    if (this.tenure !== tenure) return;
    const parkings = await this.parkings(found, checkpoint.parkedAt);
    if (this.tenure !== tenure) return;
    const lagging = new Set(checkpoint.lagging);
    for (const { entry: last, sequence } of parkings.values()) {
      tenure.knowsParking(sequence);
      if (last.status === "parked") tenure.foundParked(last, sequence);
      // Its earlier inputs may not be evaluated yet: the last owner had just ended the parking.
      else if (sequence > checkpoint.through) lagging.add(last.actor);
    }
    for (const actor of lagging) tenure.catchUp(actor);
    const unfinished = [...new Set([...checkpoint.open, ...found.open.keys()])];
    for (let at = 0; at < unfinished.length; at += limits.partitionLoads) {
      const some = unfinished.slice(at, at + limits.partitionLoads);
      await failpoint(failpoints, "partition.resume", () =>
        Promise.all(some.map((actor) => tenure.takeUp(actor, found.open.get(actor)))),
      );
      if (this.tenure !== tenure) return;
    }
    for (const { actor, input, sequence } of found.inputs)
      tenure.dispatch(actor, fireAndForget(input, sequence));
    const subscriptions = await this.subscribe(tenure);
    if (this.tenure !== tenure) return await stopAll(subscriptions);
    this.checkpoint = entry;
    this.checkpointThrough = checkpoint.through;
    this.subscriptions = subscriptions;
    this.open = true;
    log.info(
      { partition, epoch, from: checkpoint.through, replayed: found.count, resumed: unfinished.length },
      "partition taken over",
    );
  }

  private origin(epoch: number): CheckpointOrigin {
    const { journal, history, commitTimeoutMs, subjects } = this.options;
    const mark = { subject: subjects.fence(this.name), payload: "" };
    return {
      history,
      lastSequence: async () => (await journal.state()).lastSequence,
      holdsLock: async () => {
        const fence = { subject: this.lock, sequence: epoch };
        const result = await journal.append([{ ...mark, fence }], commitTimeoutMs);
        if (result.status === "unanswered") throw new Unavailable(`lock of ${this.name}: ${result.reason}`);
        return result.status === "stored";
      },
    };
  }

  /** Consumes the inbox after the lock entry, and serves requests. @throws Unavailable (retryable) */
  private async subscribe(tenure: Tenure): Promise<Subscription[]> {
    const { partition, bus, journal, failpoints } = this.options;
    const filters = [this.options.subjects.inboxes(partition), this.options.subjects.fence(this.name)];
    const subscriptions: Subscription[] = [];
    try {
      subscriptions.push(
        await failpoint(failpoints, "partition.follow", () =>
          journal.consume({ filters, fromSequence: tenure.epoch + 1 }, (message) =>
            this.consumed(tenure, message),
          ),
        ),
      );
      subscriptions.push(
        await failpoint(failpoints, "partition.serve", () =>
          bus.serve(this.options.subjects.command(partition), (payload) => this.serve(tenure, payload)),
        ),
      );
      await failpoint(failpoints, "partition.flush", () => bus.flush());
    } catch (error) {
      // What stays subscribed would answer besides the next owner, and perhaps before it.
      await stopAll(subscriptions);
      throw error;
    }
    return subscriptions;
  }

  revoke(): void {
    this.open = false;
    this.tenure?.end();
    this.tenure = undefined;
    this.checkpoint = undefined;
    for (const subscription of this.subscriptions.splice(0)) void subscription.stop();
  }

  async drain(): Promise<void> {
    const { tenure } = this;
    const { clock, failpoints } = this.options;
    this.open = false;
    const subscriptions = this.subscriptions.splice(0);
    await failpoint(failpoints, "partition.stop_serving", () => stopAll(subscriptions));
    if (!tenure) return;
    await failpoint(failpoints, "partition.drain", () =>
      Promise.race([tenure.idle(), clock.sleep(stopping.idleMs)]),
    );
    if (this.tenure === tenure) await this.writeCheckpoint().catch(() => false);
    // The lock may have been lost and acquired again while the checkpoint was written: a new tenure is not closed here.
    if (this.tenure === tenure) this.revoke();
  }

  /** Writes the checkpoint. Called about once a second; a write that is refused or unanswered is repeated then. */
  async writeCheckpoint(): Promise<boolean> {
    const { tenure, checkpoint } = this;
    if (!tenure || !checkpoint) return false;
    const state = tenure.checkpoint(this.options.relay.resolvedThrough());
    this.checkpointThrough = Math.max(state.through, this.checkpointThrough);
    const written = await checkpoint.write({ ...state, through: this.checkpointThrough });
    return written || (await checkpoint.refresh());
  }

  /** Answers a request that this node makes. The outcome is always a value. */
  async handle(request: ActorRequest): Promise<ActorReply> {
    const { tenure } = this;
    if (!tenure || !this.open) return notOwner;
    return await this.answer(tenure, request);
  }

  private async serve(tenure: Tenure, payload: string): Promise<string> {
    if (isUnreadableRequest(payload)) return encodeUnreadable(tenure.unreadable());
    const asked = decodeDryRun(payload);
    if (asked) return JSON.stringify(await this.predict(tenure, asked));
    const request = decodeRequest(payload);
    if (!request) return encodeReply(unknownRequest);
    const reply = await this.answer(tenure, request);
    return encodeReply(request.facts ? reply : withMergedFacts(reply, this.options.definition));
  }

  /** Answers a dry run that this node asks for. */
  async dryRun(request: DryRunRequest): Promise<DryRunReply> {
    const { tenure } = this;
    return tenure && this.open ? await this.predict(tenure, request) : notOwner;
  }

  private async predict(tenure: Tenure, { actor, input, outputs }: DryRunRequest): Promise<DryRunReply> {
    const refusal = this.options.refusal("dry-run", this.lock);
    if (refusal) return refusalOf(refusal);
    return await this.admission.admit(actor, () => orUnavailable(() => tenure.dryRun(actor, input, outputs)));
  }

  private async answer(tenure: Tenure, request: ActorRequest): Promise<ActorReply> {
    const refusal = this.options.refusal(request.op, this.lock);
    if (refusal) return refusal;
    return await this.dedup.join(request, (repeated) =>
      this.admission.admit(request.actor, () => this.admitted(tenure, request, repeated)),
    );
  }

  private async admitted(tenure: Tenure, request: ActorRequest, repeated: boolean): Promise<ActorReply> {
    if (request.op !== "start" && request.op !== "command" && request.op !== "command-if") {
      return await orUnavailable<ActorReply>(() => {
        if (request.op === "read") return tenure.read(request.actor);
        if (request.op === "skip" || request.op === "skip-if")
          return tenure.skip(request.actor, request.parking, unparkOf(request));
        return tenure.resume(request.actor, unparkOf(request));
      });
    }
    return await new Promise((reply) => {
      const asked = askedOf(request);
      const input: Input =
        request.op === "start"
          ? {
              kind: "start",
              input: request.input,
              ...(request.request === undefined ? {} : { request: request.request }),
              ...asked,
            }
          : {
              kind: "command",
              machine: request.machine,
              event: request.event,
              commandId: request.commandId,
              ...asked,
            };
      const mayExist = request.op === "start" ? request.mayExist : true;
      tenure.dispatch(request.actor, {
        input,
        inbox: 0,
        waitMs: request.waitMs,
        mayExist,
        repeated,
        ...("ifVersions" in request && { ifVersions: request.ifVersions }),
        reply,
        attempts: 0,
      });
    });
  }

  private consumed(tenure: Tenure, message: StoredMessage): void | Promise<void> {
    if (message.subject === this.options.subjects.fence(this.name)) {
      tenure.saw(message.sequence);
      return;
    }
    const read = readInput(message, this.options.log);
    if (read) tenure.dispatch(read.actor, fireAndForget(read.input, message.sequence));
    tenure.saw(message.sequence);
    if (tenure.backlog() >= this.options.inboxBound) return this.untilBelow(tenure);
  }

  private async untilBelow(tenure: Tenure): Promise<void> {
    while (this.tenure === tenure && tenure.backlog() >= this.options.inboxBound) {
      await this.options.clock.sleep(5);
    }
  }

  /**
   * The last message about every actor that was ever parked. The replay has what is newer than the checkpoint. What is
   * older is read from the leader; a reading that lacks what the checkpoint states is rejected.
   * @throws Unavailable (retryable)
   */
  private async parkings(found: Replay, parkedAt: number): Promise<Map<string, FoundParking>> {
    const { failpoints, journal, partition } = this.options;
    const parkings = new Map(found.parkings);
    let newest = 0;
    const stored = await failpoint(failpoints, "partition.read_parkings", () =>
      journal.readLastPerSubject(this.options.subjects.parkedActors(partition)),
    );
    for (const message of stored) {
      const entry = readParking(message);
      if (!entry) continue;
      newest = Math.max(newest, message.sequence);
      if ((parkings.get(entry.actor)?.sequence ?? 0) < message.sequence) {
        parkings.set(entry.actor, { entry, sequence: message.sequence });
      }
    }
    if (newest < parkedAt)
      throw new Unavailable(`the list of parked actors of ${this.name} is not the newest`);
    return parkings;
  }
}

type Unanswered = Extract<ActorReply, { readonly status: "unavailable" }>;

async function orUnavailable<T>(work: () => Promise<T>): Promise<T | Unanswered> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unavailable) return { status: "unavailable", reason: error.message };
    throw error;
  }
}

async function stopAll(subscriptions: readonly Subscription[]): Promise<void> {
  await Promise.all(subscriptions.map((subscription) => subscription.stop()));
}

/** How the operator asks. */
function unparkOf({ commandId, ifVersions, ...asked }: UnparkOptions): UnparkOptions {
  return {
    ...askedOf(asked),
    ...(commandId === undefined ? {} : { commandId }),
    ...(ifVersions && { ifVersions }),
  };
}

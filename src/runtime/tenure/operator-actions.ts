/**
 * What an operator does about a parked actor: resume it, or skip the input that parked it (ADR 7).
 * A resumed actor is handled as a new owner handles it: its open effects are resumed under their keys, and its inbox is
 * read from the last evaluated input. A skipped input is evaluated without effect by a record of its own, which is
 * stored together with the end of the parking.
 * Owns: the operations under way, one per actor.  Does not own: the list of parked actors.
 * A crash leaves the parking, or its end; never a part of either.
 */
import type { Subjects } from "../subjects.ts";
import type { ActorReply, UnparkOptions } from "../actors.ts";
import { askedOf, isOtherRequest } from "../actor/input.ts";
import type { ActorReader } from "./actor-reader.ts";
import { notOwner, unreadableKind, unreadableReply } from "./replies.ts";
import { type Cascade, cascade } from "../actor/cascade.ts";
import type { CatchUps } from "./catch-up.ts";
import { cascadeWriteSet, RecordTooLarge } from "../commit/cascade-write-set.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import type { ActorDefinition } from "../definition.ts";
import type { Loader } from "./loader.ts";
import { MachineFault } from "../actor/machine.ts";
import type { ParkedRegistry, Quarantined } from "./parked-actors.ts";
import { type Clock, type Ids, type Message, Unavailable } from "../ports.ts";
import type { ActivationCache } from "./activation-cache.ts";
import type { LockRef, Outcome, WriteSetSink } from "../commit/write-set.ts";

/** What the operator actions need. */
export type OperatorActionsOptions = {
  readonly subjects: Subjects;
  readonly definition: ActorDefinition;
  readonly sink: WriteSetSink;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly node: string;
  readonly partition: number;
  readonly lock: LockRef;
  readonly activations: ActivationCache;
  readonly loader: Loader;
  readonly parked: ParkedRegistry;
  readonly catchUps: CatchUps;
  readonly ended: () => boolean;
  readonly reader: ActorReader;
  readonly failpoints?: Failpoints | undefined;
};

/** See the top of this file. */
export class OperatorActions {
  private readonly options: OperatorActionsOptions;
  private readonly running = new Map<
    string,
    { readonly what: string; readonly reply: Promise<ActorReply> }
  >();

  constructor(options: OperatorActionsOptions) {
    this.options = options;
  }

  /** Tries the input again. `ok`: the actor is not parked any more, or was not. `actor_parked`: it is parked again. */
  resume(actor: string, how: UnparkOptions = {}): Promise<ActorReply> {
    return this.alone(actor, `resume ${idOf(how)}`, () => this.resumed(actor, how));
  }

  /**
   * Drops the input that began this parking, and goes on with later ones. `ok` also when this very parking was skipped
   * before. Refused: `not_parked`, `parked_otherwise` (another parking), `nothing_to_skip` (the actor's state cannot be
   * read: no input is at fault), `actor_parked` (a later input has parked the actor again), `input_refused` (the record
   * that would pass over the input is too large).
   * @param parking empty, with a command id: the present one
   */
  skip(actor: string, parking: string, how: UnparkOptions = {}): Promise<ActorReply> {
    return this.alone(actor, `skip ${parking} ${idOf(how)}`, () => this.skipped(actor, parking, how));
  }

  /** One operation per actor at a time; the same one twice is one. */
  private async alone(actor: string, what: string, run: () => Promise<ActorReply>): Promise<ActorReply> {
    const other = this.running.get(actor);
    if (other?.what === what) return await other.reply;
    if (other) return { status: "unavailable", reason: "another operator acts on the actor right now" };
    const reply = run().catch((error: unknown): ActorReply => {
      if (error instanceof Unavailable) return { status: "unavailable", reason: error.message };
      if (error instanceof RecordTooLarge) return refused("input_refused", error.message);
      throw error;
    });
    this.running.set(actor, { what, reply });
    try {
      return await reply;
    } finally {
      this.running.delete(actor);
    }
  }

  /**
   * The reply to a request that does nothing: it was done before, its key came with another one, or the actor has
   * another version than it names. Undefined for one that is to be done.
   */
  private async done(
    actor: string,
    { commandId, ifVersions }: UnparkOptions,
  ): Promise<ActorReply | undefined> {
    const { catchUps, parked, reader } = this.options;
    const entries = commandId === undefined ? [] : await parked.all(actor);
    const commands = entries.flatMap((entry) => (entry.status === "parked" ? [] : (entry.command ?? [])));
    if (commandId !== undefined && commands.includes(commandId)) {
      await catchUps.done(actor);
      return await this.afterwards(actor);
    }
    const isReused = commandId !== undefined && commands.some((one) => isOtherRequest(commandId, one));
    if (!isReused && ifVersions === undefined) return undefined;
    const found = await reader.read(actor);
    if (found.status !== "ok") return found;
    const { snapshot } = found;
    if (isReused) return { status: "request_mismatch", snapshot };
    return ifVersions?.includes(snapshot.version) === false
      ? { status: "version_changed", snapshot }
      : undefined;
  }

  private async resumed(actor: string, how: UnparkOptions): Promise<ActorReply> {
    const { catchUps, ids, parked } = this.options;
    const done = await this.done(actor, how);
    if (done) return done;
    const quarantined = parked.get(actor);
    if (!quarantined) {
      await catchUps.done(actor);
      return await this.afterwards(actor);
    }
    if (quarantined.state !== "parked") return this.notNow(quarantined);
    const { entry } = await parked.stored(actor);
    if (entry?.status !== "parked") throw new Unavailable(`the parking of ${actor} could not be read`);
    const outcome = await parked.publish(parked.ending(quarantined, entry.id, "resumed", how), ids.next());
    return await this.takeUp(quarantined, outcome);
  }

  private async skipped(actor: string, parking: string, how: UnparkOptions): Promise<ActorReply> {
    const { catchUps, failpoints, loader, parked, sink } = this.options;
    const done = await this.done(actor, how);
    if (done) return done;
    const quarantined = parked.get(actor);
    if (quarantined && quarantined.state !== "parked") return this.notNow(quarantined);
    const { entry } = await parked.stored(actor);
    if (!quarantined || entry?.status !== "parked") {
      if (entry?.status === "skipped" && entry.parking === parking) {
        await catchUps.done(actor);
        return await this.afterwards(actor);
      }
      const found = await this.options.reader.read(actor);
      return found.status === "ok" ? refused("not_parked", "the actor is not parked") : found;
    }
    const isPresent = parking === "" && how.commandId !== undefined;
    if (!isPresent && entry.id !== parking) return refused("parked_otherwise", entry.reason);
    if (!entry.input || entry.name === null) return refused("nothing_to_skip", entry.reason);
    let state: Awaited<ReturnType<Loader["stored"]>>;
    try {
      state = await loader.stored(actor, entry.record);
    } catch (error) {
      if (error instanceof MachineFault) return unreadableReply(unreadableKind(error), error.message, true);
      throw error;
    }
    const input = { kind: "skip", skipped: entry.input, name: entry.name, ...askedOf(how) } as const;
    const result = cascade(this.options.definition, state.head, input, {
      actor,
      now: this.options.clock.now(),
      inbox: entry.inbox,
      join: () => undefined,
    });
    if (!result) return refused("nothing_to_skip", "the actor has no state");
    const outcome = await failpoint(
      failpoints,
      "parking.skip",
      () =>
        new Promise<Outcome>((resolved) => {
          const end = parked.ending(quarantined, entry.id, "skipped", how);
          sink.submit(this.writeSet(actor, end, result, input, state.sequence, resolved));
        }),
    );
    return await this.takeUp(quarantined, outcome);
  }

  /** The record that passes over the input, and the end of the parking with it. */
  private writeSet(
    actor: string,
    ending: Message,
    result: Cascade,
    input: Parameters<typeof cascadeWriteSet>[1],
    sequence: number,
    resolved: (outcome: Outcome) => void,
  ): ReturnType<typeof cascadeWriteSet> {
    const { ids, lock, node, partition } = this.options;
    const joined = [{ output: undefined, lock, messages: [ending], resolved: () => {} }];
    return cascadeWriteSet({ ...result, joined }, input, {
      facts: this.options.definition.facts,
      subjects: this.options.subjects,
      commit: ids.next(),
      actor,
      partition,
      node,
      lock,
      sequence,
      resolved,
    });
  }

  private async takeUp(quarantined: Quarantined, outcome: Outcome): Promise<ActorReply> {
    const { catchUps, activations, ended, parked, partition } = this.options;
    const { actor } = quarantined;
    if (ended()) return notOwner;
    if (outcome.status === "refused") {
      return refused("input_refused", `the server refused the record: ${outcome.code} ${outcome.reason}`);
    }
    if (outcome.status !== "stored") {
      return { status: "unavailable", reason: "the end of the parking could not be stored" };
    }
    const { lastSequence, sequences } = outcome;
    activations.knows(actor, sequences.get(this.options.subjects.record(partition, actor)) ?? 0);
    parked.ended(quarantined, sequences.get(this.options.subjects.parked(partition, actor)) ?? lastSequence);
    await catchUps.start(actor, quarantined.newest);
    return await this.afterwards(actor);
  }

  private async afterwards(actor: string): Promise<ActorReply> {
    const { ended, parked, reader } = this.options;
    if (ended()) return notOwner;
    const again = parked.get(actor);
    return again ? parked.reply(again) : await reader.read(actor);
  }

  private notNow(quarantined: Quarantined): ActorReply {
    return quarantined.state === "storing"
      ? { status: "unavailable", reason: "the actor is being parked right now" }
      : this.options.parked.reply(quarantined);
  }
}

/** Two requests are one when they ask for the same. */
const idOf = (how: UnparkOptions): string => JSON.stringify(how);

function refused(code: string, reason: string): ActorReply {
  return { status: "refused", code, reason };
}

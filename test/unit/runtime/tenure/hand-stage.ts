/** A tenure on a real log in memory whose write sets a test resolves by hand, with every outcome; replies are kept. */
import { firstOf } from "../../../support/faults/first-fault.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { type Fault, MemoryServer, type Operation } from "../../../../src/adapters/memory/server.ts";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import type { Parking } from "../../../../src/runtime/actor/parking-record.ts";
import { EffectRunner } from "../../../../src/runtime/effects/effect-runner.ts";
import type { ActorDefinition } from "../../../../src/runtime/definition.ts";
import { readRecord } from "../../../../src/runtime/actor/record-decoding.ts";
import type { ActorRecord, StoredSnapshot } from "../../../../src/runtime/actor/snapshot.ts";
import type { Journal, Message, StoredMessage } from "../../../../src/runtime/ports.ts";
import { Tenure } from "../../../../src/runtime/tenure/tenure.ts";
import type { PendingInput } from "../../../../src/runtime/tenure/pending-input.ts";
import type { Outcome, WriteSet } from "../../../../src/runtime/commit/write-set.ts";
import { silent } from "../commit/relay-stage.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { diary } from "./tenure-stage.ts";

export const INFINITE = Number.POSITIVE_INFINITY;

/** How a write set ends. The three middle ones are the reasons for which it is dropped. */
export const outcomes = ["stored", "fenced", "lock_moved", "store_unavailable", "refused"] as const;
export type How = (typeof outcomes)[number];

/** Answers of readings that a test makes up; `undefined`: this one is right. */
export type Forged = {
  readonly last?: (asked: readonly string[]) => StoredMessage[] | undefined;
  readonly all?: (subject: string) => StoredMessage[] | undefined;
};

type More = Partial<PendingInput> & { readonly actor?: string };

export type Hand = ReturnType<typeof handTenure>;

export function handTenure(definition: ActorDefinition = diary(), { idleActors = 10 } = {}) {
  const clock = new VirtualClock();
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    faults: firstOf(faults),
  });
  const base = memoryNode(server, "one").journal;
  let forged: Forged = {};
  const journal: Journal = {
    ...base,
    readLastTogether: async (asked, through) => {
      const last = forged.last?.(asked);
      return last
        ? { last: new Map(last.map((message) => [message.subject, message])), through: INFINITE }
        : await base.readLastTogether(asked, through);
    },
    readAll: async (subject) => forged.all?.(subject) ?? (await base.readAll(subject)),
  };
  const log = server.log("KV_ORDERS");
  const put = (subject: string, payload: string): number => {
    log.propose([{ subject, payload }], () => {});
    return log.lastSequence;
  };
  const lock = subjects.lock("partition.0");
  const writeSets: WriteSet[] = [];
  const newer: number[] = [];
  let ids = 0;
  const effects = new EffectRunner({ handlers: definition.effects, clock, log: silent });
  /** The next owner: a lock entry of its own, and nothing in memory. */
  const takeOver = (): Tenure =>
    new Tenure(
      {
        subjects,
        definition,
        lock,
        journal,
        sink: { submit: (writeSet) => void writeSets.push(writeSet) },
        effects,
        clock,
        ids: { next: () => `id${++ids}` },
        log: silent,
        node: "one",
        idleActors,
      },
      0,
      put(lock, "{}"),
      () => newer.push(1),
    );
  let tenure = takeOver();

  const write = (messages: readonly Message[]): void => {
    const plain = messages.map(({ subject, payload, headers }) => ({
      subject,
      payload,
      ...(headers ? { headers } : {}),
    }));
    log.propose(plain, () => {});
  };
  const end = (writeSet: WriteSet, how: How): void => {
    if (how === "stored") {
      write(writeSet.messages);
      const sequences = new Map(
        writeSet.preconditions.map(({ subject }) => [subject, log.last(subject)?.sequence ?? 0]),
      );
      return writeSet.resolved({ status: "stored", sequences, lastSequence: log.lastSequence });
    }
    const outcome: Outcome =
      how === "refused"
        ? { status: "refused", code: 10_054, reason: "too large" }
        : { status: "dropped", why: how };
    writeSet.resolved(outcome);
  };

  const stage = {
    clock,
    server,
    log,
    faults,
    /** From now on readings are answered so. They claim to be whole: the proof of a reading is taken away. */
    forge: (readings: Forged): void => {
      forged = readings;
    },
    put,
    writeSets,
    effects,
    /** How often a newer machine was met. */
    newer: () => newer.length,
    get tenure(): Tenure {
      return tenure;
    },
    /** Ends the tenure and begins the next one. */
    next(): Tenure {
      tenure.end();
      tenure = takeOver();
      return tenure;
    },
    /** Gives an input to the tenure. Returns the replies to it, of which there may be none yet. */
    ask(input: Input, { actor = "d", ...more }: More = {}): ActorReply[] {
      const replies: ActorReply[] = [];
      tenure.dispatch(actor, {
        input,
        inbox: 0,
        waitMs: 0,
        mayExist: input.kind !== "start",
        attempts: 0,
        ...more,
        reply: (reply) => void replies.push(reply),
      });
      return replies;
    },
    start: (more: More & { readonly request?: string } = {}): ActorReply[] => {
      const { request, ...others } = more;
      return stage.ask({ kind: "start", input: {}, ...(request === undefined ? {} : { request }) }, others);
    },
    command: (type: string, more: More & { readonly id?: string } = {}): ActorReply[] => {
      const { id = type, ...others } = more;
      return stage.ask({ kind: "command", machine: "diary", event: { type }, commandId: id }, others);
    },
    /** An input that is stored in the actor's inbox and handed over by the consumer. */
    deliver(type: string, { id = `${type}!`, actor = "d" } = {}): number {
      const input: Input = { kind: "event", machine: "diary", event: { type }, id };
      const sequence = put(subjects.inbox(0, actor), JSON.stringify(input));
      stage.ask(input, { actor, inbox: sequence });
      tenure.saw(sequence);
      return sequence;
    },
    outcome: (output: string, generation: number): ActorReply[] =>
      stage.ask({ kind: "effect", id: "diary.job", generation, outcome: { output } }),
    /** Stores a parking of the actor, as an earlier owner has, and makes it known to the tenure. */
    park(entry: Partial<Parking>): number {
      const parking: Parking = {
        status: "parked",
        id: "p",
        actor: "d",
        since: 1,
        reason: "a reason",
        name: null,
        input: null,
        inbox: 0,
        version: 0,
        record: 0,
        ...entry,
      };
      const sequence = put(subjects.parked(0, parking.actor), JSON.stringify(parking));
      tenure.knowsParking(sequence);
      tenure.foundParked(parking, sequence);
      return sequence;
    },
    /** The oldest write set ends. */
    one(how: How): void {
      const writeSet = writeSets.shift();
      if (!writeSet) throw new Error("no write set");
      end(writeSet, how);
    },
    /** The newest write set ends, before the outcome of earlier ones is known. */
    newest(how: How): void {
      const writeSet = writeSets.pop();
      if (!writeSet) throw new Error("no write set");
      end(writeSet, how);
    },
    /** All write sets that are submitted end, as the relay ends them: what depends on a refused one is dropped. */
    all(how: How): void {
      for (const [at, writeSet] of writeSets.splice(0).entries()) {
        end(writeSet, how === "refused" && at > 0 ? "fenced" : how);
      }
    },
    /** Lets time pass and stores everything, until nothing happens any more. */
    async quiet(): Promise<void> {
      for (let round = 0; round < 20; round++) {
        await clock.advance(600);
        if (writeSets.length === 0) return;
        stage.all("stored");
      }
      throw new Error("never quiet");
    },
    records: (actor = "d"): ActorRecord[] =>
      log.all(subjects.record(0, actor)).map((message) => readRecord(message)!),
    /** The state in the log. */
    stored: (actor = "d"): StoredSnapshot | undefined => stage.records(actor).at(-1)?.snapshot,
    /** Lets time pass until the promise ends. */
    async done<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
      let over = false;
      const watched = promise.finally(() => {
        over = true;
      });
      watched.catch(() => {});
      if (!(await clock.advanceUntil(() => over, limitMs))) throw new Error("never ended");
      return await watched;
    },
    read: (actor = "d"): Promise<ActorReply> => stage.done(tenure.read(actor)),
    /** The open effects' generations, as the log has them. */
    generations: (): number[] => (stage.stored()?.effects ?? []).map(({ generation }) => generation),
  };
  return stage;
}

/** A tenure with the stored actor `d`. */
export function withDiary(definition?: ActorDefinition, options?: { readonly idleActors?: number }): Hand {
  const stage = handTenure(definition, options);
  stage.start();
  stage.one("stored");
  return stage;
}

export const statuses = (replies: readonly (readonly ActorReply[])[]): string[] =>
  replies.map((each) => each.map(({ status }) => status).join(" and "));

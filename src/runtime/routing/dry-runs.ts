/**
 * Dry runs from any node. The owner predicts from what it has acknowledged. Where no owner answers, this node
 * predicts from what is stored: nothing is under way in a partition without an owner, and the answer says so.
 * Owns nothing. A crash leaves nothing: nothing is written.
 * Proved by: test/unit/runtime/routing/dry-runs.test.ts, test/integration/nodes/dry-runs.test.ts
 */
import { dryRun, dryRunOfInput } from "../actor/dry-run.ts";
import { readInput } from "../actor/inbox-input.ts";
import type { Input } from "../actor/input.ts";
import type { Parking } from "../actor/parking-record.ts";
import { MachineFault } from "../actor/machine.ts";
import type { DryRunReply, DryRuns, ParkedActors } from "../actors.ts";
import { type Connectivity, ISOLATED } from "../cluster/connectivity.ts";
import type { ActorDefinition } from "../definition.ts";
import { type Bus, type Clock, type Journal, type Log, Unavailable } from "../ports.ts";
import type { Snapshot } from "../actor/snapshot.ts";
import { partitionOf, type Subjects } from "../subjects.ts";
import { headOf, newest } from "../tenure/loader.ts";
import { refusalOf, unreadableKind, unreadableReply } from "../tenure/replies.ts";
import { decodeDryRunReply, type DryRunRequest, encodeDryRun } from "./dry-run-codec.ts";

/** What dry runs need of their node. */
export type DryRunsOptions = {
  readonly subjects: Subjects;
  readonly partitions: number;
  readonly definition: ActorDefinition;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly connectivity: Pick<Connectivity, "isolation" | "orIsolated">;
  readonly journalOf: (partition: number) => Pick<Journal, "readAt" | "readLast" | "readLastTogether">;
  readonly local: (partition: number) => { dryRun(request: DryRunRequest): Promise<DryRunReply> } | undefined;
  /** The actor's parking, if it is parked. @throws Unavailable (retryable) */
  readonly find: (actor: string) => Promise<Parking | undefined>;
};

/** An owner that has to read the actor first answers within this time; then this node reads it itself, ms. */
const OWNER_MS = 1500;

const SILENT: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => SILENT,
};

type Unavailing = Extract<DryRunReply, { readonly status: "unavailable" }>;

/** `DryRuns.dryRun` of one node. */
export function dryRuns(options: DryRunsOptions): DryRuns["dryRun"] {
  const { connectivity, partitions } = options;
  return async (actor, input, { outputs = {} } = {}) => {
    const lost = connectivity.isolation();
    if (lost !== undefined) return { reply: { status: "unavailable", reason: lost }, source: "stored" };
    const partition = partitionOf(actor, partitions);
    const answered = (async () => {
      const reply = await ofOwner(options, partition, { actor, input, outputs });
      if (reply !== undefined) return { reply, source: "owner" as const };
      return {
        reply: await ofStored(options, partition, { actor, input, outputs }),
        source: "stored" as const,
      };
    })();
    const isolated: Unavailing = { status: "unavailable", reason: ISOLATED };
    return (await connectivity.orIsolated(answered)) ?? { reply: isolated, source: "stored" };
  };
}

/** The owner's reply; `undefined` when no owner knows the answer. */
async function ofOwner(
  { bus, local, subjects }: DryRunsOptions,
  partition: number,
  request: DryRunRequest,
): Promise<DryRunReply | undefined> {
  const here = local(partition);
  let reply: DryRunReply;
  if (here) reply = await here.dryRun(request);
  else {
    const answer = await bus.request(subjects.command(partition), encodeDryRun(request), OWNER_MS);
    if (answer.status !== "answered") return undefined;
    reply = decodeDryRunReply(answer.payload);
  }
  return reply.status === "unavailable" && reply.unreadable === undefined ? undefined : reply;
}

async function ofStored(
  options: DryRunsOptions,
  partition: number,
  { actor, input, outputs }: DryRunRequest,
): Promise<DryRunReply> {
  const { clock, definition, find } = options;
  try {
    const parking = await find(actor);
    if (parking) return { status: "refused", code: "actor_parked", reason: parking.reason };
    const before = await storedState(options, partition, actor);
    return dryRun(definition, before, input, {
      actor,
      now: clock.now(),
      predict: ({ src }) => (outputs?.[src] === undefined ? undefined : { output: outputs[src] }),
    });
  } catch (error) {
    if (error instanceof Unavailable) return { status: "unavailable", reason: error.message };
    if (error instanceof MachineFault)
      return refusalOf(unreadableReply(unreadableKind(error), error.message, false));
    throw error;
  }
}

/**
 * What resuming an actor would do, from what is stored: nothing is applied to a parked actor, so its record is its
 * state on every node.
 */
export function resumeForecasts(
  options: Pick<DryRunsOptions, "subjects" | "partitions" | "definition" | "clock" | "journalOf" | "find">,
): ParkedActors["predictResume"] {
  const { clock, definition, find, journalOf, partitions } = options;
  return async (actor) => {
    const partition = partitionOf(actor, partitions);
    let snapshot: Snapshot | undefined;
    try {
      const parking = await find(actor);
      snapshot = await storedState(options, partition, actor);
      if (!snapshot) return { status: "not_found" };
      if (!parking) return { status: "not_parked", snapshot };
      const input = await inputOf(parking, journalOf(partition));
      if (!input) return { status: "open", snapshot };
      const context = { actor, now: clock.now(), predict: () => undefined };
      const outcome = dryRunOfInput(definition, snapshot, input, context);
      if (outcome.status === "refused") return { status: "parks_again", reason: outcome.reason, snapshot };
      // An input that no machine takes any more is passed over.
      return outcome.status === "predicted" ? outcome : { status: "open", snapshot };
    } catch (error) {
      if (error instanceof Unavailable) return { status: "unavailable", reason: error.message };
      if (error instanceof MachineFault)
        return { status: "parks_again", reason: error.message, ...(snapshot && { snapshot }) };
      throw error;
    }
  };
}

/** The input that parked the actor; undefined where there is none, and for the outcome of a call: it is made again. */
async function inputOf(
  { inbox, input }: Parking,
  journal: Pick<Journal, "readAt">,
): Promise<Input | undefined> {
  if (input?.kind === "timer") return input;
  const message = input?.kind === "event" && inbox > 0 ? await journal.readAt(inbox) : undefined;
  return message && readInput(message, SILENT)?.input;
}

/** As the leader has it. @throws Unavailable (retryable); MachineFault when this program cannot read it */
async function storedState(
  { definition, journalOf, subjects }: Pick<DryRunsOptions, "definition" | "journalOf" | "subjects">,
  partition: number,
  actor: string,
): Promise<Snapshot | undefined> {
  const journal = journalOf(partition);
  const record = subjects.record(partition, actor);
  const found = await journal.readLast(record);
  if (!found) return undefined;
  const facts = definition.facts ? [subjects.factsOf(partition, actor)] : [];
  const { last } = await journal.readLastTogether([record, ...facts], found.sequence);
  const others = [...last.values()].filter(({ subject }) => subject !== record);
  return headOf(definition, last.get(record) ?? found, newest(others)).snapshot;
}

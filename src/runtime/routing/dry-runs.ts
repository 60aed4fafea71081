/**
 * Dry runs from any node. The owner predicts from what it has acknowledged. Where no owner answers, this node
 * predicts from what is stored: nothing is under way in a partition without an owner, and the answer says so.
 * Owns nothing. A crash leaves nothing: nothing is written.
 * Proved by: test/unit/runtime/routing/dry-runs.test.ts, test/integration/nodes/dry-runs.test.ts
 */
import { dryRun } from "../actor/dry-run.ts";
import type { Parking } from "../actor/parking-record.ts";
import { MachineFault } from "../actor/machine.ts";
import type { DryRunReply, DryRuns } from "../actors.ts";
import { type Connectivity, ISOLATED } from "../cluster/connectivity.ts";
import type { ActorDefinition } from "../definition.ts";
import { type Bus, type Clock, type Journal, Unavailable } from "../ports.ts";
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
  readonly journalOf: (partition: number) => Pick<Journal, "readLast" | "readLastTogether">;
  readonly local: (partition: number) => { dryRun(request: DryRunRequest): Promise<DryRunReply> } | undefined;
  /** The actor's parking, if it is parked. @throws Unavailable (retryable) */
  readonly find: (actor: string) => Promise<Parking | undefined>;
};

/** An owner that has to read the actor first answers within this time; then this node reads it itself, ms. */
const OWNER_MS = 1500;

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

/** As the leader has it. @throws Unavailable (retryable); MachineFault when this program cannot read it */
async function storedState(
  { definition, journalOf, subjects }: DryRunsOptions,
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

/**
 * Whether the cluster works, measured by work: each node reads an order that does not exist in every partition, through
 * the same way as any request. The answer needs an owner that is there, its lock, and its log.
 * Owns: the results.  Does not own: readiness, which is about one node.
 * Invariants
 *   partition-probes.P1. A partition answers when the newest probe of it was answered, whatever the answer says.
 *   partition-probes.P2. One line is logged when partitions stop answering, and one when they answer again.
 * Proved by: test/unit/nodes/partition-probes.test.ts, test/fault/forged-locks.test.ts
 */
import type { ActorReply } from "../../src/runtime/actors.ts";
import type { Clock, Log } from "../../src/runtime/ports.ts";
import { Semaphore } from "../../src/runtime/semaphore.ts";
import { partitionOf } from "../../src/runtime/subjects.ts";

/** What probes need of their node. */
export type PartitionProbesOptions = {
  readonly partitions: number;
  /** Reads an order; `unavailable` when no owner has answered in time. Never rejects. */
  readonly read: (id: string) => Promise<ActorReply>;
  /** This node itself cannot reach the others: it learns nothing about them. */
  readonly isolated: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
};

/** The newest probe of one partition. */
export type ProbeResult = {
  readonly partition: number;
  /** `undefined` before its first probe has ended, and when this node was isolated. */
  readonly answers: boolean | undefined;
};

/** Pause between two rounds, ms. A request waits for an owner for seconds before it fails, so one failure counts. */
const EVERY_MS = 10_000;
/** With many partitions a round takes longer: at least this time for each, ms. */
const PER_PARTITION_MS = 20;
const PROBES_AT_ONCE = 8;

/** See the top of the file. */
export class PartitionProbes {
  private readonly options: PartitionProbesOptions;
  private readonly ids: readonly string[];
  private readonly answers: (boolean | undefined)[];
  private readonly places = new Semaphore(PROBES_AT_ONCE);
  private cancel: () => void = () => {};
  private stopped = false;

  constructor(options: PartitionProbesOptions) {
    this.options = options;
    this.ids = probeIds(options.partitions);
    this.answers = this.ids.map(() => undefined);
  }

  /** Begins the first round, and the others after pauses. */
  start(): void {
    void this.round();
  }

  /** Ends the rounds. Probes under way are ignored. */
  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  /** The newest result of every partition, by number. */
  results(): readonly ProbeResult[] {
    return this.answers.map((answers, partition) => ({ partition, answers }));
  }

  private async round(): Promise<void> {
    const { clock, isolated, partitions } = this.options;
    const before = [...this.answers];
    const reasons = await Promise.all(this.ids.map((id) => this.places.run(() => this.probe(id))));
    if (this.stopped) return;
    for (const [partition, reason] of reasons.entries())
      this.answers[partition] = isolated() ? undefined : reason === undefined;
    this.report(before, reasons);
    const pauseMs = Math.max(EVERY_MS, partitions * PER_PARTITION_MS);
    this.cancel = clock.after(pauseMs, () => void this.round());
  }

  /** Why it was not answered. */
  private async probe(id: string): Promise<string | undefined> {
    if (this.stopped) return undefined;
    const reply = await this.options.read(id);
    return reply.status === "unavailable" ? reply.reason : undefined;
  }

  private report(before: readonly (boolean | undefined)[], reasons: readonly (string | undefined)[]): void {
    const { log } = this.options;
    const changed = (wanted: boolean): number[] =>
      this.answers.flatMap((answers, partition) =>
        answers === wanted && answers !== (before[partition] ?? true) ? [partition] : [],
      );
    const silent = changed(false);
    const back = changed(true);
    if (silent.length > 0)
      log.warn({ partitions: silent, reason: reasons[silent[0] ?? 0] }, "partitions do not answer");
    if (back.length > 0) log.info({ partitions: back }, "partitions answer again");
  }
}

/** For each partition an id of an order that no caller can have placed. */
function probeIds(partitions: number): readonly string[] {
  const ids = new Map<number, string>();
  for (let number = 0; ids.size < partitions; number++) {
    const id = `probe-${number}`;
    const partition = partitionOf(id, partitions);
    if (!ids.has(partition)) ids.set(partition, id);
  }
  return Array.from({ length: partitions }, (_, partition) => ids.get(partition) ?? "");
}

/**
 * Writes the checkpoints of a node's open partitions, again and again.
 * Owns: when a checkpoint is written.  Does not own: what it says (checkpoint.ts, the tenure).
 * Invariants
 *   checkpoint-writer.C1. At most one write of a node is under way; a failed one ends the round, and the next round
 *   repeats it.
 * A crash leaves the last checkpoints: the next owner replays from there.
 */
import type { Clock, Log } from "../ports.ts";
import type { Partition } from "./partition.ts";

/** What the loop needs of its node. */
export type CheckpointWriterOptions = {
  readonly partitions: readonly Pick<Partition, "isOpen" | "writeCheckpoint">[];
  readonly clock: Clock;
  readonly log: Log;
  /** Pause between two rounds, ms. */
  readonly everyMs: number;
};

/** The loop of one node, from `start` to `stop`. */
export class CheckpointWriter {
  private readonly options: CheckpointWriterOptions;
  private stopped = false;

  constructor(options: CheckpointWriterOptions) {
    this.options = options;
  }

  start(): void {
    void this.run();
  }

  stop(): void {
    this.stopped = true;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      await this.options.clock.sleep(this.options.everyMs);
      await this.round();
    }
  }

  private async round(): Promise<void> {
    for (const partition of this.options.partitions) {
      if (this.stopped) return;
      if (!partition.isOpen()) continue;
      try {
        await partition.writeCheckpoint();
      } catch (error) {
        this.options.log.debug({ err: error }, "checkpoint not written; the next round repeats it");
        return;
      }
    }
  }
}

/**
 * What a benchmark has started, ended whatever becomes of the benchmark.
 * Owns: the list of what to end.  Does not own: how each thing ends.
 * Invariants
 *   S1. Everything handed over is ended exactly once, the newest first.
 *   S2. One end that fails keeps none of the others from ending.
 */
import type { Commented } from "../test/support/cluster/lifetime.ts";

/** A lifetime for processes, servers and folders of one benchmark. */
export class Stage implements Commented {
  private ends: (() => unknown)[] = [];
  private ended: Promise<void> | undefined;

  /** Handed over too late, it is ended at once. */
  teardown(end: () => unknown): void {
    if (this.ended === undefined) this.ends.push(end);
    else void attempt(end);
  }

  /** Why a benchmark failed is told by itself. */
  passing(): boolean {
    return true;
  }

  comment(): void {}

  /** A stage that ends with this one at the latest. */
  inner(): Stage {
    const inner = new Stage();
    this.teardown(() => inner.end());
    return inner;
  }

  /** Ends everything. Idempotent; never rejects. */
  end(): Promise<void> {
    this.ended ??= this.endAll();
    return this.ended;
  }

  private async endAll(): Promise<void> {
    for (const end of this.ends.toReversed()) await attempt(end);
    this.ends = [];
  }
}

async function attempt(end: () => unknown): Promise<void> {
  try {
    await end();
  } catch (error) {
    process.stderr.write(`while ending: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

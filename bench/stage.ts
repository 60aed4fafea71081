/**
 * Everything that a benchmark has started; it is ended whatever the outcome of the benchmark.
 * Owns: the list of things to end.  Does not own: how each of them ends.
 * Invariants
 *   stage.S1. Every registered thing is ended exactly once, the newest first.
 *   stage.S2. A failing end does not prevent the others.
 */
import type { Commented } from "../test/support/cluster/lifetime.ts";

/** A lifetime for processes, servers and folders of one benchmark. */
export class Stage implements Commented {
  private ends: (() => unknown)[] = [];
  private ended: Promise<void> | undefined;

  /** Registers a thing to end. After the stage's end it is ended at once. */
  teardown(end: () => unknown): void {
    if (this.ended === undefined) this.ends.push(end);
    else void attempt(end);
  }

  /** A failed benchmark reports its reason itself. */
  passing(): boolean {
    return true;
  }

  /** Benchmarks print no comments. */
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

/**
 * Writes the node's outbox for its relays. When the disk is full or fails, all writes stop until the outbox accepts
 * them again. The writer probes that by itself.
 * Owns: whether the outbox refuses, and rows whose deletion it refused.  Does not own: write sets.
 * Invariants
 *   outbox.D1. A refused write leaves nothing in the outbox, not even in part.
 *   outbox.D2. While the outbox refuses, the writer writes only probes, one every `PROBE_EVERY_MS`.
 *   outbox.D3. A row whose deletion was refused is deleted before anything else is written.
 * Proved by: test/unit/runtime/commit/outbox-writer.test.ts, relay.test.ts, test/fault/disk-full.test.ts,
 *   disk-locked.test.ts
 */
import type { Clock, Log, Outbox, OutboxRow } from "../ports.ts";

const PROBE_EVERY_MS = 500;
const PROBE = "probe";
/** As large as the write set of a busy actor: a few free bytes are not enough room. */
const PROBE_BYTES = 64 * 1024;

/** See the top of the file. One for all relays of a node. */
export class OutboxWriter {
  private readonly outbox: Outbox;
  private readonly clock: Clock;
  private readonly log: Log;
  private refusing = false;
  private stopped = false;
  private rows: string[] = [];
  private readonly listeners: (() => void)[] = [];

  constructor(options: { readonly outbox: Outbox; readonly clock: Clock; readonly log: Log }) {
    this.outbox = options.outbox;
    this.clock = options.clock;
    this.log = options.log;
  }

  /** True while the outbox accepts no writes. `onWritable` notifies when that ends. */
  isRefusing(): boolean {
    return this.refusing;
  }

  /** Calls the listener each time the outbox accepts writes again. */
  onWritable(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Writes all rows in one transaction. False: refused, and nothing is written. */
  write(rows: readonly OutboxRow[]): boolean {
    if (this.refusing) return false;
    try {
      this.outbox.write(rows);
      return true;
    } catch (error) {
      this.refused(error, rows.length);
      return false;
    }
  }

  /** Deletes rows of resolved write sets; later, if the outbox refuses. No process believes rows after a restart. */
  forget(commits: readonly string[]): void {
    this.rows.push(...commits);
    if (this.refusing) return;
    try {
      this.clear();
    } catch (error) {
      this.refused(error, commits.length);
    }
  }

  /** Ends the probes. */
  stop(): void {
    this.stopped = true;
  }

  private clear(): void {
    this.outbox.remove(this.rows);
    this.rows = [];
  }

  private refused(error: unknown, writeSets: number): void {
    this.log.error(
      { err: error, units: writeSets },
      "local store refuses writes: the node accepts no new work",
    );
    this.refusing = true;
    this.probeLater();
  }

  private probeLater(): void {
    this.clock.after(PROBE_EVERY_MS, () => {
      if (this.stopped) return;
      try {
        this.clear();
        this.outbox.write([probeRow()]);
        this.rows.push(PROBE);
        this.clear();
      } catch (error) {
        this.log.debug({ err: error }, "local store still refuses writes");
        this.probeLater();
        return;
      }
      this.refusing = false;
      this.log.info({}, "local store accepts writes again");
      for (const listener of this.listeners) listener();
    });
  }
}

function probeRow(): OutboxRow {
  return { commit: PROBE, messages: [{ subject: PROBE, payload: "x".repeat(PROBE_BYTES) }] };
}

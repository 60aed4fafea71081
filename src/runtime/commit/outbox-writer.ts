/**
 * The node's outbox as the relays use it: a disk that is full or fails stops the node's writes until it takes them
 * again, which is tried without anybody's request.
 * Owns: whether the outbox is refusing, rows to be deleted that it would not delete.  Does not own: units.
 * Invariants
 *   D1. What was refused is not in the outbox, not even in part.
 *   D2. While the outbox refuses nothing is written to it but probes, one every `PROBE_EVERY_MS`.
 *   D3. A row whose deletion was refused is deleted before anything else is written.
 * Proved by: test/unit/runtime/commit/outbox-writer.test.ts, relay.test.ts, test/fault/disk-full.test.ts, disk-locked.test.ts
 */
import type { Clock, Log, Outbox, OutboxRow } from "../ports.ts";

const PROBE_EVERY_MS = 500;
const PROBE = "probe";
/** As large as a busy order's unit: a few free bytes are no room. */
const PROBE_BYTES = 64 * 1024;

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

  /** Nothing can be written for now; `onWritable` tells the end of it. */
  isRefusing(): boolean {
    return this.refusing;
  }

  onWritable(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** One transaction. False: refused, nothing is written. */
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

  /** Deletes rows whose fate is known; later, when the outbox refuses: nothing in it is believed after a restart. */
  forget(commits: readonly string[]): void {
    this.rows.push(...commits);
    if (this.refusing) return;
    try {
      this.clear();
    } catch (error) {
      this.refused(error, commits.length);
    }
  }

  stop(): void {
    this.stopped = true;
  }

  private clear(): void {
    this.outbox.remove(this.rows);
    this.rows = [];
  }

  private refused(error: unknown, writeSets: number): void {
    this.log.error({ err: error, units: writeSets }, "local store refuses writes: no new work is taken");
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
      this.log.info({}, "local store takes writes again");
      for (const listener of this.listeners) listener();
    });
  }
}

function probeRow(): OutboxRow {
  return { commit: PROBE, messages: [{ subject: PROBE, payload: "x".repeat(PROBE_BYTES) }] };
}

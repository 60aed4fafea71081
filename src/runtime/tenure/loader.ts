/**
 * Brings actors into memory: reads the last record, believes no reading that may be older than what this owner or one
 * before it has written, tries again while somebody needs the actor.
 * Owns: the reads under way.  Does not own: which cell is current, what waits in a mailbox.
 * Invariants
 *   L1. A state that was read contains every record of earlier owners: the log it was read from reaches this owner's
 *       lock entry, and behind it nobody else can write. A decision on it may therefore be final without a write.
 *   L2. It contains every record of this owner: known by its sequence, or at or below what has been forgotten.
 * Proved by: test/unit/runtime/tenure/old-readings.test.ts, test/unit/runtime/partition/partition.test.ts, test/unit/runtime/tenure/unreadable.test.ts
 */
import { subjects } from "../../../config/subjects.ts";
import { type Head, restore } from "../actor/cascade.ts";
import { type Cell, isCalled } from "./activation.ts";
import type { Crash } from "../failpoints.ts";
import type { ActorDefinition } from "../definition.ts";
import { readRecord, type Snapshot } from "../actor/snapshot.ts";
import type { Lane } from "../semaphore.ts";
import { MachineFault } from "../actor/machine.ts";
import { pause } from "../pause.ts";
import { Behind, type Clock, type Journal, type Log, type StoredMessage, Unavailable } from "../ports.ts";
import type { Residents } from "./activation-cache.ts";
import type { LockRef } from "../commit/write-set.ts";

export type LoaderOptions = {
  readonly definition: ActorDefinition;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly partition: number;
  /** The lock under which is read. */
  readonly lock: LockRef;
  readonly cells: Residents;
  /** Bounds the reads under way. */
  readonly lane: Lane;
  readonly ended: () => boolean;
  /** The cell has its state: its open effects may run. Called before anything else happens to it. */
  readonly onState: (cell: Cell) => void;
  /** A load that was begun here has ended, well or not; the mailbox may be drained when `cell.loaded`. */
  readonly onEnd: (cell: Cell) => void;
  /** This node cannot read the actor's state, now or later. */
  readonly onUnreadable: (cell: Cell, error: MachineFault) => void;
  readonly crash?: Crash | undefined;
};

const RETRY_MS = 250;
/** A replica comes on within a heartbeat of its leader, a second; of three, one is the leader. */
const ASK_TRIES = 10;
const ASK_PAUSE_MS = 10;
const LONGEST_ASK_PAUSE_MS = 200;

export class Loader {
  private readonly options: LoaderOptions;
  private readonly readings = new Map<string, Promise<StoredMessage | undefined>>();

  constructor(options: LoaderOptions) {
    this.options = options;
  }

  /** Loads the cell unless it is loaded, being loaded, or units are under way that will change it. */
  async load(cell: Cell): Promise<void> {
    if (this.options.ended() || cell.loaded || cell.loading || cell.held || cell.ghosts > 0) return;
    cell.loading = true;
    try {
      await this.fetch(cell, 0);
    } catch (error) {
      cell.loading = false;
      this.failed(cell, error);
      return;
    }
    cell.loading = false;
    this.options.onEnd(cell);
  }

  /** Loads later, and keeps the cell from being loaded until then. */
  loadAfterPause(cell: Cell): void {
    if (cell.loading) return;
    cell.loading = true;
    this.options.clock.after(RETRY_MS, () => {
      cell.loading = false;
      void this.load(cell);
    });
  }

  /**
   * Reads the stored state; the cell takes it unless it has one, or something under way will change it.
   * @throws Unavailable (retryable), MachineFault
   */
  async fetch(cell: Cell, atLeast: number): Promise<Snapshot | undefined> {
    const { cells } = this.options;
    const { head, sequence } = await this.stored(cell.actor, Math.max(atLeast, cells.knownSequence(cell)));
    const taken = cell.loaded || cell.held || cell.ghosts > 0 || !cells.isCurrent(cell);
    if (this.options.ended() || taken || sequence < cell.sequence) return head?.snapshot;
    cell.head = head;
    cell.acked = head?.snapshot;
    cell.sequence = sequence;
    cell.loaded = true;
    cell.wanted = false;
    this.options.onState(cell);
    return head?.snapshot;
  }

  /** The stored state, for nobody's cell. @throws Unavailable (retryable), MachineFault */
  async stored(
    actor: string,
    atLeast: number,
  ): Promise<{ readonly head: Head | undefined; readonly sequence: number }> {
    const { crash, definition } = this.options;
    crash?.("loader.read", "before");
    const stored = await this.record(actor);
    crash?.("loader.read", "after");
    const sequence = stored?.sequence ?? 0;
    if (sequence < atLeast) {
      throw new Unavailable(`the reading of ${actor} is older than what is known of it`);
    }
    return { head: stored && headOf(definition, stored), sequence };
  }

  /** One reading of an actor at a time: whoever repeats a request meanwhile shares it. */
  private record(actor: string): Promise<StoredMessage | undefined> {
    const { lane, partition } = this.options;
    const under = this.readings.get(actor);
    if (under) return under;
    const reading = lane
      .run(() => this.lastOf(subjects.record(partition, actor)))
      .finally(() => this.readings.delete(actor));
    this.readings.set(actor, reading);
    return reading;
  }

  /**
   * The last message of a subject of this partition; none of an earlier owner's time is missed. A replica that is behind
   * is asked again soon. @throws Unavailable (retryable)
   */
  async lastOf(subject: string): Promise<StoredMessage | undefined> {
    const { cells, clock, ended, journal, lock } = this.options;
    for (let tried = 1; ; tried++) {
      const through = Math.max(lock.epoch, cells.forgottenThrough());
      try {
        // The lock's own subject certainly has a message.
        const { last } = await journal.readLastTogether([subject, lock.subject], through);
        return last.get(subject);
      } catch (error) {
        if (!(error instanceof Behind) || tried === ASK_TRIES || ended()) throw error;
      }
      await pause(clock, Math.min(ASK_PAUSE_MS * 2 ** (tried - 1), LONGEST_ASK_PAUSE_MS));
    }
  }

  private failed(cell: Cell, error: unknown): void {
    const { cells, clock, log } = this.options;
    if (this.options.ended() || cell.loaded || !cells.isCurrent(cell)) return;
    log.warn({ err: error, actor: cell.actor }, "actor could not be loaded");
    if (error instanceof MachineFault) {
      this.options.onUnreadable(cell, error);
      return;
    }
    for (const work of cell.mailbox.splice(0)) {
      if (isCalled(work)) work.reply({ status: "unavailable", reason: "the order could not be read" });
      else cell.mailbox.push(work);
    }
    if (cell.mailbox.length > 0 || cell.wanted) clock.after(RETRY_MS, () => void this.load(cell));
    else cells.delete(cell.actor);
  }
}

/** @throws MachineFault: whatever is wrong with a record is wrong for good. */
function headOf(definition: ActorDefinition, { payload, sequence }: StoredMessage): Head {
  const record = readRecord(payload);
  if (!record) throw new MachineFault(`the record at ${sequence} is no record`);
  try {
    return restore(definition, record.snapshot);
  } catch (cause) {
    if (cause instanceof MachineFault) throw cause;
    throw new MachineFault(`the record at ${sequence} cannot be read: ${String(cause)}`, { cause });
  }
}

/**
 * Brings actors into memory: reads the last record, believes no reading that is older than what is known, tries
 * again while somebody needs the actor.
 * Owns: the reads under way.  Does not own: which cell is current, what waits in a mailbox.
 */
import { subjects } from "../../config/subjects.ts";
import { type Head, restore } from "./cascade.ts";
import { type Cell, isCalled } from "./cell.ts";
import type { Crash } from "./crash-points.ts";
import type { ActorDefinition } from "./definition.ts";
import type { ActorRecord, Snapshot } from "./envelope.ts";
import type { Lane } from "./lane.ts";
import { MachineFault } from "./machine.ts";
import { type Clock, type Journal, type Log, type StoredMessage, Unavailable } from "./ports.ts";
import type { Residents } from "./residents.ts";

export type LoaderOptions = {
  readonly definition: ActorDefinition;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly partition: number;
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
    return { head: stored && restore(definition, snapshotOf(stored)), sequence };
  }

  /** One reading of an actor at a time: whoever repeats a request meanwhile shares it. */
  private record(actor: string): Promise<StoredMessage | undefined> {
    const { journal, lane, partition } = this.options;
    const under = this.readings.get(actor);
    if (under) return under;
    const reading = lane
      .run(() => journal.readLast(subjects.record(partition, actor)))
      .finally(() => this.readings.delete(actor));
    this.readings.set(actor, reading);
    return reading;
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

function snapshotOf({ payload, sequence }: StoredMessage): Snapshot {
  try {
    return (JSON.parse(payload) as ActorRecord).snapshot;
  } catch (cause) {
    throw new MachineFault(`the record at ${sequence} is no record`, { cause });
  }
}

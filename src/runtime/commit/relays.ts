/**
 * The relays of one node, one for each stream, as one sink over one outbox.
 * Owns: which relay gets a write set.  Does not own: queues and batches, which belong to the relays.
 * Invariants
 *   relays.S1. All locks of a write set are in one stream. Any other write set is a programmer fault and is rejected:
 *       the server would wait in each stream for the rest of the batch, and the relay would repeat it forever.
 * Proved by: test/unit/runtime/commit/relays.test.ts
 */
import { DurationHistogram, type HistogramState } from "../duration-histogram.ts";
import type { Subjects } from "../subjects.ts";
import { type CommitMs, CommitTimes } from "./commit-times.ts";
import { OutboxWriter } from "./outbox-writer.ts";
import type { Journal, Outbox } from "../ports.ts";
import { Relay, type RelayOptions, type RelayState } from "./relay.ts";
import type { WriteSet, WriteSetSink } from "./write-set.ts";

/** See the top of the file. */
export class Relays implements WriteSetSink {
  /** By number of the stream. */
  readonly all: readonly Relay[];
  private readonly store: OutboxWriter;
  private readonly subjects: Subjects;
  private readonly times: CommitTimes;
  private readonly durations = new DurationHistogram();

  /** @param journals of every stream, by its number */
  constructor(
    journals: readonly Journal[],
    options: Omit<RelayOptions, "journal" | "store" | "onStored"> & { readonly outbox: Outbox },
  ) {
    this.subjects = options.subjects;
    this.times = new CommitTimes(options.clock);
    // One file: when it refuses the writes of one relay, it refuses all.
    this.store = new OutboxWriter(options);
    const { store } = this;
    const onStored = (ms: number): void => {
      this.durations.observe(ms);
      this.times.count(ms);
    };
    this.all = journals.map((journal) => new Relay({ ...options, onStored, journal, store }));
  }

  /** @throws Error for a write set whose locks are not all in one stream of this node: programmer fault */
  submit(writeSet: WriteSet): void {
    const streams = new Set(writeSet.locks.map((lock) => this.subjects.lockParts(lock.subject).stream));
    const [stream] = streams;
    const relay = stream === undefined ? undefined : this.all[stream];
    if (streams.size !== 1 || !relay) {
      throw new Error(`write set ${writeSet.commit} has locks in the streams ${[...streams].join(", ")}`);
    }
    relay.submit(writeSet);
  }

  /** The state of all relays together. */
  state(): RelayState {
    const states = this.all.map((relay) => relay.state());
    const sum = (pick: (state: RelayState) => number): number =>
      states.reduce((total, state) => total + pick(state), 0);
    return {
      depth: sum(({ depth }) => depth),
      oldestMs: Math.max(...states.map(({ oldestMs }) => oldestMs)),
      answered: states.every(({ answered }) => answered),
      storeRefuses: this.store.isRefusing(),
      noRoom: states.find(({ noRoom }) => noRoom !== undefined)?.noRoom,
      batches: sum(({ batches }) => batches),
      writeSets: sum(({ writeSets }) => writeSets),
    };
  }

  /** How long the newest commits took. Sorts them: not for each request. */
  commitMs(): CommitMs {
    return this.times.recent();
  }

  /** How long stored write sets took, from their submission to the server's acknowledgement. */
  commitDurations(): HistogramState {
    return this.durations.state();
  }

  /** Stops all relays; see `Relay.stop`. */
  stop(): void {
    this.store.stop();
    for (const relay of this.all) relay.stop();
  }
}

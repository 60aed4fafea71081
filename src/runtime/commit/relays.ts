/**
 * The relays of one node, one for each stream, as one sink over one outbox.
 * Owns: which relay a unit goes to.  Does not own: queues and batches, which are the relays'.
 * Invariants
 *   S1. A unit is of one stream, that of all its locks. Another one is a fault of the program and is not taken: the
 *       server would wait for the rest of its batch in either stream, and the relay repeat it for ever.
 * Proved by: test/unit/runtime/commit/relays.test.ts
 */
import { lockParts } from "../subjects.ts";
import { OutboxWriter } from "./outbox-writer.ts";
import type { Journal, Outbox } from "../ports.ts";
import { Relay, type RelayOptions, type RelayState } from "./relay.ts";
import type { WriteSet, WriteSetSink } from "./write-set.ts";

export class Relays implements WriteSetSink {
  /** By stream. */
  readonly all: readonly Relay[];
  private readonly store: OutboxWriter;

  /** @param journals of every stream, by its number */
  constructor(
    journals: readonly Journal[],
    options: Omit<RelayOptions, "journal" | "store"> & { readonly outbox: Outbox },
  ) {
    // One file: what refuses one relay's writes refuses all.
    this.store = new OutboxWriter(options);
    this.all = journals.map((journal) => new Relay({ ...options, journal, store: this.store }));
  }

  /** @throws for a unit whose locks are not all in one stream of this node: a fault of the program */
  submit(writeSet: WriteSet): void {
    const streams = new Set(writeSet.locks.map((lock) => lockParts(lock.subject).stream));
    const [stream] = streams;
    const relay = stream === undefined ? undefined : this.all[stream];
    if (streams.size !== 1 || !relay) {
      throw new Error(`unit ${writeSet.commit} is of the streams ${[...streams].join(", ")}`);
    }
    relay.submit(writeSet);
  }

  /** Of the node as a whole. */
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

  stop(): void {
    this.store.stop();
    for (const relay of this.all) relay.stop();
  }
}

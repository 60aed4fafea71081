/**
 * A log and a relay in memory for tests of the inventory: they store, delay or drop write sets at the test's command,
 * and check fences as the server does. Reads can be made stale.
 */
import {
  type AppendResult,
  type Clock,
  type Ids,
  type Journal,
  type Message,
  ReplicaLagging,
  ServerCode,
  type StoredMessage,
} from "../../../../src/runtime/ports.ts";
import type { Aggregator } from "../../../../src/runtime/definition.ts";
import type { Outcome, WriteSet, WriteSetSink } from "../../../../src/runtime/commit/write-set.ts";

/** The stream. */
export class FakeLog {
  readonly messages: StoredMessage[] = [];
  /** Reads see nothing from this sequence on; 0: everything. */
  readsBefore = 0;
  /** The list of subjects comes from a server whose log ends before this sequence; 0: from one that has everything. */
  listsBefore = 0;
  reads = 0;

  last(subject: string, before = 0): StoredMessage | undefined {
    return this.messages.findLast((m) => m.subject === subject && (before === 0 || m.sequence < before));
  }

  fits(fence: { subject: string; sequence: number }): boolean {
    return (this.last(fence.subject)?.sequence ?? 0) === fence.sequence;
  }

  store(message: Message): number {
    const sequence = this.messages.length + 1;
    const { subject, payload, headers = {} } = message;
    this.messages.push({ subject, payload, headers, sequence, at: sequence });
    return sequence;
  }

  readonly journal: Journal = {
    append: async (messages): Promise<AppendResult> => {
      if (!messages.every(({ fence }) => !fence || this.fits(fence)))
        return { status: "rejected", code: ServerCode.wrongLastSequence, reason: "wrong last sequence" };
      let lastSequence = 0;
      for (const message of messages) lastSequence = this.store(message);
      return { status: "stored", lastSequence };
    },
    readLast: async (subject) => {
      this.reads++;
      return this.last(subject, this.readsBefore);
    },
    readLastTogether: async (subjects, through, upTo) => {
      this.reads++;
      const end = this.readsBefore === 0 ? this.messages.length : this.readsBefore - 1;
      const least = upTo ?? through;
      if (end < least) throw new ReplicaLagging(`the log reaches ${end}, not ${least}`);
      const before = upTo === undefined ? this.readsBefore : upTo + 1;
      const found = subjects.flatMap((subject) => this.last(subject, before) ?? []);
      const last = new Map(found.map((message) => [message.subject, message]));
      return { last, through: last.size === 0 ? 0 : end };
    },
    readLastPerSubject: async (filter, through = 0) => {
      const end = this.listsBefore === 0 ? this.messages.length : this.listsBefore - 1;
      if (end < through) throw new ReplicaLagging(`the log reaches ${end}, not ${through}`);
      const prefix = filter.slice(0, -1);
      const listed = this.messages.slice(0, end).filter((m) => m.subject.startsWith(prefix));
      return [...new Set(listed.map((m) => m.subject))].flatMap((subject) => {
        const found = this.last(subject, this.readsBefore);
        if (!found && through > 0) throw new ReplicaLagging(`${subject} is not there yet`);
        return found ?? [];
      });
    },
    time: () => Promise.reject(new Error("not needed here")),
    readAll: async (subject) => this.messages.filter((m) => m.subject === subject),
    state: () => Promise.reject(new Error("not needed here")),
    readAt: () => Promise.reject(new Error("not needed here")),
    consume: () => Promise.reject(new Error("not needed here")),
  };
}

/** Keeps write sets until the test decides their outcome, oldest first. */
export class FakeRelay implements WriteSetSink {
  readonly waiting: WriteSet[] = [];
  private readonly log: FakeLog;
  /** Stored, and not answered yet. */
  private unanswered: (() => void) | undefined;
  batches = 0;

  constructor(log: FakeLog) {
    this.log = log;
  }

  submit(writeSet: WriteSet): void {
    this.waiting.push(writeSet);
  }

  get inFlight(): boolean {
    return this.unanswered !== undefined;
  }

  /** Stores the oldest `count` write sets as one batch; drops those with a failed precondition or a lost lock. */
  publish(count: number): void {
    if (this.unanswered) return;
    const dropped: [WriteSet, Outcome][] = [];
    const taken = this.waiting.splice(0, count).filter((writeSet) => {
      const moved = !writeSet.locks.every(({ subject, epoch }) =>
        this.log.fits({ subject, sequence: epoch }),
      );
      const fenced = !writeSet.preconditions.every(({ subject, sequence }) =>
        this.log.fits({ subject, sequence: sequence ?? -1 }),
      );
      if (moved) dropped.push([writeSet, { status: "dropped", why: "lock_moved" }]);
      else if (fenced) dropped.push([writeSet, { status: "dropped", why: "fenced" }]);
      return !moved && !fenced;
    });
    const sequences = new Map<string, number>();
    const byAggregator = new Map<Aggregator, unknown[]>();
    for (const { messages, deltas = [] } of taken) {
      for (const message of messages) sequences.set(message.subject, this.log.store(message));
      for (const { aggregator, delta } of deltas)
        byAggregator.set(aggregator, [...(byAggregator.get(aggregator) ?? []), delta]);
    }
    for (const [aggregator, changes] of byAggregator)
      for (const message of aggregator.compose(changes)) this.log.store(message);
    const lastSequence = this.log.messages.length;
    this.batches++;
    this.unanswered = () => {
      this.unanswered = undefined;
      for (const [aggregator, changes] of byAggregator) aggregator.committed(changes);
      for (const writeSet of taken) writeSet.resolved({ status: "stored", sequences, lastSequence });
      for (const [writeSet, outcome] of dropped) writeSet.resolved(outcome);
    };
  }

  /** The server's answer to the batch in flight arrives. */
  answer(): void {
    this.unanswered?.();
  }

  /** Publishes and answers all that waits. */
  flush(): void {
    this.answer();
    while (this.waiting.length > 0) {
      this.publish(this.waiting.length);
      this.answer();
    }
  }

  drop(count: number, outcome: Exclude<Outcome, { status: "stored" }>): void {
    for (const writeSet of this.waiting.splice(0, count)) writeSet.resolved(outcome);
  }
}

/** Ids 1, 2, 3 ... with a prefix. */
export function countingIds(prefix: string): Ids {
  let count = 0;
  return { next: () => `${prefix}${++count}` };
}

/** Time passes only by `after`: each timer fires in the next round of the event loop, and moves the clock there. */
export function eagerClock(): Clock {
  let now = 0;
  const after = (delayMs: number, run: () => void) => {
    const due = now + delayMs;
    const timer = setImmediate(() => {
      now = Math.max(now, due);
      run();
    });
    return () => clearImmediate(timer);
  };
  return {
    now: () => now,
    monotonic: () => now,
    after,
    sleep: (delayMs) => new Promise((resolve) => void after(delayMs, resolve)),
    soon: (run) => void setImmediate(run),
  };
}

/** Lets all pending callbacks run. */
export async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

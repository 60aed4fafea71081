/**
 * A NATS server in one thread of memory, shared by the nodes of a simulated cluster, with controls for its faults.
 * Owns: the streams, the listeners of each subject, the connections.
 * Uses no clock, no randomness and no I/O except those it is given: the same calls give the same run.
 */
import { type Layout, streamSubjects } from "../../runtime/layout.ts";
import type { Clock } from "../../runtime/ports.ts";
import type { Subjects } from "../../runtime/subjects.ts";
import { MemoryLog } from "./log.ts";

/** One operation of a node, as the fault hook sees it. */
export type Operation = {
  readonly node: string;
  readonly kind: "append" | "read" | "bucket_write" | "bucket_read" | "request" | "time";
  /** First subject written, or the subject read; empty for the time. */
  readonly subject: string;
  /** Number of messages of an append or of a write to a bucket. */
  readonly messages?: number;
};

/** The faults of one operation. Several may be combined. */
export type Fault = {
  /** `request`: never arrives, nothing is stored. `answer`: done, but the node receives no answer. */
  readonly lose?: "request" | "answer";
  /** Arrives this much later, ms: perhaps after its sender has stopped waiting. */
  readonly delayMs?: number;
  /** The answer comes this much later, ms: perhaps after its sender has stopped waiting, or after later answers. */
  readonly answerDelayMs?: number;
  /** The answer comes once more, this much later, ms. */
  readonly repeatMs?: number;
  /** Reads: answered by a replica that misses this many of the stream's newest messages. */
  readonly staleBy?: number;
  /**
   * With `staleBy`, for a reading of all subjects that match: only these are read from that replica, the others from
   * the leader. A real server is asked for one subject after the other, and leadership may change meanwhile.
   */
  readonly isStale?: (subject: string) => boolean;
};

/** The server's configuration and its faults. */
export type MemoryServerOptions = {
  readonly clock: Clock;
  /** Names of the application that the server is for. */
  readonly subjects: Subjects;
  /** One stream for everything when absent. */
  readonly layout?: Layout;
  /** Called for every operation; a simulator draws from its seed here. */
  readonly faults?: (operation: Operation) => Fault | undefined;
  /** Delay of one direction through the network, ms. 0 by default. */
  readonly latencyMs?: () => number;
  /** How much later than others a node's consumers get what is stored now, ms. 0 by default. */
  readonly deliveryDelayMs?: (node: string) => number;
  /** Copies of each stream; more than 1 makes `replicationMs` count. */
  readonly replicas?: number;
  /** From the check of a write until it is stored, ms. 0 by default. */
  readonly replicationMs?: () => number;
  /** How much later than its time a schedule fires, ms. 100 by default. */
  readonly latenessMs?: () => number;
  /** Further KV buckets, besides the runtime's own and those with an age. */
  readonly buckets?: readonly string[];
  /** Life of the entries of a bucket, ms; unlimited for others. */
  readonly bucketAgeMs?: Readonly<Record<string, number>>;
  /** The server's limit for headers and payload of one message, bytes. 1 MiB by default. */
  readonly maxPayload?: number;
};

/** Takes a request and passes the answer to its second argument, unless the answer is lost. */
export type Listener = (payload: string, answer: (payload: string) => void) => void;

const DUPLICATE_WINDOW_MS = 2 * 60_000;

/** The server; see above. */
export class MemoryServer {
  readonly options: MemoryServerOptions;
  readonly layout: Layout;
  private readonly logs = new Map<string, MemoryLog>();
  /** Listeners by subject: each receives every request, and the first answer counts. */
  private readonly bySubject = new Map<string, Set<Listener>>();

  constructor(options: MemoryServerOptions) {
    this.options = options;
    this.layout = options.layout ?? { partitions: 1, streams: 1 };
    const { buckets = [], bucketAgeMs = {}, subjects } = options;
    for (const [stream, name] of subjects.streams(this.layout.streams).entries()) {
      const taken = streamSubjects(stream, this.layout, subjects);
      this.logs.set(name, this.logNamed(name, taken, Number.POSITIVE_INFINITY, 0));
    }
    const names = new Set([...Object.values(subjects.buckets), ...buckets, ...Object.keys(bucketAgeMs)]);
    for (const name of names) {
      const ageMs = bucketAgeMs[name] ?? 0;
      this.logs.set(`KV_${name}`, this.logNamed(`KV_${name}`, [`$KV.${name}.>`], 1, ageMs));
    }
  }

  /** The log of a stream. A lock bucket is in the log of its stream. */
  log(stream: string): MemoryLog {
    const log = this.logs.get(stream);
    if (log === undefined) throw new Error(`the server in memory has no stream ${stream}`);
    return log;
  }

  fault(operation: Operation): Fault {
    return this.options.faults?.(operation) ?? {};
  }

  latencyMs(): number {
    return this.options.latencyMs?.() ?? 0;
  }

  deliveryDelayMs(node: string): number {
    return this.options.deliveryDelayMs?.(node) ?? 0;
  }

  listen(subject: string, listener: Listener): () => void {
    const listeners = this.bySubject.get(subject) ?? new Set<Listener>();
    this.bySubject.set(subject, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.bySubject.get(subject) === listeners) this.bySubject.delete(subject);
    };
  }

  /** The listeners of the subject now. */
  listeners(subject: string): readonly Listener[] {
    return [...(this.bySubject.get(subject) ?? [])];
  }

  private logNamed(name: string, subjects: readonly string[], history: number, ageMs: number): MemoryLog {
    const { clock, replicas = 1, replicationMs = () => 0, latenessMs = () => 100 } = this.options;
    return new MemoryLog({
      id: `log-${name}`,
      clock,
      subjects,
      history,
      ageMs,
      duplicateWindowMs: ageMs === 0 ? DUPLICATE_WINDOW_MS : Math.min(ageMs, DUPLICATE_WINDOW_MS),
      replicated: replicas > 1,
      replicationMs: replicas > 1 ? replicationMs : () => 0,
      latenessMs,
    });
  }
}

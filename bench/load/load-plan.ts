/** The messages of the load generator's IPC channel, in both directions. Data only. */

/** The first message to the generator. */
export type LoadPlan = {
  /** HTTP ports of the nodes; caller i uses port i modulo their number. */
  readonly ports: readonly number[];
  readonly callers: number;
  /** Orders to place, repeatedly; the callers start spread over them. */
  readonly orders: readonly object[];
};

/** Requests one phase: every caller places one order after the other. */
export type PhaseRequest = { readonly durationMs: number };

/** The figures of one phase, the generator's answer. */
export type Phase = {
  /** Number of answers by outcome: `confirmed`, or status and problem code: `409 out_of_stock`. */
  readonly answers: Readonly<Record<string, number>>;
  /** From the first request to the last answer. */
  readonly elapsedMs: number;
  /** Of the `confirmed` answers, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** CPU time of the generator itself. */
  readonly cpuSeconds: number;
  /** Ids of some of the orders, spread over the phase. */
  readonly sampledIds: readonly string[];
  /** The first answer that was not `confirmed`, cut; empty when all were. */
  readonly firstOther: string;
};

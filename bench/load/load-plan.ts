/** What the load generator is told, and what it tells. Data only: both sides of its IPC channel. */

/** The first message. */
export type LoadPlan = {
  /** HTTP ports of the nodes; caller i talks to port i modulo their number. */
  readonly ports: readonly number[];
  readonly callers: number;
  /** Orders to be placed, over and over; the callers start spread over them. */
  readonly orders: readonly object[];
};

/** Asks for one phase: every caller places one order after the other. */
export type PhaseWish = { readonly durationMs: number };

export type Phase = {
  /** Answers by what they say: `confirmed`, or status and problem code: `409 out_of_stock`. */
  readonly answers: Readonly<Record<string, number>>;
  /** From the first request to the last answer. */
  readonly elapsedMs: number;
  /** Of the answers that say `confirmed`, ms. */
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

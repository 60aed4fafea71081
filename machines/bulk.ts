/**
 * One bulk operation: the same command to many orders, chunk by chunk. It remembers how far it has come and how many
 * orders had which outcome; the orders themselves and the outcome of each are stored beside it (src/services/bulk).
 */
import { assign, fromPromise, setup } from "xstate";

/** What an operation starts with. */
export type BulkInput = {
  readonly action: string;
  /** Why; recorded with every command. */
  readonly reason: string;
  /** Under which the list of orders is stored. */
  readonly selection: string;
  /** Orders of the list, and the chunks that they are in. */
  readonly count: number;
  readonly chunks: number;
};

/** What an operation remembers: its size does not depend on the number of orders. */
export type BulkContext = BulkInput & {
  /** The chunk that is sent now, or the next one; chunks before it are done. */
  readonly next: number;
  /** Orders of the chunks that are done, by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Tries in a row of the present chunk that have failed. */
  readonly failures: number;
  readonly isStopping: boolean;
};

/** The input of the effect `sendChunk`. `isLast`: what does not answer now gets an outcome that says so. */
export type SendChunk = Pick<BulkInput, "action" | "reason" | "selection"> & {
  readonly chunk: number;
  readonly isLast: boolean;
};

/** The output of the effect: orders of the chunk by outcome. */
export type ChunkSent = { readonly outcomes: Readonly<Record<string, number>> };

/** Tries of one chunk before it is sent for the last time: about three minutes without an answer. */
export const CHUNK_TRIES = 10;
/** The failure of a chunk whose orders are not stored any more. */
export const CHUNK_GONE = "chunk_gone";
const PAUSE_MS = 1_000;
const PAUSE_MAX_MS = 30_000;

const summed = (
  sum: Readonly<Record<string, number>>,
  more: Readonly<Record<string, number>>,
): Record<string, number> => {
  const outcomes: Record<string, number> = { ...sum };
  for (const [code, count] of Object.entries(more)) outcomes[code] = (outcomes[code] ?? 0) + count;
  return outcomes;
};

/** The chart. A stop takes effect between two chunks: what was sent has its outcome. */
export const bulkMachine = setup({
  types: {
    input: {} as BulkInput,
    context: {} as BulkContext,
    events: {} as { type: "stop" },
  },
  actors: {
    sendChunk: fromPromise<ChunkSent, SendChunk>(() => {
      throw new Error("run by the runtime");
    }),
  },
  delays: {
    pause: ({ context }) => Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** (context.failures - 1)),
  },
  guards: {
    isDone: ({ context }) => context.next >= context.chunks,
    isStopping: ({ context }) => context.isStopping,
    isRunning: ({ context }) => !context.isStopping,
  },
  actions: {
    noteStop: assign({ isStopping: true }),
    noteFailure: assign({ failures: ({ context }) => context.failures + 1 }),
  },
}).createMachine({
  id: "bulk",
  context: ({ input }) => ({
    action: input.action,
    reason: input.reason,
    selection: input.selection,
    count: input.count,
    chunks: input.chunks,
    next: 0,
    outcomes: {},
    failures: 0,
    isStopping: false,
  }),
  initial: "deciding",
  states: {
    deciding: {
      always: [
        { guard: "isDone", target: "completed" },
        { guard: "isStopping", target: "stopped" },
        { target: "sending" },
      ],
    },
    sending: {
      invoke: {
        id: "send",
        src: "sendChunk",
        input: ({ context: { action, failures, isStopping, next, reason, selection } }) => ({
          action,
          reason,
          selection,
          chunk: next,
          isLast: isStopping || failures >= CHUNK_TRIES,
        }),
        onDone: {
          target: "deciding",
          actions: assign({
            outcomes: ({ context, event }) => summed(context.outcomes, event.output.outcomes),
            next: ({ context }) => context.next + 1,
            failures: 0,
          }),
        },
        onError: [
          {
            guard: ({ event }) => (event.error as { code?: string } | undefined)?.code === CHUNK_GONE,
            target: "failed",
          },
          { target: "pausing", actions: "noteFailure" },
        ],
      },
      on: { stop: { guard: "isRunning", actions: "noteStop" } },
    },
    pausing: {
      after: { pause: "sending" },
      // Some orders of the chunk may have been reached: it is sent once more, and then has its outcomes.
      on: { stop: { guard: "isRunning", target: "sending", actions: "noteStop" } },
    },
    completed: {},
    stopped: {},
    failed: {},
  },
});

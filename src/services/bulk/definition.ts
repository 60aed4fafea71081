/**
 * Bulk operations as the runtime sees them: one machine, and the effect that sends a chunk of commands.
 * Owns: nothing between two chunks.  Does not own: the lists of orders and their outcomes (bulk-items.ts).
 * Invariants
 *   bulk.D1. Each order of an operation is reached once, whatever dies: its command has a key of its own.
 *   bulk.D2. What an operation counts is what is stored of its chunks: the outcomes of a chunk are stored before it
 *            counts, once.
 *   bulk.D3. At most `COMMANDS_PER_SECOND` commands a second: one owner sends for all operations, one chunk at a time.
 * Proved by: test/unit/services/bulk/definition.test.ts, test/fault/bulk.test.ts
 */
import { bulkMachine, CHUNK_GONE, type ChunkSent, type SendChunk } from "../../../machines/bulk.ts";
import { type ActorDefinition, EffectError } from "../../runtime/definition.ts";
import type { Clock } from "../../runtime/ports.ts";
import type { BulkItems } from "./bulk-items.ts";
import { countsOf } from "./chunks.ts";
import type { BulkAction } from "./contract.ts";
import type { Pacer } from "./pacer.ts";
import { type Item, type ItemReceivers, sendItem } from "./send-item.ts";

/** What the effects of bulk operations need of their node. */
export type BulkDefinitionOptions = {
  readonly items: Pick<BulkItems, "orders" | "outcomes" | "record">;
  readonly receivers: ItemReceivers;
  readonly pacer: Pick<Pacer, "next">;
  readonly clock: Pick<Clock, "sleep">;
  /** Takes the outcomes of a chunk, counted, once its outcomes are stored. */
  readonly tally?: (outcomes: Readonly<Record<string, number>>) => void;
};

/** Version of the definition and of its machine. */
export const BULK_VERSION = 1;
/** Of one chunk: to pace its commands takes half a second, and an order without an owner some seconds a try. */
const CHUNK_TIMEOUT_MS = 60_000;
/** Tries of one order within one try of its chunk. */
const ITEM_TRIES = 3;
const ITEM_PAUSE_MS = 500;
/** The outcome of an order that did not answer to the last try. It may have been reached. */
const NO_ANSWER = "unavailable";

/** The definition that the runtime hosts bulk operations with. */
export function bulkDefinition(options: BulkDefinitionOptions): ActorDefinition {
  return {
    version: BULK_VERSION,
    machines: { bulk: { machine: bulkMachine, version: BULK_VERSION } },
    listens: {},
    effects: {
      sendChunk: {
        provider: "orders",
        timeoutMs: CHUNK_TIMEOUT_MS,
        // The machine pauses between tries, and counts them.
        maxAttempts: 1,
        backoffMs: 0,
        run: ({ actor, input, signal }) => sendChunk(actor, input as SendChunk, signal, options),
      },
    },
    providers: { orders: { concurrency: 1 } },
    settled: () => true,
  };
}

/** Sends a chunk, unless it has its outcomes. @throws EffectError when some order gave no answer */
async function sendChunk(
  bulk: string,
  { action, chunk, isLast, reason, selection }: SendChunk,
  signal: AbortSignal,
  options: BulkDefinitionOptions,
): Promise<ChunkSent> {
  const { items } = options;
  const known = await items.outcomes(bulk, chunk);
  if (known) return { outcomes: countsOf(known) };
  const orders = await items.orders(selection, chunk);
  // While a leader changes, a reading may be old: only the last try is sure.
  if (!orders)
    throw isLast
      ? new EffectError("refused", CHUNK_GONE, `the orders of chunk ${chunk} are not stored any more`)
      : new EffectError("retryable", "chunk_missing", `the orders of chunk ${chunk} are not found`);
  const item = { bulk, action: action as BulkAction, reason };
  const outcomes = await Promise.all(orders.map((order) => sent({ ...item, order }, signal, options)));
  const open = outcomes.filter((outcome) => outcome === undefined).length;
  // A try that was abandoned says nothing about its orders, be it the last one.
  if (signal.aborted || (open > 0 && !isLast))
    throw new EffectError("retryable", "no_answer", `${open} orders of chunk ${chunk} gave no answer`);
  const stored = await items.record(
    bulk,
    chunk,
    outcomes.map((outcome) => outcome ?? NO_ANSWER),
  );
  const counts = countsOf(stored);
  options.tally?.(counts);
  return { outcomes: counts };
}

async function sent(
  item: Item,
  signal: AbortSignal,
  { clock, pacer, receivers }: BulkDefinitionOptions,
): Promise<string | undefined> {
  for (let tries = 1; ; tries++) {
    await pacer.next();
    // Another try, or another owner, goes on.
    if (signal.aborted) return undefined;
    const outcome = await sendItem(item, receivers);
    if (outcome !== undefined || tries === ITEM_TRIES || signal.aborted) return outcome;
    await clock.sleep(ITEM_PAUSE_MS * tries);
  }
}

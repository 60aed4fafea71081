/** The inventory as effects of an order: joins the order's own commit where possible, and sends requests otherwise. */
import {
  type EffectContext,
  EffectError,
  type EffectHandler,
  type Joined,
} from "../../runtime/definition.ts";
import type { OrderFacts } from "../../../machines/order-facts.ts";
import type { UnavailableResult } from "../unavailable.ts";
import type { InventoryClient } from "./client.ts";
import { isEndHoldInput, isReserveInput } from "./protocol.ts";
import type { InventoryShard } from "./shard.ts";

/** By the `src` of the machines' invokes. */
export type InventoryEffects = {
  readonly reserveInventory: EffectHandler;
  readonly releaseInventory: EffectHandler;
  readonly shipInventory: EffectHandler;
  readonly returnInventory: EffectHandler;
};

/**
 * Handlers for `reserveInventory` (ReserveRequest -> ReserveOutput), `releaseInventory` and `shipInventory`
 * (EndHoldInput -> EndHoldOutput), and `returnInventory` (EndHoldInput -> ReturnStockOutput). Naturally idempotent by
 * the order id, so they need no status query: a repeat finds the hold. A reservation fails after about ten seconds,
 * because a caller waits for it. The end of a hold, and its return, are retried for half a minute, longer than a
 * takeover of the inventory takes, before the machine gets `onError`.
 */
export function inventoryEffects(client: InventoryClient, shard: InventoryShard): InventoryEffects {
  return {
    reserveInventory: handler(
      shard,
      2,
      isReserveInput,
      (input, { signal, attempt, resumed }) =>
        client.reserve(input, { signal, fresh: attempt === 1 && !resumed }),
      (input, first) => shard.joinReserve(input, first),
      (input, first) => shard.predict.reserve(input, first),
    ),
    releaseInventory: handler(
      shard,
      6,
      isEndHoldInput,
      (input, { signal }) => client.release(input, { signal }),
      (input) => shard.joinRelease(input),
      (input) => shard.predict.release(input),
    ),
    shipInventory: handler(
      shard,
      6,
      isEndHoldInput,
      (input, { signal }) => client.ship(input, { signal }),
      (input) => shard.joinShip(input),
      (input) => shard.predict.ship(input),
    ),
    returnInventory: handler(
      shard,
      6,
      isEndHoldInput,
      (input, { signal }) => client.return(input, { signal }),
      (input) => shard.joinReturn(input),
      (input) => shard.predict.return(input),
    ),
  };
}

/** With the lines of the order. An input that version 4 of the machine has stored has them itself. */
function inputOf({
  facts,
  input,
}: {
  readonly facts?: object | undefined;
  readonly input: unknown;
}): unknown {
  const { lines = [] } = (facts ?? {}) as Partial<OrderFacts>;
  return { lines: lines.map(({ sku, quantity }) => ({ sku, quantity })), ...(input as object) };
}

/** A little more than the client's own deadline, so that the client's reason is the one reported. */
const TIMEOUT_MS = 6000;
const BACKOFF_MS = 50;

function handler<I>(
  { lock }: InventoryShard,
  maxAttempts: number,
  isInput: (input: unknown) => input is I,
  ask: (
    input: I,
    context: EffectContext,
  ) => Promise<{ readonly status: "ok"; readonly output: unknown } | UnavailableResult>,
  join: (input: I, first: boolean) => Joined | undefined,
  predict: (input: I, first: boolean) => { readonly output: unknown } | undefined,
): EffectHandler {
  return {
    provider: "inventory",
    timeoutMs: TIMEOUT_MS,
    maxAttempts,
    backoffMs: BACKOFF_MS,
    run: async (context) => {
      const input = inputOf(context);
      if (!isInput(input))
        throw new EffectError("refused", "invalid_input", "the input does not have the expected form");
      const reply = await ask(input, context);
      if (reply.status === "ok") return reply.output;
      if (reply.status === "refused") throw new EffectError("refused", reply.code, reply.reason);
      throw reply.status === "overloaded"
        ? new EffectError("retryable", "inventory_overloaded", "the inventory is overloaded")
        : new EffectError("retryable", "inventory_unavailable", reply.reason);
    },
    join: {
      lock,
      decide: (context) => {
        const input = inputOf(context);
        return isInput(input) ? join(input, context.first ?? false) : undefined;
      },
      predict: (context) => {
        const input = inputOf(context);
        const seen = isInput(input) ? predict(input, context.first ?? false) : undefined;
        return seen && { output: seen.output };
      },
    },
  };
}

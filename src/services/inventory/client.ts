/**
 * The inventory for any node: decides here when this node owns the shard, and sends requests to the owner otherwise.
 * Owns: which SKUs are known to exist and to be for sale.  Does not own: stock.
 * Every request is idempotent (order id, command id), so the client repeats unanswered ones until the deadline.
 */
import { inventorySubjects } from "./subjects.ts";
import { type Failpoints, failpoint } from "../../runtime/failpoints.ts";
import type { Bus, Clock, Ids } from "../../runtime/ports.ts";
import type { UnavailableResult } from "../unavailable.ts";
import { requestHash } from "../orders/order-id.ts";
import { adjustmentId, putId } from "./keyed-ids.ts";
import type {
  AdjustStock,
  EndHoldOutput,
  Inventory,
  MovementCursor,
  PutHow,
  PutStock,
  ReserveRequest,
  ReserveOutput,
  ReturnStockOutput,
  StockView,
} from "./contract.ts";
import { decideReserve } from "./rules.ts";
import {
  type Answer,
  INVALID_REQUEST,
  type InventoryReply,
  type InventoryRequest,
  MAX_MOVEMENTS,
  MAX_PAGE,
  type Operation,
  type Operations,
} from "./protocol.ts";
import type { InventoryShard } from "./shard.ts";

/** How long and how often a client tries. */
export type ClientLimits = {
  /** Limit of one request over the bus. Longer than a slow commit takes: a repeat waits for the first anyway. */
  readonly requestTimeoutMs: number;
  /** Limit of all tries of one call. */
  readonly deadlineMs: number;
  /** Pause before the second try; doubles up to `maxBackoffMs`. At least 1, which bounds the number of tries. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** SKUs remembered as known and for sale. */
  readonly knownSkus: number;
};

/** For a node in production: longer than a server restart, shorter than the default wait for an order. */
export const CLIENT_LIMITS: ClientLimits = {
  requestTimeoutMs: 2000,
  deadlineMs: 5000,
  backoffMs: 20,
  maxBackoffMs: 320,
  knownSkus: 100_000,
};

/** What a client needs of its node. */
export type ClientDependencies = {
  /** This node's shard, whether this node owns it at present or not. */
  readonly shard: InventoryShard;
  readonly number: number;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Derives ids from idempotency keys. Equal on all nodes and constant, see OrdersOptions. */
  readonly idempotencySecret: string;
  readonly limits: ClientLimits;
  readonly failpoints?: Failpoints | undefined;
};

/** Options of one call. */
export type Call = {
  /** Ends the call early, with `unavailable`. */
  readonly signal?: AbortSignal;
};

/** The contract's `Inventory`, and the three operations that orders use as effects. Outcomes are values. */
export class InventoryClient implements Inventory {
  private readonly dependencies: ClientDependencies;
  private readonly knownSkus = new Set<string>();

  constructor(dependencies: ClientDependencies) {
    this.dependencies = dependencies;
  }

  /** @param call.fresh see Operations.reserve; only the first try may set it. */
  reserve(
    input: ReserveRequest,
    call: Call & { readonly fresh?: boolean } = {},
  ): Promise<{ readonly status: "ok"; readonly output: ReserveOutput } | UnavailableResult> {
    const { orderId, lines } = input;
    const request: InventoryRequest<"reserve"> = { op: "reserve", orderId, lines };
    return this.request(call.fresh ? { ...request, fresh: true } : request, request, call.signal);
  }

  release(
    { orderId }: { readonly orderId: string },
    call: Call = {},
  ): Promise<{ readonly status: "ok"; readonly output: EndHoldOutput } | UnavailableResult> {
    const request: InventoryRequest<"release"> = { op: "release", orderId };
    return this.request(request, request, call.signal);
  }

  ship(
    { orderId }: { readonly orderId: string },
    call: Call = {},
  ): Promise<{ readonly status: "ok"; readonly output: EndHoldOutput } | UnavailableResult> {
    const request: InventoryRequest<"ship"> = { op: "ship", orderId };
    return this.request(request, request, call.signal);
  }

  /** Puts the pieces of a shipped order back into stock, once. */
  return(
    { orderId }: { readonly orderId: string },
    call: Call = {},
  ): Promise<{ readonly status: "ok"; readonly output: ReturnStockOutput } | UnavailableResult> {
    const request: InventoryRequest<"return"> = { op: "return", orderId };
    return this.request(request, request, call.signal);
  }

  async put(sku: string, stock: PutStock, how: PutHow = {}): ReturnType<Inventory["put"]> {
    const command = this.dependencies.ids.next();
    const { name, onHand, price, listed } = stock;
    const isWhole = name !== undefined && onHand !== undefined && price !== undefined;
    if (isWhole && listed === undefined && how.condition === undefined && how.key === undefined) {
      const request = { op: "put" as const, sku, stock: { name, onHand, price }, command };
      const reply = await this.request<"put">(request, request);
      return reply.status === "ok" ? reply.output : reply;
    }
    const request = { op: "putIf" as const, ...this.putIf(sku, stock, command, how) };
    const reply = await this.request<"putIf">(request, request);
    return reply.status === "ok" ? reply.output : this.unlessEarlier(reply);
  }

  async predictPut(sku: string, stock: PutStock, how: PutHow = {}): ReturnType<Inventory["predictPut"]> {
    const request = {
      op: "predictPut" as const,
      ...this.putIf(sku, stock, this.dependencies.ids.next(), how),
    };
    const reply = await this.request<"predictPut">(request, request);
    return reply.status === "ok" ? reply.output : this.unlessEarlier(reply);
  }

  private putIf(
    sku: string,
    stock: PutStock,
    command: string,
    { condition, key }: PutHow,
  ): Operations["putIf"]["input"] {
    const { idempotencySecret } = this.dependencies;
    return {
      sku,
      stock,
      command,
      ...(condition && { condition }),
      ...(key && {
        key: {
          id: putId(idempotencySecret, key.caller, key.idempotencyKey),
          request: requestHash({ sku, stock }),
        },
      }),
    };
  }

  async adjust(
    sku: string,
    adjustment: AdjustStock,
    call: { readonly idempotencyKey: string; readonly caller: string },
  ): ReturnType<Inventory["adjust"]> {
    const id = adjustmentId(this.dependencies.idempotencySecret, call.caller, call.idempotencyKey);
    const hash = requestHash({ sku, adjustment });
    const request = { op: "adjust" as const, sku, adjustment, id, request: hash };
    const reply = await this.request<"adjust">(request, request);
    return reply.status === "ok" ? reply.output : this.unlessEarlier(reply);
  }

  async movements(
    sku: string,
    page: { readonly limit: number; readonly before?: MovementCursor },
  ): ReturnType<Inventory["movements"]> {
    const limit = Math.min(page.limit, MAX_MOVEMENTS);
    const request = { op: "movements" as const, sku, limit, ...(page.before && { before: page.before }) };
    const reply = await this.request<"movements">(request, request);
    if (reply.status !== "ok") return this.unlessEarlier(reply);
    return reply.output ? { status: "found", ...reply.output } : { status: "not_found" };
  }

  async shortages(sku: string): ReturnType<Inventory["shortages"]> {
    const request = { op: "shortages" as const, sku };
    const reply = await this.request<"shortages">(request, request);
    if (reply.status !== "ok") return this.unlessEarlier(reply);
    return reply.output ? { status: "found", ...reply.output } : { status: "not_found" };
  }

  /** An owner of version 0.1.0 does not know the operation: another one will, once the nodes are replaced. */
  private unlessEarlier(reply: UnavailableResult): UnavailableResult {
    return reply.status === "refused" && reply.code === INVALID_REQUEST
      ? {
          status: "unavailable",
          reason: "the owner of the inventory runs an earlier version",
          retryAfterMs: this.dependencies.limits.maxBackoffMs,
        }
      : reply;
  }

  async get(sku: string): ReturnType<Inventory["get"]> {
    const request: InventoryRequest<"get"> = { op: "get", sku };
    const reply = await this.request(request, request);
    if (reply.status !== "ok") return reply;
    return reply.output ? { status: "found", stock: reply.output } : { status: "not_found" };
  }

  async list(page: { readonly limit: number; readonly after?: string }): ReturnType<Inventory["list"]> {
    const { limit, after } = page;
    const request: InventoryRequest<"list"> = {
      op: "list",
      limit: Math.min(limit, MAX_PAGE),
      ...(after !== undefined && { after }),
    };
    const reply = await this.request(request, request);
    return reply.status === "ok" ? { status: "found", ...reply.output } : reply;
  }

  async predict(lines: Parameters<Inventory["predict"]>[0]): ReturnType<Inventory["predict"]> {
    const found = await Promise.all(lines.map(({ sku }) => this.get(sku)));
    const stocks = new Map<string, StockView>();
    for (const one of found) {
      if (one.status === "found") stocks.set(one.stock.sku, one.stock);
      else if (one.status !== "not_found") return one;
    }
    const output = decideReserve(lines, (sku) => {
      const stock = stocks.get(sku);
      if (!stock) return undefined;
      const { name, price, listed } = stock;
      const item = { name, price, ...(listed === false && { listed }) };
      return { item, available: Math.max(0, stock.available) };
    });
    return { status: "predicted", output };
  }

  async known(skus: readonly string[]): ReturnType<Inventory["known"]> {
    const unchecked = skus.filter((sku) => !this.knownSkus.has(sku));
    if (unchecked.length === 0) return { status: "checked", unknown: [] };
    const request: InventoryRequest<"known"> = { op: "known", skus: unchecked };
    const reply = await this.request(request, request);
    if (reply.status !== "ok") return reply;
    const { unknown, notForSale = [] } = reply.output;
    const refused = new Set([...unknown, ...notForSale]);
    for (const sku of unchecked) if (!refused.has(sku)) this.remember(sku);
    return { status: "checked", unknown, ...(notForSale.length > 0 && { notForSale }) };
  }

  recheck(skus: readonly string[]): void {
    for (const sku of skus) this.knownSkus.delete(sku);
  }

  private remember(sku: string): void {
    // A full cache is cleared: it only saves requests.
    if (this.knownSkus.size >= this.dependencies.limits.knownSkus) this.knownSkus.clear();
    this.knownSkus.add(sku);
  }

  /** Repeats the request until a final answer or the deadline. Sends `first` once, then `repeat`. */
  private async request<O extends Operation>(
    first: InventoryRequest<O>,
    repeat: InventoryRequest<O>,
    signal?: AbortSignal,
  ): Promise<{ readonly status: "ok"; readonly output: Operations[O]["output"] } | UnavailableResult> {
    const { clock, limits } = this.dependencies;
    const deadline = clock.monotonic() + limits.deadlineMs;
    let backoffMs = limits.backoffMs;
    for (let request = first; ; request = repeat) {
      const leftMs = deadline - clock.monotonic();
      const answer = await this.try(request, Math.min(limits.requestTimeoutMs, leftMs), signal);
      if (answer.status === "ok" || answer.status === "refused") return answer;
      if (answer.status === "overloaded") return { status: "overloaded", retryAfterMs: limits.maxBackoffMs };
      if (signal?.aborted || clock.monotonic() + backoffMs >= deadline)
        return {
          status: "unavailable",
          reason: answer.status === "unavailable" ? answer.reason : "the inventory has no owner right now",
          retryAfterMs: limits.maxBackoffMs,
        };
      await this.within(backoffMs, signal);
      backoffMs = Math.min(backoffMs * 2, limits.maxBackoffMs);
    }
  }

  private async try<O extends Operation>(
    request: InventoryRequest<O>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<InventoryReply<O>> {
    const { shard, bus, number, failpoints } = this.dependencies;
    if (shard.open) {
      // A commit may take long: the caller's time limit counts here as on the bus.
      const reply = await this.within(timeoutMs, signal, shard.answer<O>(request));
      return reply ?? { status: "unavailable", reason: "not stored in time" };
    }
    const answer = await failpoint(failpoints, "inventory.request", () =>
      bus.request(inventorySubjects.requests(number), JSON.stringify(request), timeoutMs),
    );
    if (answer.status === "no_responders") return { status: "not_owner" };
    if (answer.status === "unanswered") return { status: "unavailable", reason: answer.reason };
    return JSON.parse(answer.payload) as Answer<Operations[O]["output"]>;
  }

  /** The promise's value, or undefined when the time is up or the call is aborted first. */
  private async within<T>(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    promise?: Promise<T>,
  ): Promise<T | undefined> {
    let end: (() => void) | undefined;
    const over = new Promise<undefined>((resolve) => {
      const stop = () => resolve(undefined);
      const cancel = this.dependencies.clock.after(timeoutMs, stop);
      signal?.addEventListener("abort", stop, { once: true });
      if (signal?.aborted) stop();
      end = () => {
        cancel();
        signal?.removeEventListener("abort", stop);
      };
    });
    try {
      return await (promise ? Promise.race([promise, over]) : over);
    } finally {
      end?.();
    }
  }
}

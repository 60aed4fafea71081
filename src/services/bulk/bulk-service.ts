/**
 * Bulk operations on any node: previews, starts, reads and stops them.
 * Owns: nothing.  Does not own: the operations (actors of their own application), the orders, the list of orders.
 * Invariants
 *   bulk.S1. A key starts one operation, and so does a token: a repetition finds it, another key or token is refused.
 *   bulk.S2. An operation is started when its whole list of orders is stored, and names that list: no repetition of the
 *            start changes it.
 *   bulk.S3. An operation reaches at most a tenth more orders than its preview counted.
 * Proved by: test/unit/services/bulk/bulk-service.test.ts, test/fault/bulk.test.ts
 */
import { createHmac } from "node:crypto";
import { TypeID } from "typeid-js";
import type { BulkInput } from "../../../machines/bulk.ts";
import type { ActorReply, Actors } from "../../runtime/actors.ts";
import { type Ids, Unavailable } from "../../runtime/ports.ts";
import { unavailable, unavailableReply, type UnavailableResult } from "../unavailable.ts";
import type { BulkItems } from "./bulk-items.ts";
import { bulkContextOf, bulkView } from "./bulk-view.ts";
import { chunksOf, hasGrown, type Place, placeOf, placeText } from "./chunks.ts";
import { type Bulk, type BulkItem, PENDING, type StartResult } from "./contract.ts";
import { idsOf, knownAt, reachOf, type SelectionSources } from "./selecting.ts";
import { type SelectionTokens, TOKEN_LIFE_MS } from "./selection-token.ts";

/** What bulk operations need of their node. */
export type BulkOptions = {
  /** The operations. */
  readonly bulks: Pick<Actors, "start" | "command" | "read">;
  readonly items: BulkItems;
  readonly sources: SelectionSources;
  readonly tokens: SelectionTokens;
  readonly ids: Ids;
  /** Derives ids from idempotency keys. Equal on all nodes and constant. */
  readonly secret: string;
};

type Found = Awaited<ReturnType<Bulk["get"]>>;

const PREFIX = "blk";
/** A TypeID carries 128 bits. */
const ID_BYTES = 16;
/** Chunks that are read for one page. */
const PAGE_CHUNKS = 20;

/** See {@link Bulk}. */
export class BulkService implements Bulk {
  private readonly options: BulkOptions;

  constructor(options: BulkOptions) {
    this.options = options;
  }

  async preview(...[plan, minSequence]: Parameters<Bulk["preview"]>): ReturnType<Bulk["preview"]> {
    const { ids, sources, tokens } = this.options;
    return await orUnavailable(async () => {
      const reach = await reachOf(plan, minSequence, sources);
      if (reach.status !== "reached") return reach;
      const expiresAt = sources.now() + TOKEN_LIFE_MS;
      const known = "ids" in plan ? [] : knownAt(reach.asOf);
      const token = tokens.seal({ name: ids.next(), plan, count: reach.count, known, expiresAt });
      return { ...reach, status: "previewed", token, expiresAt: new Date(expiresAt).toISOString() } as const;
    });
  }

  async start(token: string, how: Parameters<Bulk["start"]>[1]): ReturnType<Bulk["start"]> {
    const { bulks, secret } = this.options;
    const id = this.idOf(how);
    const request = createHmac("sha256", secret).update(token).digest("base64url");
    return await orUnavailable(async () => {
      // The key decides first: a repetition finds its operation when the token has expired, too.
      const earlier = await bulks.read(id);
      if (earlier.status !== "not_found") return answerOf(id, request, earlier);
      return await this.startNew(id, token, request, how);
    });
  }

  private async startNew(
    id: string,
    token: string,
    request: string,
    { by }: Parameters<Bulk["start"]>[1],
  ): Promise<StartResult> {
    const { bulks, ids, items, sources, tokens } = this.options;
    const previewed = tokens.open(token);
    if (!previewed) return { status: "token_unknown" };
    if (sources.now() > previewed.expiresAt) return { status: "token_expired" };
    const { count, known, name, plan } = previewed;
    const selected = await idsOf(plan, known, sources.list);
    if (selected.status !== "selected") return selected;
    const orders = selected.ids;
    if (hasGrown(count, orders.length))
      return { status: "selection_changed", previewed: count, count: orders.length };
    // A name of its own for each attempt: two of the same start do not mix their lists.
    const selection = ids.next();
    await items.store(selection, orders);
    const owner = await items.claim(name, id);
    if (owner !== id) return { status: "token_used", bulkId: owner };
    const { action, reason } = plan;
    const input: BulkInput = {
      action,
      reason,
      selection,
      count: orders.length,
      chunks: chunksOf(orders.length),
    };
    const reply = await bulks.start(id, input, { request, waitMs: 0, mayExist: true, by, reason });
    return answerOf(id, request, reply);
  }

  async get(id: string): Promise<Found> {
    return foundIn(id, await this.options.bulks.read(id));
  }

  async stop(...[id, by]: Parameters<Bulk["stop"]>): Promise<Found> {
    const { bulks, ids } = this.options;
    const how = { commandId: ids.next(), waitMs: 0, by };
    return foundIn(id, await bulks.command(id, "bulk", { type: "stop" }, how));
  }

  async items(...[id, options]: Parameters<Bulk["items"]>): ReturnType<Bulk["items"]> {
    const reply = await this.options.bulks.read(id);
    if (reply.status === "not_found") return { status: "not_found" };
    if (reply.status !== "ok") return unavailableReply(reply);
    const context = bulkContextOf(reply.snapshot);
    const { limit, outcome } = options;
    return await orUnavailable(async () => {
      const found: BulkItem[] = [];
      let place = placeOf(options.after);
      const end = place.chunk + PAGE_CHUNKS;
      while (place.chunk < Math.min(end, context.chunks)) {
        const chunk = await this.chunk(id, context.selection, place.chunk);
        if (!chunk) return { status: "items_expired" };
        for (let { at } = place; at < chunk.length; at++) {
          const item = chunk[at]!;
          if (outcome !== undefined && item.outcome !== outcome) continue;
          if (found.length === limit) return pageTo(found, { chunk: place.chunk, at });
          found.push(item);
        }
        place = { chunk: place.chunk + 1, at: 0 };
      }
      return place.chunk < context.chunks ? pageTo(found, place) : pageTo(found);
    });
  }

  private async chunk(id: string, selection: string, chunk: number): Promise<BulkItem[] | undefined> {
    const { items } = this.options;
    const orders = await items.orders(selection, chunk);
    const outcomes = await items.outcomes(id, chunk);
    return orders?.map((orderId, at) => ({ orderId, outcome: outcomes?.[at] ?? PENDING }));
  }

  /** The operation of a caller's key: the same on every node. */
  private idOf({ caller, idempotencyKey }: Parameters<Bulk["start"]>[1]): string {
    const text = JSON.stringify([caller, idempotencyKey, "bulk"]);
    const digest = createHmac("sha256", this.options.secret).update(text).digest();
    return TypeID.fromUUIDBytes(PREFIX, digest.subarray(0, ID_BYTES)).toString();
  }
}

function answerOf(id: string, request: string, reply: ActorReply): StartResult {
  if (reply.status === "request_mismatch") return { status: "idempotency_key_reused", bulkId: id };
  if (reply.status !== "ok") return unavailableReply(reply);
  if (reply.snapshot.request !== request) return { status: "idempotency_key_reused", bulkId: id };
  return { status: "started", bulk: bulkView(id, reply.snapshot) };
}

function foundIn(id: string, reply: ActorReply): Found {
  if (reply.status === "not_found") return { status: "not_found" };
  // An operation that has ended, or is stopping already, takes no stop: nothing follows for it.
  if (reply.status === "ok" || reply.status === "illegal")
    return { status: "found", bulk: bulkView(id, reply.snapshot) };
  return unavailableReply(reply);
}

const pageTo = (items: readonly BulkItem[], next?: Place) =>
  ({ status: "found", items, next: next ? placeText(next) : null }) as const;

/** Lists of orders and outcomes are at the server. */
async function orUnavailable<T>(work: () => Promise<T>): Promise<T | UnavailableResult> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unavailable) return unavailable(error.message);
    throw error;
  }
}

/** Bulk operations on the runtime in memory, with orders that a test scripts. */
import type { Test } from "tap";
import { memoryServer } from "../../../../src/adapters/memory/application-server.ts";
import { systemClock } from "../../../../src/adapters/local/system-clock.ts";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { type Host, hostActors } from "../../../../src/runtime/host.ts";
import { BulkItems } from "../../../../src/services/bulk/bulk-items.ts";
import { BulkService } from "../../../../src/services/bulk/bulk-service.ts";
import type { BulkPlan, BulkView, StartResult } from "../../../../src/services/bulk/contract.ts";
import { bulkDefinition } from "../../../../src/services/bulk/definition.ts";
import { Pacer } from "../../../../src/services/bulk/pacer.ts";
import type { SelectionSources } from "../../../../src/services/bulk/selecting.ts";
import { SelectionTokens } from "../../../../src/services/bulk/selection-token.ts";
import type { CommandHow, CommandResult, OrderCommand } from "../../../../src/services/orders/contract.ts";
import type { ListQuery, OrderPage } from "../../../../src/services/projection/contract.ts";
import { order } from "../../../support/http-services.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";
import { waitUntil } from "../../../support/wait-until.ts";

const done: CommandResult = { status: "done", order };

/** Orders that take a command once for each key, and remember how often they were reached. */
export class ScriptedOrders {
  /** Commands that were applied, by order. */
  readonly applied = new Map<string, number>();
  readonly sent: { readonly id: string; readonly command: OrderCommand; readonly how: CommandHow }[] = [];
  readonly resumed: string[] = [];
  /** Instead of `done`; called with every command. */
  script: (id: string, times: number) => CommandResult | undefined = () => undefined;
  private readonly keys = new Set<string>();

  command = async (id: string, command: OrderCommand, how: CommandHow = {}): Promise<CommandResult> => {
    this.sent.push({ id, command, how });
    const times = this.sent.filter((one) => one.id === id).length;
    const other = this.script(id, times);
    if (other && other.status !== "done" && other.status !== "unavailable") return other;
    const key = how.key?.idempotencyKey ?? "";
    // An answer may be lost although the command was applied.
    if (!this.keys.has(key)) this.applied.set(id, (this.applied.get(id) ?? 0) + 1);
    this.keys.add(key);
    return other ?? done;
  };

  readonly resumedBy: (CommandHow | undefined)[] = [];
  resume = async (id: string, how?: CommandHow) => {
    this.resumed.push(id);
    this.resumedBy.push(how);
    return { status: "not_parked" } as const;
  };
}

/** A list of orders that a test fills. */
export class ScriptedList {
  ids: string[] = [];
  sequence = 10;
  readonly asked: ListQuery[] = [];

  list = async (query: ListQuery): Promise<OrderPage> => {
    this.asked.push(query);
    const from = Number(query.cursor ?? 0);
    const items = this.ids.slice(from, from + query.limit).map((id) => ({ id, status: "confirmed" }));
    const next = from + query.limit;
    return {
      status: "found",
      items: items as unknown as OrderPage["items"],
      nextCursor: next < this.ids.length ? String(next) : null,
      previousCursor: null,
      total: { value: this.ids.length, exact: true },
      asOf: this.asOf(),
    };
  };

  counts: SelectionSources["list"]["counts"] = async ({ filter }) => ({
    status: "counted",
    counts: [{ key: "confirmed", value: filter.can ? Math.ceil(this.ids.length / 2) : this.ids.length }],
    asOf: this.asOf(),
  });

  private asOf() {
    return { sequence: this.sequence, at: "2026-11-22T10:00:00.000Z", behindMs: 0 };
  }
}

export const idsOf = (count: number): string[] => Array.from({ length: count }, (_, n) => `ord_${n}`);
export const plan: BulkPlan = { action: "cancel", reason: "closed", filter: { status: ["confirmed"] } };
const SECRET = "secret";

/** One or several nodes on one server in memory; what is stored beside the operations is shared. */
export function bulkStage(t: Test) {
  const server = memoryServer({ prefix: "bulk", partitions: 1, presenceTtlMs: 1_000 });
  const store = faultyBucket();
  const items = new BulkItems(store.bucket);
  const orders = new ScriptedOrders();
  const list = new ScriptedList();
  const snapshots = new Map<string, ActorReply>();
  const parked = new Set<string>();
  const time = { now: 1_000_000 };
  let names = 0;
  const start = async (nodeId: string): Promise<{ readonly host: Host; readonly bulk: BulkService }> => {
    const host = await hostActors({
      definition: bulkDefinition({
        items,
        receivers: { orders, parked: orders },
        pacer: new Pacer(systemClock, 5_000),
        clock: { sleep: () => systemClock.sleep(1) },
      }),
      memory: server,
      nodeId,
      log: quietLog,
      presenceTtlMs: 1_000,
      presenceRefreshMs: 200,
    });
    t.teardown(() => host.stop());
    const bulk = new BulkService({
      bulks: host.actors,
      items,
      sources: {
        list,
        actors: { read: async (id) => snapshots.get(id) ?? { status: "not_found" } },
        parked: async () => parked,
        now: () => time.now,
      },
      tokens: new SelectionTokens(SECRET),
      ids: { next: () => `n${++names}` },
      secret: SECRET,
    });
    return { host, bulk };
  };
  return { start, store, items, orders, list, snapshots, parked, time };
}

export const how = (idempotencyKey: string) => ({
  caller: "test",
  idempotencyKey,
  by: { kind: "anonymous" },
});

/** The token of a preview. */
export async function tokenOf(bulk: BulkService, of: BulkPlan = plan): Promise<string> {
  const preview = await bulk.preview(of);
  if (preview.status !== "previewed") throw new Error(preview.status);
  return preview.token;
}

export function startedIn(result: StartResult): BulkView {
  if (result.status !== "started") throw new Error(JSON.stringify(result));
  return result.bulk;
}

/** Waits for the end of an operation. */
export function ended(bulk: BulkService, id: string): Promise<BulkView> {
  return waitUntil(`operation ${id} ends`, async () => {
    const found = await bulk.get(id);
    if (found.status !== "found" || !["completed", "stopped", "failed"].includes(found.bulk.status))
      return undefined;
    return found.bulk;
  });
}

/** Bulk operations on one node: a second application of the runtime, beside the orders. Composition only. */
import { join } from "node:path";
import type { NodeSettings } from "../../config/settings.ts";
import { sqliteOutbox } from "../../src/adapters/local/sqlite-outbox.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { natsPorts } from "../../src/adapters/nats/node-ports.ts";
import { hostOn } from "../../src/runtime/host.ts";
import type { Placement } from "../../src/runtime/cluster/placement.ts";
import type { OwnedResource } from "../../src/runtime/cluster/owned-resource.ts";
import type { RuntimeNode } from "../../src/runtime/node.ts";
import type { Clock, Ids, Log } from "../../src/runtime/ports.ts";
import { BulkItems } from "../../src/services/bulk/bulk-items.ts";
import { BulkService } from "../../src/services/bulk/bulk-service.ts";
import type { Bulk } from "../../src/services/bulk/contract.ts";
import { bulkDefinition } from "../../src/services/bulk/definition.ts";
import { Pacer } from "../../src/services/bulk/pacer.ts";
import { SelectionTokens } from "../../src/services/bulk/selection-token.ts";
import type { ItemReceivers } from "../../src/services/bulk/send-item.ts";
import { BULK_PARTITIONS, bulkSubjects } from "../../src/services/bulk/subjects.ts";
import type { OrderList } from "../../src/services/projection/contract.ts";
import type { BulkCounts } from "./metrics.ts";
import { bulkItemsBucket, bulkStreamSettings } from "./streams.ts";

/** What bulk operations need of their process. */
export type BulkNodeOptions = {
  readonly settings: NodeSettings;
  readonly link: NatsLink;
  readonly log: Log;
  /** The process's own. */
  readonly clock: Clock;
  readonly ids: Ids;
  /** The node of the orders: it has started. */
  readonly orders: RuntimeNode;
  readonly receivers: ItemReceivers;
  readonly list: OrderList;
  /** What one node of the cluster owns beside the operations. */
  readonly resources: readonly OwnedResource[];
  /** See `NodeOptions`. */
  readonly onLost: (reason: string) => void;
  readonly onIdentityTaken: (taken: Error) => void;
};

/** Bulk operations of one node. `start` once, `stop` once. */
export type BulkNode = {
  readonly bulk: Bulk;
  /** What operators ask of this node. */
  readonly placement: Placement;
  readonly counts: () => BulkCounts;
  /** @throws Unavailable (retryable); IdentityTaken; SettingsDiffer; DefinitionChanged */
  start(): Promise<void>;
  /** See `RuntimeNode`. */
  handOver(): Promise<void>;
  stop(): Promise<void>;
  /** Closes the outbox; after `stop`. */
  close(): void;
};

/** Makes the streams that are missing. Nothing is started. @throws StreamIncompatible; Unavailable (retryable) */
export async function bulkNode(options: BulkNodeOptions): Promise<BulkNode> {
  const { clock, ids, link, list, onIdentityTaken, onLost, orders, receivers, settings } = options;
  const log = options.log.child({ application: "bulk" });
  const server = await natsPorts(link, bulkStreamSettings(settings));
  const items = new BulkItems(natsBucket(link, bulkItemsBucket(settings)));
  const outbox = sqliteOutbox({
    path: join(settings.home, "bulk-outbox.sqlite"),
    onDamaged: (movedTo, reason) => log.warn({ movedTo, reason }, "damaged outbox file moved away"),
  });
  const reached: Record<string, number> = {};
  const tally = (outcomes: Readonly<Record<string, number>>): void => {
    for (const [outcome, count] of Object.entries(outcomes))
      reached[outcome] = (reached[outcome] ?? 0) + count;
  };
  const definition = bulkDefinition({ items, receivers, pacer: new Pacer(clock), clock, tally });
  const node = hostOn(
    { ...server, outbox, clock, ids },
    {
      node: settings.nodeId,
      subjects: bulkSubjects,
      application: () => ({ definition, resources: options.resources }),
      log,
      partitions: BULK_PARTITIONS,
      presenceTtlMs: settings.presenceTtlMs,
      presenceRefreshMs: settings.presenceRefreshMs,
      commitTimeoutMs: settings.commitTimeoutMs,
      onLost,
      onIdentityTaken,
    },
  );
  const bulk = new BulkService({
    bulks: node.actors,
    items,
    sources: {
      list,
      actors: orders.actors,
      parked: async () => new Set((await orders.parked.list()).map(({ actor }) => actor)),
      now: () => orders.clock.now(),
    },
    tokens: new SelectionTokens(settings.idempotencySecret),
    ids,
    secret: settings.idempotencySecret,
  });
  return {
    bulk,
    placement: node.placement,
    counts: () => {
      const { effects, partitions } = node.status();
      const parked = partitions.reduce((sum, partition) => sum + partition.parked, 0);
      return { chunks: effects, parked, orders: { ...reached } };
    },
    start: () => node.start(),
    handOver: () => node.handOver(),
    stop: () => node.stop(),
    close: () => outbox.close(),
  };
}

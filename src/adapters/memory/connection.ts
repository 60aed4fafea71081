/** One node's ports on the server in memory. */
import type { Bucket, Bus, Clock, Journal } from "../../runtime/ports.ts";
import { memoryBucket } from "./bucket.ts";
import { memoryBus } from "./bus.ts";
import { memoryJournal } from "./journal.ts";
import { MemoryLink } from "./link.ts";
import type { MemoryServer } from "./server.ts";

/** The ports of one node, and the link by which a test breaks its connection. */
export type MemoryNode = {
  /** The first stream. */
  readonly journal: Journal;
  /** Every stream, by its number; the first is `journal`. */
  readonly journals: readonly Journal[];
  bucket(name: string): Bucket;
  /** The bucket of the nodes' presence. */
  readonly nodes: Bucket;
  /** The bucket of the partitions' checkpoints. */
  readonly checkpoints: Bucket;
  /** The bucket of what the versions of the definition stand for. */
  readonly definitions: Bucket;
  /** The bucket of the settings that are equal on all nodes. */
  readonly settings: Bucket;
  readonly bus: Bus;
  readonly link: MemoryLink;
};

/** Connects one node. @param clock the node's own, so that it can be paused or ended; the server's when absent */
export function memoryNode(
  server: MemoryServer,
  node: string,
  clock: Clock = server.options.clock,
): MemoryNode {
  const link = new MemoryLink(server, node, clock);
  const journal = memoryJournal(link);
  const { buckets } = server.options.subjects;
  const others = Array.from({ length: server.layout.streams - 1 }, (_, i) => memoryJournal(link, i + 1));
  return {
    journal,
    journals: [journal, ...others],
    bucket: (name) => memoryBucket(link, name),
    nodes: memoryBucket(link, buckets.nodes),
    checkpoints: memoryBucket(link, buckets.floors),
    definitions: memoryBucket(link, buckets.definitions),
    settings: memoryBucket(link, buckets.settings),
    bus: memoryBus(link),
    link,
  };
}

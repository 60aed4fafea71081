/** What a node is made of: its ports and its settings. Types only. */
import type { Application } from "./application.ts";
import type { IdentityTaken } from "./cluster/identity-taken.ts";
import type { Unverified } from "./cluster/owned-resource.ts";
import type { SharedSettings } from "./cluster/shared-settings.ts";
import type { WriteSetSink } from "./commit/write-set.ts";
import type { Failpoints } from "./failpoints.ts";
import type { Bucket, Bus, Clock, Ids, Journal, Log, Outbox } from "./ports.ts";
import type { Subjects } from "./subjects.ts";

/** What a node reaches the outside by. */
export type NodePorts = {
  /**
   * Of every stream, by its number. How many there are is equal on all nodes and fixed like the number of partitions:
   * it decides which stream a partition is in.
   */
  readonly journals: readonly Journal[];
  readonly bus: Bus;
  /** The bucket of the nodes' presence. */
  readonly nodes: Bucket;
  /** The bucket of the partitions' checkpoints. */
  readonly checkpoints: Bucket;
  /** The bucket of what the versions of the definition stand for in the cluster. */
  readonly definitions: Bucket;
  /** The bucket of the settings that are equal on all nodes. */
  readonly settings: Bucket;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly ids: Ids;
};

/** Everything that a node needs. Defaults: `hostOn` (src/runtime/host.ts). */
export type NodeOptions = NodePorts & {
  /** Id of the node, unique among those that run. 1 to 64 letters, digits, `-` or `_`. */
  readonly node: string;
  /** Names of the application. Equal on all nodes. */
  readonly subjects: Subjects;
  /**
   * Called once with what the application's own resources need. They publish through the node's outbox. `clock`: the
   * server's time; it has no time before the node has started.
   */
  readonly application: (sink: WriteSetSink, unverified: Unverified, clock: Clock) => Application;
  readonly log: Log;
  /** Equal on all nodes, fixed when the stream is made. 1 or more. */
  readonly partitions: number;
  /** A node whose presence is not refreshed for this long is absent, ms. Equal on all nodes. */
  readonly presenceTtlMs: number;
  /** How often the node refreshes its presence, ms. Below a third of `presenceTtlMs`. */
  readonly presenceRefreshMs: number;
  /** How long one attempt to publish waits for the server's answer, ms. */
  readonly commitTimeoutMs: number;
  /** Write sets in the outbox from which on new commands are answered `overloaded`. */
  readonly outboxLimit: number;
  /** Effects under way or in line from which on starts are answered `overloaded`. */
  readonly effectLimit: number;
  /** Actors kept in memory, on the whole node, when nothing is under way for them. */
  readonly idleActors: number;
  /** Time for finding an owner while partitions change hands, on top of a caller's wait, ms. */
  readonly findOwnerMs: number;
  /** Shown to the other nodes and to operators, as JSON. */
  readonly details: Readonly<Record<string, unknown>>;
  /** A stream does not hold the log that the node has read: its work has ended. Start the process again. */
  readonly onLost?: ((reason: string) => void) | undefined;
  /** Settings of the application that are equal on all nodes: a node with others does not start. */
  readonly shared?: SharedSettings | undefined;
  /** Called once when another process has claimed this node's id: this node serves nothing any more. Stop it. */
  readonly onIdentityTaken?: ((taken: IdentityTaken) => void) | undefined;
  /** Tests only: ends the process at a chosen place. */
  readonly failpoints?: Failpoints | undefined;
};

/** Moving partitions and draining nodes, as HTTP sees it. Outcomes are values; only programmer faults throw. */
import type { UnavailableResult } from "../unavailable.ts";

/** What an operator asks for besides the place. */
export type Asked = {
  /** For the log and for other operators. */
  readonly reason: string | null;
  /** Only whether it would be done. */
  readonly dryRun: boolean;
};

/** A partition and the node that is to own it. */
export type WantedMove = Asked & {
  readonly partition: number;
  readonly node: string;
  /** Only while the partition's epoch is one of these; absent: whatever it is. */
  readonly ifEpochs?: readonly number[];
};

/** `moving`: asked, and not there after some seconds. `epoch`: of the owner that is known now. */
export type Move = {
  readonly status: "moved" | "moving" | "would_move";
  readonly partition: number;
  /** Null: it had no owner. */
  readonly from: string | null;
  readonly to: string;
  readonly epoch: number;
  readonly tookMs: number;
};

/** Why a move is not done; nothing was asked of any node. */
export type MoveRefusal =
  | { readonly status: "partition_not_found" | "node_not_found" | "node_draining" | "node_incompatible" }
  /** Of the node that owns it. */
  | { readonly status: "already_owner"; readonly epoch: number }
  /** To another node, just now. */
  | { readonly status: "already_moving"; readonly to: string }
  | { readonly status: "version_changed"; readonly version: number };

/** What a node has left to give away: names of partitions and of the inventory, `partition.7`. */
export type Drain = {
  readonly status: "drained" | "draining" | "would_drain" | "undrained";
  readonly node: string;
  readonly left: readonly string[];
};

/** Why a node is not drained. */
export type DrainRefusal =
  | { readonly status: "node_not_found" }
  /** No other node would take anything. */
  | { readonly status: "last_node" };

/** Which node owns what, as operators ask for it. Any node takes the requests. */
export interface Placements {
  /** Moves a partition to a node. Answers when the node owns it, or after some seconds. */
  move(wanted: WantedMove): Promise<Move | MoveRefusal | UnavailableResult>;
  /** The node gives all away and takes nothing until it is undrained or starts again. Idempotent. */
  drain(node: string, asked: Asked): Promise<Drain | DrainRefusal | UnavailableResult>;
  /** The node takes part again. Idempotent. */
  undrain(node: string, asked: Asked): Promise<Drain | DrainRefusal | UnavailableResult>;
}

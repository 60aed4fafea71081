/** Schemas of moving partitions and draining nodes. */
import { type Static, Type } from "typebox";
import { closed, nullable, oneOf, text } from "../protocol/schema-parts.ts";

const NODE_ID = "^[A-Za-z0-9_-]{1,64}$";
const nodeId = Type.String({ pattern: NODE_ID, description: "Id of a node", examples: ["node-2"] });

/** Path parameters of the routes of one node. */
export const nodeParams = Type.Object({ id: nodeId });

/** Path parameters of the routes of one partition. */
export const partitionParams = Type.Object({
  partition: Type.String({ pattern: "^(?:0|[1-9]\\d{0,4})$", description: "Its number", examples: ["7"] }),
});

const reason = Type.Optional(text(200, "Why: for the log and for other operators"));

/** Body of `POST /v1/partitions/{partition}/move`. */
export const MovePartition = closed(
  { node: { ...nodeId, description: "The node that is to own it" }, reason },
  { $id: "MovePartition", examples: [{ node: "node-2", reason: "node-1 is busy" }] },
);

/** Body of `POST /v1/nodes/{id}/drain` and `.../undrain`. */
export const DrainNode = closed({ reason }, { $id: "DrainNode", examples: [{ reason: "A new disk" }] });

/** A move. */
export const PartitionMove = Type.Object(
  {
    dryRun: Type.Boolean({ description: "True: nothing was asked of any node" }),
    accepted: Type.Boolean(),
    status: oneOf(
      ["moved", "moving", "would_move"],
      "`moving`: the node was asked and does not own it yet; `would_move`: with `dryRun=true`",
    ),
    partition: Type.Integer(),
    from: nullable(Type.String({ description: "Its owner before; null when it had none" })),
    to: Type.String(),
    epoch: Type.Integer({ description: "Revision of the lock as known now" }),
    tookMs: Type.Integer({ description: "From the request to the new owner; the pause is in the history" }),
  },
  { $id: "PartitionMove", title: "PartitionMove" },
);

/** What a drained node has left. */
export const NodeDrain = Type.Object(
  {
    dryRun: Type.Boolean({ description: "True: nothing was asked of the node" }),
    accepted: Type.Boolean(),
    status: oneOf(
      ["drained", "draining", "would_drain", "undrained"],
      "`draining`: the node still gives away; `would_drain`: with `dryRun=true`",
    ),
    node: Type.String(),
    left: Type.Array(Type.String({ examples: ["partition.7"] }), {
      description: "Partitions and inventory that the node owns now",
    }),
  },
  { $id: "NodeDrain", title: "NodeDrain" },
);

/** The validated bodies. */
export type MovePartition = Static<typeof MovePartition>;
/** The validated body of a drain. */
export type DrainNode = Static<typeof DrainNode>;

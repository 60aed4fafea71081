/** What a developer reads and does beside the node: the mailbox, the books of the simulators, drills. */

/** What can be done to a node of the local cluster. */
export const drillActions = ["kill", "freeze", "resume", "start"] as const;
/** One of them. */
export type DrillAction = (typeof drillActions)[number];

/** The process of a node. */
export type DrilledState = "running" | "frozen" | "ended";

/** What became of a drill. */
export type DrillResult =
  | {
      readonly status: "done";
      readonly node: string;
      /** After the drill. */
      readonly state: DrilledState;
      /** When a frozen process goes on by itself, RFC 3339; null otherwise. */
      readonly until: string | null;
    }
  /** The launcher has started no such node. */
  | { readonly status: "node_not_found" }
  /** Not possible in its state. */
  | { readonly status: "refused"; readonly state: DrilledState }
  /** The node did not start again, or the launcher does not answer. */
  | { readonly status: "failed" };

/** How the gateway simulator answers for a while. */
export const gatewayFaults = ["none", "errors", "silence", "slow"] as const;
/** One of them. */
export type GatewayFault = (typeof gatewayFaults)[number];

/** `read`s answer the source's JSON as it is; undefined when it does not answer in time, or answers too much. */
export type DevSources = {
  /** Absent: the node knows no mailbox. */
  readonly mail?: () => Promise<Buffer | undefined>;
  readonly ledger: () => Promise<Buffer | undefined>;
  readonly parcels: () => Promise<Buffer | undefined>;
  /** The gateway simulator's answer. */
  readonly faults: (wanted: {
    readonly mode: GatewayFault;
    readonly forMs: number;
  }) => Promise<Buffer | undefined>;
  /** Absent: no launcher has started this node. */
  readonly drill?: (node: string, action: DrillAction) => Promise<DrillResult>;
};

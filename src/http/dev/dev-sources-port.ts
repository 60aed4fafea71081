/** What a developer reads beside the node: the mailbox and the books of the simulators. */

/** Each answers the source's JSON as it is; undefined when the source does not answer in time, or answers too much. */
export type DevSources = {
  /** Absent: the node knows no mailbox. */
  readonly mail?: () => Promise<Buffer | undefined>;
  readonly ledger: () => Promise<Buffer | undefined>;
  readonly parcels: () => Promise<Buffer | undefined>;
};

/** Bounds that are part of the protocol, not settings: equal on all nodes of a cluster. */
export const limits = {
  /** Messages in one atomic batch; the server's limit is 1000 (ADR-50). */
  batchMessages: 900,
  /** Steps in one cascade before it is taken for a loop. */
  cascadeSteps: 64,
  /** Latest command ids kept in a snapshot. */
  recentCommands: 16,
  /** Bytes of one message, headers included; below the server's default `max_payload` of 1 MiB. */
  messageBytes: 512 * 1024,
  /** Inputs waiting in one actor's mailbox. */
  mailboxInputs: 256,
} as const;

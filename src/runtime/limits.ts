/** Bounds that are part of the protocol, not settings: equal on all nodes of a cluster. */
export const limits = {
  /** Messages in one atomic batch; the server's limit is 1000 (ADR-50). */
  batchMessages: 900,
  /** Messages of one write set. The rest of a batch is for the deltas' messages and the fences of two locks. */
  writeSetMessages: 750,
  /** Steps in one cascade before it is taken for a loop. */
  cascadeSteps: 64,
  /** Latest command ids kept in a snapshot. */
  recentCommands: 16,
  /** Bytes of one message, headers included; below the server's default `max_payload` of 1 MiB. */
  messageBytes: 512 * 1024,
  /** Callers' inputs under way in one actor: in its mailbox, in the outbox, or waiting for it to settle. */
  mailboxInputs: 256,
  /** A client that lost its connection waits so long, plus up to the jitter, before each attempt to get another, ms. */
  reconnectWaitMs: 100,
  reconnectJitterMs: 50,
  /** A node without responders is suspected for at least this long, ms: three attempts to connect again fit. */
  suspectedMs: 450,
  /** Requests under way on one node, on behalf of its own callers. */
  nodeCalls: 8192,
  /** Callers' inputs and reads under way in one partition. */
  partitionCalls: 4096,
  /** Inbox inputs under way in one partition; the consumer waits above, and they wait in the stream. */
  partitionInbox: 256,
  /** Actors of one partition being read from the stream at once; the others wait in a queue. */
  partitionLoads: 32,
  /** A timer that is due within this time of its arming is fired by its owner, ms: pauses, retries, polls (ADR 14). */
  nearTimerMs: 60_000,
  /** The server fires such a timer when its owner has not done so after this time, ms: about that of a takeover. */
  timerGraceMs: 2_000,
  /** Such timers of one partition that wait in memory; those above are fired by the server. */
  partitionTimers: 1_024,
  /**
   * A timer that is due within this time has no schedule in the stream at all, ms (ADR 17). Its actor is named in each
   * checkpoint until then, some 27 bytes a second; a schedule and its cancellation are 600 bytes.
   */
  unscheduledMs: 10_000,
  /** Such timers of one partition: as many actors at most does a takeover load for them. */
  unscheduledTimers: 256,
  /** Actors that an owner cannot read and names in a list; it counts the others. */
  unreadableListed: 500,
  /** Owners asked at once for what they cannot read. */
  ownersAsked: 64,
} as const;

/**
 * Deadlines of a shutdown, in ms from its start (`presenceMs` and `connectionMs` are durations). Unfinished work is
 * abandoned at each, so that the next step has its time. Before the end callers are answered, locks are released,
 * and the presence entry is deleted.
 */
export const stopping = {
  /** The other nodes learn that this node leaves. */
  leaveMs: 500,
  /** Write sets under way of a partition that is handed over. */
  idleMs: 1_500,
  /** All of a resource that is handed over: its requests, its write sets, its checkpoint. */
  drainMs: 2_000,
  /** Callers wait this long for their actors to settle and for owners; then they get the acknowledged state. */
  callersMs: 2_500,
  /** Locks: drained and released. */
  handOverMs: 3_000,
  /** Work of the workers that is short enough to end. */
  workersMs: 3_000,
  /** A caller without an answer by then gets 503. */
  answersMs: 3_500,
  /** Open connections; then they are cut. */
  closeGraceMs: 4_000,
  /** After all that: the node's presence entry, deleted; and then its connection to NATS, closed. */
  presenceMs: 500,
  connectionMs: 300,
  /** The process, whatever hangs: exit code 1. */
  processMs: 5_000,
} as const;

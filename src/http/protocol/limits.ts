/** Bounds of the public API. Part of the contract with clients: lowering one is a breaking change. */
export const httpLimits = {
  /** Bytes of one request body. */
  bodyBytes: 64 * 1024,
  /** Nesting of arrays and objects in a body; the deepest legal body has 3. */
  bodyDepth: 32,
  /** Faults reported in one answer. */
  faults: 50,
  /** Characters of a name or value from the client that are repeated in an answer. */
  echoedCharacters: 100,
  /** Lines of one order. */
  lines: 100,
  /** Pieces of one SKU in one order. */
  quantity: 10_000,
  /** Minor units of a price: 100 lines of 10 000 pieces stay below 2^53. */
  amount: 1_000_000_000,
  /** Pieces on hand of one SKU. */
  /** Of tags, metadata, external reference and note of an order together. */
  annotationBytes: 8192,
  onHand: 1_000_000_000,
  /** Seconds that `Prefer: wait=N` may ask for. */
  waitSeconds: { min: 1, max: 60 },
  /** Characters of an idempotency key. */
  idempotencyKey: 255,
  /** Items on one page of a list. */
  page: { default: 50, max: 200 },
  /** Items on one page of an order's history. */
  historyPage: { default: 200, max: 1000 },
  /** Requests on one connection that have no complete answer. */
  answersUnderWay: 8,
  /** ms to receive a whole request. */
  requestTimeoutMs: 30_000,
  /** ms to receive its headers. */
  headersTimeoutMs: 15_000,
  /** ms between two checks of these two limits. */
  checkEveryMs: 1000,
  /** ms without a byte in either direction until a connection is closed: more than the longest wait for an answer. */
  silentConnectionMs: 90_000,
  /** ms that a connection without a request stays open. */
  keepAliveMs: 72_000,
  /**
   * Streams of events: how many a node has open, bytes that a client may not have read yet, ms between comments, ms
   * after which a client comes again (up to twice as many), ms until the connection of an ended stream is cut.
   */
  streams: { open: 200, unsentBytes: 256 * 1024, commentEveryMs: 15_000, retryMs: 1000, endMs: 2000 },
  /** A refused body is read to its end or to these bounds, so that its sender can read the answer. */
  discard: { bytes: 8 * 1024 * 1024, timeoutMs: 2_000 },
} as const;

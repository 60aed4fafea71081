/** Which of the server's refusals are transient. Error codes: nats-server, errors.json. */

/** The error as the server's answers carry it; `code` is HTTP-like, `err_code` the exact one. */
export type ErrorBody = {
  readonly code: number;
  readonly err_code?: number;
  readonly description?: string;
};

/** Refusals that say nothing about the request. They end when a leader, a quorum or free space is there again. */
const TRANSIENT = new Set([
  10002, // account's resources exhausted
  10005, // too few servers have joined the cluster for the copies
  10158, // the message id is being stored right now
  10176, // batch incomplete: a part was lost in transit, or could not be staged
  10210, // too many batches in flight
]);

/** Refusals that mean: the server's storage, or the account's share of it, is used up. */
const NO_ROOM = new Set([
  10002, // account's resources exhausted
  10023, // insufficient resources
  10028, // memory resources exceeded
  10047, // storage resources exceeded
  10077, // the stream could not store the message (its disk)
]);

/** Answered as faults of the server (500), but permanent. */
const PERMANENT = new Set([
  10074, // several copies requested of a single server
  10111, // a schedule armed twice in one batch
]);

/** True when repeating the same request later may succeed. */
export function isTransient(error: ErrorBody): boolean {
  const exact = error.err_code ?? 0;
  return TRANSIENT.has(exact) || (error.code >= 500 && !PERMANENT.has(exact));
}

/** True when the server is out of room for every client, whatever the request. */
export function isNoRoom(error: ErrorBody): boolean {
  return NO_ROOM.has(error.err_code ?? 0);
}

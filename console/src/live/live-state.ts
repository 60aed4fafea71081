/** The state of the live connection, and how each event changes it. Pure. */

/** What a stream is about; as in the parameter `topics`. */
export type Topic = "orders" | "cluster" | "messages" | `order:${string}` | `bulk:${string}`;

/** What the connection is doing. Times are ms since the epoch. */
export type LiveState = {
  /** `idle`: no page follows anything. `reconnecting`: the next try is planned. */
  readonly phase: "idle" | "connecting" | "live" | "reconnecting" | "paused";
  /** Tries in a row that failed. */
  readonly failures: number;
  /** Since when the page may be out of date; absent while it is live or idle. */
  readonly since?: number;
};

/** What can happen to the connection. */
export type LiveEvent =
  | { readonly type: "followed"; readonly at: number }
  | { readonly type: "unfollowed" }
  | { readonly type: "opened" }
  | { readonly type: "failed"; readonly at: number }
  | { readonly type: "paused"; readonly at: number }
  | { readonly type: "resumed" };

/** Before a page follows anything. */
export const idle: LiveState = { phase: "idle", failures: 0 };

/** The state after an event. Events that cannot happen in a state change nothing. */
export function nextLive(state: LiveState, event: LiveEvent): LiveState {
  const since = state.since === undefined ? {} : { since: state.since };
  switch (event.type) {
    case "followed":
      return state.phase === "paused" ? state : { phase: "connecting", failures: state.failures, ...since };
    case "unfollowed":
      return state.phase === "paused" ? state : idle;
    case "opened":
      return state.phase === "paused" ? state : { phase: "live", failures: 0 };
    case "failed":
      if (state.phase === "paused" || state.phase === "idle") return state;
      return { phase: "reconnecting", failures: state.failures + 1, since: state.since ?? event.at };
    case "paused":
      return state.phase === "paused" ? state : { phase: "paused", failures: 0, since: event.at };
    default:
      return state.phase === "paused" ? { phase: "connecting", failures: 0, ...since } : state;
  }
}

const FIRST_TRY_MS = 500;
const LONGEST_MS = 10_000;

/** How long to wait before the next try. @param spread 0 to 1: pages of one node do not come back at one moment */
export function retryAfterMs(failures: number, spread: number): number {
  const least = Math.min(LONGEST_MS, FIRST_TRY_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(least * (1 + spread / 2));
}

/** ms without a connection after which a page says since when it is out of date. */
export const STALE_MS = 5_000;

/** The state in one or a few words. @param clock formats an instant */
export function liveWords(state: LiveState, now: number, clock: (at: number) => string): string {
  switch (state.phase) {
    case "idle":
      return "not live";
    case "live":
      return "live";
    case "paused":
      return "paused";
    default: {
      const { since } = state;
      if (since !== undefined && now - since >= STALE_MS) return `stale since ${clock(since)}`;
      return state.failures > 0 ? "reconnecting" : "connecting";
    }
  }
}

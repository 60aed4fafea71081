/** What every state of a machine says about itself, for people: `meta` in the chart. No rule reads it. */

/** How an order that is in a state is doing; what a page colors. */
export type StateMeaning =
  /** It moves by itself: a call is under way, or another machine of the order works. */
  | "moving"
  /** A person, or the customer, has the next step. */
  | "person"
  /** A pause or a date has to pass. */
  | "time"
  /** Something failed: the next try or an operator ends it. */
  | "held"
  /** It failed, or was refused, and stays so. */
  | "failed"
  /** A call is out, and its outcome is not known. */
  | "unknown"
  /** What the state stands for is done. */
  | "done"
  /** Ended without being done: canceled, returned, not needed. */
  | "ended";

/** What moves a state on: one of its calls, a timer, an event from elsewhere, a person, the customer; or nothing. */
export type Awaited = "effect" | "timer" | "event" | "person" | "customer" | "nothing";

/** The `meta` of a state. Texts are English sentences; they are no part of a machine's fingerprint. */
export type StateMeta = {
  readonly meaning: StateMeaning;
  /** What kind of thing the state waits for first. */
  readonly awaits: Awaited;
  /** The same as a sentence, for those who operate the order. */
  readonly waitsFor: string;
  /** What support and customers read. */
  readonly says: string;
};

/** The texts of a machine, by state; those of nested states by `parent.child`. */
export type StateTexts = Readonly<Record<string, StateMeta>>;

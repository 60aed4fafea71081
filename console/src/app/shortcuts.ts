/** Keys that do something from any page: single ones, and two in a row. Pure. */

/** What a key asks for. */
export type KeyAction =
  | { readonly type: "go"; readonly path: string }
  | { readonly type: "palette" | "help" | "pause" | "search" };

/** Places by the key that follows `g`. */
export type Places = ReadonlyMap<string, string>;

/** A key as the browser reports it. */
export type PressedKey = {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  /** When it was pressed, ms. */
  readonly at: number;
};

/** The second key has to follow within this time. */
const SECOND_MS = 1200;

/** Since when a `g` waits for its second key. */
export type Waiting = number | undefined;

/**
 * What a key does. @param busy whether the user types, or a dialog is open: then only the palette's chord counts
 * @returns the action, if any, and whether a `g` now waits
 */
export function readKey(
  waiting: Waiting,
  { altKey, at, ctrlKey, key, metaKey }: PressedKey,
  places: Places,
  busy: boolean,
): { readonly action?: KeyAction; readonly waiting: Waiting } {
  const none = { waiting: undefined };
  if ((ctrlKey || metaKey) && !altKey && key.toLowerCase() === "k")
    return { action: { type: "palette" }, waiting: undefined };
  if (busy || ctrlKey || metaKey || altKey) return none;
  if (waiting !== undefined && at - waiting <= SECOND_MS) {
    const path = places.get(key);
    return path === undefined ? none : { action: { type: "go", path }, waiting: undefined };
  }
  switch (key) {
    case "g":
      return { waiting: at };
    case "/":
      return { action: { type: "search" }, waiting: undefined };
    case "?":
      return { action: { type: "help" }, waiting: undefined };
    case "p":
      return { action: { type: "pause" }, waiting: undefined };
    default:
      return none;
  }
}

/** The `Prefer` header (RFC 7240): `respond-async` and `wait=N`. */
import { httpLimits } from "./limits.ts";

/** What a client prefers, as far as the API knows the preference. */
export type Preferences = {
  /** ms to wait for the order to settle. */
  readonly waitMs: number;
  /** With true the order is answered 202 as it is after its first commit, settled or not. */
  readonly answerAtOnce: boolean;
  /** Value of `Preference-Applied`; empty when the client sent no preference that is known. */
  readonly applied: string;
};

const { min, max } = httpLimits.waitSeconds;

/**
 * Reads the header. Of a preference given twice the first counts. An unknown or malformed one, or one out of bounds, is
 * ignored, as RFC 7240 demands. `respond-async, wait=5` waits up to 5 seconds.
 * @param defaultWaitMs for a client that does not state how long it waits, ms
 */
export function readPreferences(header: string | string[] | undefined, defaultWaitMs: number): Preferences {
  if (header === undefined) return { waitMs: defaultWaitMs, answerAtOnce: false, applied: "" };
  let respondAsync = false;
  let seconds: number | undefined;
  for (const item of String(header).split(",")) {
    const preference = item.split(";", 1)[0]?.trim().toLowerCase() ?? "";
    if (preference === "respond-async") respondAsync = true;
    else seconds ??= waitOf(preference);
  }
  const applied = [respondAsync ? "respond-async" : "", seconds === undefined ? "" : `wait=${seconds}`];
  const answerAtOnce = respondAsync && seconds === undefined;
  return {
    waitMs: answerAtOnce ? 0 : seconds === undefined ? defaultWaitMs : seconds * 1000,
    answerAtOnce,
    applied: applied.filter((text) => text !== "").join(", "),
  };
}

function waitOf(preference: string): number | undefined {
  const digits = /^wait\s*=\s*"?(\d{1,3})"?$/u.exec(preference)?.[1];
  const seconds = Number(digits);
  return digits !== undefined && seconds >= min && seconds <= max ? seconds : undefined;
}

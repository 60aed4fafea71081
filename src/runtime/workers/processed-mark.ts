/** The mark of one event in the bucket `PROCESSED`: its form, and how it is read. Pure. */
import { isCount, isTime, parseObject } from "../json.ts";

/** What a worker has stored about one event. */
export type ProcessedMark = {
  /** Sequence of the dead letter whose replay was worked on last. */
  readonly replay?: number;
} & (
  | {
      readonly state: "locked";
      readonly owner: string;
      /** ms since the epoch, by the server's clock; in entries of 0.1.0 by that of the owner's machine */
      readonly until: number;
      readonly attempts: number;
    }
  | { readonly state: "failed"; readonly attempts: number; readonly reason: string }
  | { readonly state: "done" | "dead"; readonly at: number; readonly attempts: number }
);

/** Reads a mark. `undefined`: it is none, or one of a form that this program does not know. */
export function readMark(value: string): ProcessedMark | undefined {
  const mark = parseObject(value);
  if (mark === undefined || !isCount(mark["attempts"])) return undefined;
  if (mark["replay"] !== undefined && !isCount(mark["replay"])) return undefined;
  return isState(mark) ? (mark as ProcessedMark) : undefined;
}

function isState({ state, owner, until, reason, at }: Readonly<Record<string, unknown>>): boolean {
  if (state === "locked") return typeof owner === "string" && isTime(until);
  if (state === "failed") return typeof reason === "string";
  return (state === "done" || state === "dead") && isTime(at);
}

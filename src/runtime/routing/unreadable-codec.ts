/**
 * What a node asks the owner of a partition for the list of actors that the owner cannot read, on `cmd.<partition>`:
 * JSON. A node of version 0.1.0 does not know the request, and answers `unavailable`.
 */
import type { UnreadableActor } from "../actors.ts";
import { isObject, parseObject } from "../json.ts";
import { limits } from "../limits.ts";

const OP = "unreadable";
const REASON_CHARACTERS = 300;

/** The request, as it is sent. */
export const UNREADABLE_REQUEST = JSON.stringify({ op: OP });

/** Whether a payload is this request. */
export function isUnreadableRequest(payload: string): boolean {
  return parseObject(payload)?.["op"] === OP;
}

/** What one owner answers: the oldest actors, and how many there are in all. */
export type UnreadableList = { readonly actors: readonly UnreadableActor[]; readonly total: number };

/** The answer, at most `limits.unreadableListed` actors. */
export function encodeUnreadable(actors: Iterable<UnreadableActor>): string {
  const all = [...actors];
  const listed = all.slice(0, limits.unreadableListed).map((actor) => ({
    ...actor,
    reason: actor.reason.slice(0, REASON_CHARACTERS),
  }));
  const list: UnreadableList = { actors: listed, total: all.length };
  return JSON.stringify({ status: OP, ...list });
}

/** The list in an answer; `undefined` for the answer of a node that does not know the request. */
export function decodeUnreadable(payload: string): UnreadableList | undefined {
  const { status, actors, total } = parseObject(payload) ?? {};
  if (status !== OP || typeof total !== "number" || !Array.isArray(actors)) return undefined;
  return { actors: actors.filter(isUnreadableActor), total };
}

function isUnreadableActor(value: unknown): value is UnreadableActor {
  if (!isObject(value)) return false;
  const { actor, kind, since, reason } = value;
  return (
    typeof actor === "string" &&
    (kind === "newer" || kind === "unreadable") &&
    typeof since === "number" &&
    typeof reason === "string"
  );
}

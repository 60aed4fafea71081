/** Where the state in a reply is stored, for callers that ask a list for it. Pure. */
import type { ActorReply } from "../../runtime/actors.ts";
import { type Layout, streamOf } from "../../runtime/layout.ts";
import { partitionOf } from "../../runtime/subjects.ts";

/** The position as HTTP shows it (`Sequenced`); empty where it is not known. */
export function storedAt(
  id: string,
  { sequence }: Extract<ActorReply, { status: "ok" }>,
  { partitions, streams = 1 }: Pick<Layout, "partitions"> & Partial<Layout>,
): { readonly storedAt?: string } {
  if (sequence === undefined) return {};
  return {
    storedAt:
      streams === 1 ? String(sequence) : `${streamOf(partitionOf(id, partitions), streams)}.${sequence}`,
  };
}

/** Which sealed forms a node opens, as its presence entry says: sealed data is written when all nodes can open it. */
import { parseObject } from "../../runtime/json.ts";
import type { Bucket, Clock } from "../../runtime/ports.ts";

/** Sealed documents. */
export const DOCUMENTS_FORM = 1;
/** Sealed personal data and card tokens as well. */
export const PERSONAL_FORM = 2;
/** The newest form that this program opens. */
export const SEALED_FORM = PERSONAL_FORM;

/** Name of the presence detail. Nodes of versions before this one have none. */
export const SEALED_DETAIL = "sealed";

/** How long an answer is used, ms: far shorter than the start of a node. */
const USED_MS = 1000;

/** Whether all of these presence entries name a form of at least `form`. */
export const areOpening = (entries: readonly Readonly<Record<string, unknown>>[], form: number): boolean =>
  entries.every(({ [SEALED_DETAIL]: opened }) => typeof opened === "number" && opened >= form);

/** Reads the presence entries, at most once a second. The function it returns throws Unavailable (retryable). */
export function openedByAll(
  nodes: Pick<Bucket, "keys" | "get">,
  clock: Pick<Clock, "monotonic">,
  form: number = DOCUMENTS_FORM,
): () => Promise<boolean> {
  let last: { readonly at: number; readonly answer: Promise<boolean> } | undefined;
  const read = async (): Promise<boolean> => {
    const names = await nodes.keys();
    const entries = await Promise.all(names.map((name) => nodes.get(name)));
    // An entry that has ended meanwhile is none; one that cannot be read is of another program.
    return areOpening(
      entries.flatMap((entry) => (entry === undefined ? [] : [parseObject(entry.value) ?? {}])),
      form,
    );
  };
  return async () => {
    if (last === undefined || clock.monotonic() - last.at > USED_MS) {
      last = { at: clock.monotonic(), answer: read() };
      last.answer.catch(() => {
        last = undefined;
      });
    }
    return await last.answer;
  };
}

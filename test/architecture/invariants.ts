/**
 * Invariants are numbered in the comment that opens a file: `relay.R5. The outcome ...`. Comments and pages refer to
 * one by its whole id; inside of its own file the number alone is enough.
 */
import type { Finding } from "./findings.ts";
import { lineAt, type Passage } from "./passages.ts";

const INVARIANT_TWICE = "invariant id twice";
const INVARIANT_UNKNOWN = "invariant id unknown";

/** The first word of a comment's line, with the point that ends it. */
const DEFINED = /^\s+((?:[a-z][a-z-]*\.)?[A-Z]{1,2}\d{1,2})\.\s/gmu;
const REFERRED = /(?<![\w./-])(?!A4\b)((?:[a-z][a-z-]*\.)?[A-Z]{1,2}\d{1,2})(?![\w-]|\.\d)/gu;
/** Ids with a module's name; numbers alone are steps of the flowcharts as well, which pages are full of. */
const WHOLE = /^[a-z]/u;
/** Elsewhere a comment's `D5` is a step of a flowchart, or a label of an example. */
const COMMENTS_WITH_INVARIANTS = /^(?:src|machines|config|nodes)\//u;

type Mention = { readonly file: string; readonly line: number; readonly id: string };

/** Ids that two files define, and references to ids that no file defines. */
export function findInvariants(passages: readonly Passage[]): Finding[] {
  const comments = passages.filter(({ kind }) => kind === "comment");
  const defined = comments.flatMap((passage) => mentionsIn(passage, DEFINED));
  const byId = Map.groupBy(defined, ({ id }) => id);
  const twice = defined.filter(({ id }) => (byId.get(id)?.length ?? 0) > 1);
  const isKnown = ({ file, id }: Mention): boolean =>
    byId.has(id) && (WHOLE.test(id) || byId.get(id)?.some((one) => one.file === file) === true);
  const isShort = ({ file, id }: Mention): boolean =>
    defined.some((one) => one.file === file && one.id.endsWith(`.${id}`));
  const unknown = passages
    .filter(({ kind }) => kind !== "text")
    .flatMap((passage) => mentionsIn(passage, REFERRED))
    .filter(({ file, id }) => WHOLE.test(id) || COMMENTS_WITH_INVARIANTS.test(file))
    .filter((one) => !isKnown(one) && !isShort(one));
  return [
    ...twice.map((one) => toFinding(one, INVARIANT_TWICE, "an id of its own: module.X1")),
    ...unknown.map((one) => toFinding(one, INVARIANT_UNKNOWN, "an id that a file defines: module.X1")),
  ];
}

function mentionsIn({ file, line, text }: Passage, pattern: RegExp): Mention[] {
  return [...text.matchAll(pattern)].map((match) => ({
    file,
    line: line + lineAt(text, match.index) - 1,
    id: match[1] ?? "",
  }));
}

const toFinding = ({ file, line, id }: Mention, rule: string, instead: string): Finding => ({
  file,
  line,
  rule,
  found: id,
  instead,
});

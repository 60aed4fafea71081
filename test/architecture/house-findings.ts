/** All that the architecture tests of prose and docstrings find in the project today. */
import { findDocstrings } from "./docstrings.ts";
import type { Finding } from "./findings.ts";
import { findInvariants } from "./invariants.ts";
import { readParsed } from "./parsed.ts";
import { type Passage, readPassages } from "./passages.ts";
import { findProse } from "./prose.ts";
import { readSources } from "./sources.ts";

/** The product: what others import and run. */
const DOCUMENTED = /^(?:src|machines|config|nodes)\/.*\.ts$/u;

/** Forbidden words, long lines, and invariants that are ambiguous. */
export function proseFindings(passages: readonly Passage[] = readPassages()): Finding[] {
  return [...findProse(passages), ...findInvariants(passages)];
}

/** Exports of the product without a sentence. */
export function docstringFindings(): Finding[] {
  const paths = readSources()
    .map(({ path }) => path)
    .filter((path) => DOCUMENTED.test(path));
  return readParsed(paths, findDocstrings).flat();
}

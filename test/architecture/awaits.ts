/** Every `await` of the project's sources, read with TypeScript's own parser. */
import {
  isAwaitExpression,
  isCallExpression,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isMethodDeclaration,
  type Node,
  type SourceFile,
} from "typescript/unstable/ast";
import { readParsed } from "./parsed.ts";

export type Await = {
  /** From the project's root: `src/runtime/commit/relay.ts`. */
  readonly file: string;
  /** The method or function around it; of an anonymous one, the named one around that. */
  readonly within: string;
  /** The awaited expression on one line; a long call without its arguments. The second of the same gets ` (2)`. */
  readonly awaited: string;
};

/** A call of the injected `crash`, and the await next to it. */
export type Place = {
  readonly file: string;
  readonly point: string;
  readonly when: string;
  /** `<function>: <awaited>` of the awaits before and behind it in the text; the outer one where they nest. */
  readonly last: string;
  readonly next: string;
};

const LONGEST = 72;
const CRASH = /^[\w.#]*crash\?\.\("([a-z_.]+)", "(before|after)"\)$/u;

/** @param paths from the project's root; each must be a part of the project that tsconfig.json describes */
export function readAwaits(paths: readonly string[]): { awaits: Await[]; places: Place[] } {
  const found = readParsed(paths, readFile);
  return {
    awaits: found.flatMap(({ awaits }) => awaits),
    places: found.flatMap(({ places }) => places),
  };
}

type Found = Await & { readonly start: number; readonly end: number };

function readFile(file: string, source: SourceFile): { awaits: Found[]; places: Place[] } {
  const awaits: Found[] = [];
  const calls: { readonly point: string; readonly when: string; readonly start: number }[] = [];
  const seen = new Map<string, number>();
  const visit = (node: Node, within: string): void => {
    if (isAwaitExpression(node)) {
      const text = shortened(node.expression, source);
      const count = (seen.get(`${within} ${text}`) ?? 0) + 1;
      seen.set(`${within} ${text}`, count);
      const awaited = count === 1 ? text : `${text} (${count})`;
      awaits.push({ file, within, awaited, start: node.getStart(source), end: node.end });
    }
    const crash = isCallExpression(node) && CRASH.exec(onOneLine(node.getText(source)));
    if (crash) calls.push({ point: crash[1] ?? "", when: crash[2] ?? "", start: node.getStart(source) });
    const name = nameOf(node, source) ?? within;
    node.forEachChild((child) => {
      visit(child, name);
    });
  };
  visit(source, "");
  const told = (one: Found | undefined): string => (one ? `${one.within}: ${one.awaited}` : "");
  const places = calls.map(({ point, when, start }) => ({
    file,
    point,
    when,
    last: told(latest(awaits, start)),
    next: told(awaits.find((one) => one.start > start)),
  }));
  return { awaits, places };
}

/** The await that ended last before this place; the outermost of those that end together. */
function latest(awaits: readonly Found[], place: number): Found | undefined {
  let found: Found | undefined;
  for (const one of awaits) if (one.end < place && one.end > (found?.end ?? 0)) found = one;
  return found;
}

function nameOf(node: Node, source: SourceFile): string | undefined {
  if (isConstructorDeclaration(node)) return "constructor";
  if (isMethodDeclaration(node) || isFunctionDeclaration(node)) return node.name?.getText(source);
  return undefined;
}

function shortened(node: Node, source: SourceFile): string {
  const text = onOneLine(node.getText(source));
  if (text.length <= LONGEST || !isCallExpression(node)) return text.slice(0, LONGEST);
  return `${onOneLine(node.expression.getText(source))}(...)`.slice(0, LONGEST);
}

function onOneLine(text: string): string {
  return text.replace(/\s+/gu, " ").replace(/,? ([)}\]])/gu, " $1");
}

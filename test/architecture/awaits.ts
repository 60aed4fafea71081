/**
 * The failpoints and the awaits of the project's sources, read with TypeScript's own parser.
 * Not an await of its own: a failpoint, and `sleep`, which waits for time and nothing else.
 */
import {
  isArrayLiteralExpression,
  isArrowFunction,
  isAwaitExpression,
  isBinaryExpression,
  isCallExpression,
  isConditionalExpression,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isIdentifier,
  isMethodDeclaration,
  isNewExpression,
  isParenthesizedExpression,
  isPropertyAccessExpression,
  isStringLiteral,
  type Node,
  type SourceFile,
} from "typescript/unstable/ast";
import { readParsed } from "./parsed.ts";

/** What one function awaits outside of failpoints. */
export type FunctionAwaits = {
  /** From the project's root: `src/runtime/commit/relay.ts`. */
  readonly file: string;
  /** The method or function; for an anonymous function, the named one around it. */
  readonly within: string;
  /** The name of each function or promise awaited, sorted; a name occurs as often as it is awaited. */
  readonly awaited: readonly string[];
};

/** A call `failpoint(hook, "point", () => call())`. */
export type PointSite = {
  readonly file: string;
  readonly point: string;
  /** False when the call is not awaited at once, so that its sides say nothing about the code around it. */
  readonly awaited: boolean;
};

/** Calls that wait for several promises, or hand one on: what they are given is what is awaited. */
const COMBINATORS = new Set(["all", "race", "allSettled", "any"]);
const CHAINED = new Set(["catch", "then", "finally"]);

/** @param paths from the project's root; each must be a part of the project that tsconfig.json describes */
export function readAwaits(paths: readonly string[]): { awaits: FunctionAwaits[]; sites: PointSite[] } {
  const found = readParsed(paths, readFile);
  return {
    awaits: found.flatMap(({ awaits }) => awaits),
    sites: found.flatMap(({ sites }) => sites),
  };
}

function readFile(file: string, source: SourceFile): { awaits: FunctionAwaits[]; sites: PointSite[] } {
  const byFunction = new Map<string, string[]>();
  const sites: PointSite[] = [];
  const visit = (node: Node, parent: Node | undefined, within: string): void => {
    const point = pointOf(node, source);
    if (point !== undefined)
      sites.push({ file, point, awaited: parent !== undefined && isAwaitExpression(parent) });
    if (isAwaitExpression(node) && pointOf(node.expression, source) === undefined) {
      const names = awaitedBy(node.expression, source).filter((name) => name !== "sleep");
      byFunction.set(within, [...(byFunction.get(within) ?? []), ...names]);
    }
    const name = nameOf(node, source) ?? within;
    node.forEachChild((child) => {
      visit(child, node, name);
    });
  };
  visit(source, undefined, "");
  const awaits = [...byFunction].map(([within, awaited]) => ({ file, within, awaited: awaited.toSorted() }));
  return { awaits: awaits.filter(({ awaited }) => awaited.length > 0), sites };
}

/** The name of the point that this call is; `undefined` when it is none. */
function pointOf(node: Node, source: SourceFile): string | undefined {
  if (!isCallExpression(node) || node.expression.getText(source) !== "failpoint") return undefined;
  const [, point] = node.arguments;
  return point && isStringLiteral(point) ? point.text : "not a literal";
}

function awaitedBy(node: Node, source: SourceFile): string[] {
  if (isParenthesizedExpression(node)) return awaitedBy(node.expression, source);
  if (isConditionalExpression(node))
    return [...awaitedBy(node.whenTrue, source), ...awaitedBy(node.whenFalse, source)];
  if (isBinaryExpression(node)) return [...awaitedBy(node.left, source), ...awaitedBy(node.right, source)];
  if (isNewExpression(node)) return [`new ${node.expression.getText(source)}`];
  if (isCallExpression(node)) return calledBy(node.expression, node.arguments, source);
  return [lastName(node, source)];
}

function calledBy(callee: Node, args: readonly Node[], source: SourceFile): string[] {
  const name = lastName(callee, source);
  if (!isPropertyAccessExpression(callee)) return [name];
  if (CHAINED.has(name)) return awaitedBy(callee.expression, source);
  if (callee.expression.getText(source) === "Promise" && COMBINATORS.has(name)) {
    const [list] = args;
    if (list && isArrayLiteralExpression(list))
      return list.elements.flatMap((element) => awaitedBy(element, source));
    return list ? awaitedBy(list, source) : [];
  }
  const [each] = args;
  // `Promise.all(locks.map((lock) => this.read(lock)))`; the awaits in a body are found by themselves.
  if (name === "map" && each && isArrowFunction(each))
    return each.body.getText(source).startsWith("{") ? [] : awaitedBy(each.body, source);
  return [name];
}

function lastName(node: Node, source: SourceFile): string {
  if (isPropertyAccessExpression(node)) return node.name.getText(source);
  return isIdentifier(node) ? node.text : node.getText(source).replace(/\s+/gu, " ").slice(0, 40);
}

function nameOf(node: Node, source: SourceFile): string | undefined {
  if (isConstructorDeclaration(node)) return "constructor";
  if (isMethodDeclaration(node) || isFunctionDeclaration(node)) return node.name?.getText(source);
  return undefined;
}

/** What one source file measures: its size, its functions, its comments, its exports. */
import {
  isArrowFunction,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isMethodDeclaration,
  isSetAccessorDeclaration,
  type Node,
  type SourceFile,
} from "typescript/unstable/ast";
import { exportsOf } from "../docstrings.ts";
import { commentRanges, lineAt } from "../passages.ts";

export type Measured = {
  /** From the project's root. */
  readonly file: string;
  readonly lines: number;
  /** Lines that are not blank. */
  readonly written: number;
  /** Lines on which a comment begins, goes on or ends. */
  readonly commentLines: number;
  /** Whether a comment is the first thing in the file. */
  readonly hasHeader: boolean;
  /** Functions, methods and accessors with a body, those inside of others included: the lines from first to last. */
  readonly functions: readonly { readonly name: string; readonly lines: number }[];
  readonly exports: number;
  /** Exports with a comment directly above. */
  readonly documented: number;
};

/** Measures one parsed file. */
export function measure(file: string, source: SourceFile): Measured {
  const { text } = source;
  const comments = commentRanges(source);
  const commentLines = new Set<number>();
  for (const { start, end } of comments)
    for (let line = lineAt(text, start); line <= lineAt(text, end); line++) commentLines.add(line);
  const exported = exportsOf(source);
  return {
    file,
    lines: text.split("\n").length - 1,
    written: text.split("\n").filter((line) => line.trim() !== "").length,
    commentLines: commentLines.size,
    hasHeader: /^(?:#![^\n]*\n)?\s*\/[/*]/u.test(text),
    functions: functionsOf(source),
    exports: exported.length,
    documented: exported.filter(({ doc }) => doc !== undefined).length,
  };
}

function functionsOf(source: SourceFile): { name: string; lines: number }[] {
  const found: { name: string; lines: number }[] = [];
  const visit = (node: Node): void => {
    if (isFunction(node)) {
      const from = node.getStart(source);
      const name = /^[^\n]{0,60}/u.exec(source.text.slice(from))?.[0] ?? "";
      found.push({ name, lines: lineAt(source.text, node.end) - lineAt(source.text, from) + 1 });
    }
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

function isFunction(node: Node): boolean {
  const isKind =
    isFunctionDeclaration(node) ||
    isFunctionExpression(node) ||
    isArrowFunction(node) ||
    isMethodDeclaration(node) ||
    isConstructorDeclaration(node) ||
    isGetAccessorDeclaration(node) ||
    isSetAccessorDeclaration(node);
  return isKind && node.body !== undefined;
}

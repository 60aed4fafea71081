/** Every export of the product says in one sentence what it is. */
import {
  isClassDeclaration,
  isEnumDeclaration,
  isFunctionDeclaration,
  isInterfaceDeclaration,
  isTypeAliasDeclaration,
  isVariableStatement,
  type Node,
  type SourceFile,
  type Statement,
  SyntaxKind,
} from "typescript/unstable/ast";
import type { Finding } from "./findings.ts";
import { lineAt } from "./passages.ts";

export type Exported = {
  readonly name: string;
  readonly line: number;
  /** The comment directly above, without its marks; undefined when there is none. */
  readonly doc: string | undefined;
};

/** Names of the two rules. */
const DOC_MISSING = "export without docstring";
const DOC_SHAPE = "docstring without a sentence";

/** Whether an allowance of this rule belongs to the test of docstrings. */
export const isAboutDocstrings = (rule: string): boolean => rule === DOC_MISSING || rule === DOC_SHAPE;

/** Begins with a capital, a number, or code, and has an end. */
const SENTENCE = /^[\p{Lu}\d`"'([{<~][^]*?[.:?!)]/u;

/** What is declared and exported in one statement. A list of exports (`export { a }`) declares nothing. */
export function exportsOf(source: SourceFile): Exported[] {
  const found: Exported[] = [];
  for (const statement of source.statements) {
    if (!isExported(statement)) continue;
    const [name = ""] = namesOf(statement, source);
    // Of an overloaded function the first signature has the sentence.
    if (name === "" || found.some((one) => one.name === name)) continue;
    found.push({
      name,
      line: lineAt(source.text, statement.getStart(source)),
      doc: docAbove(source, statement),
    });
  }
  return found;
}

/** Exports of one file that have no docstring, or one that says nothing. */
export function findDocstrings(file: string, source: SourceFile): Finding[] {
  return exportsOf(source).flatMap(({ name, line, doc }): Finding[] => {
    if (doc === undefined)
      return [{ file, line, rule: DOC_MISSING, found: name, instead: "a comment that says what it is" }];
    if (startsWithSentence(doc)) return [];
    return [{ file, line, rule: DOC_SHAPE, found: name, instead: "a sentence first, then tags" }];
  });
}

/** Tags do not count: a docstring of nothing but `@param` is none. */
export function startsWithSentence(doc: string): boolean {
  const [description = ""] = doc.split(/^\s*@\w/mu);
  return SENTENCE.test(description.trim());
}

function isExported(statement: Statement): boolean {
  const modifiers =
    "modifiers" in statement ? (statement.modifiers as Iterable<Node> | undefined) : undefined;
  return [...(modifiers ?? [])].some(({ kind }) => kind === SyntaxKind.ExportKeyword);
}

function namesOf(statement: Statement, source: SourceFile): string[] {
  if (isVariableStatement(statement))
    return [...statement.declarationList.declarations].map(({ name }) => name.getText(source));
  if (
    isFunctionDeclaration(statement) ||
    isClassDeclaration(statement) ||
    isInterfaceDeclaration(statement) ||
    isTypeAliasDeclaration(statement) ||
    isEnumDeclaration(statement)
  )
    return [statement.name?.getText(source) ?? "default"];
  return [];
}

/** The last comment before the statement; a file's opening comment serves the first export that follows at once. */
function docAbove(source: SourceFile, statement: Statement): string | undefined {
  const above = source.text.slice(statement.pos, statement.getStart(source));
  const last = [...above.matchAll(/\/\*\*([^]*?)\*\/[ \t]*\n?(?:[ \t]*\/\/[^\n]*\n)*/gu)].at(-1);
  if (last === undefined || above.slice(last.index + last[0].length).trim() !== "") return undefined;
  return (last[1] ?? "").replace(/^[ \t]*\* ?/gmu, "").trim();
}

/**
 * The project's prose, cut into passages: comments, texts in string literals, and pages. Code inside of prose (spans in
 * backticks, paths, addresses, fenced blocks) is blanked, so that only the words that a person wrote are left.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  isImportDeclaration,
  isNoSubstitutionTemplateLiteral,
  isPropertyAssignment,
  isRegularExpressionLiteral,
  isStringLiteral,
  isTemplateExpression,
  isTemplateHead,
  isTemplateMiddle,
  isTemplateTail,
  type Node,
  type SourceFile,
} from "typescript/unstable/ast";
import { readParsed } from "./parsed.ts";
import { readSources } from "./sources.ts";

export type Passage = {
  /** From the project's root. */
  readonly file: string;
  /** `text`: a string literal of at least two words, such as a log message or a test's title. */
  readonly kind: "comment" | "text" | "page";
  /** Of the first line of `text`, from 1. */
  readonly line: number;
  /** Line by line as in the file, without comment marks; code is blanked. */
  readonly text: string;
  /** Numbers of the lines that are longer than `MAX_COLUMNS`. Always empty for `text`. */
  readonly longLines: readonly number[];
};

/** Longest line of a comment or a page. Tables, addresses and code in pages are not counted. */
export const MAX_COLUMNS = 120;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HASH_COMMENTED = [".ci/run", ".taprc", "Dockerfile", "docker-compose.yml", "config/**/*.conf"];

/** These files name the forbidden words: the rules, and the fixtures of their tests. */
const ABOUT_WORDS = /^test\/architecture\/(?:prose-rules\.ts|(?:prose|docstrings)\.test\.ts|fixtures\/)/u;

const CODE_IN_PROSE =
  /`[^`\n]*`|\bhttps?:\/\/[^\s)>]+|\{@link[^}]*\}|(?:[\w.*{},-]+\/)+[\w.*{},-]*|\b[\w-]+\.(?:test\.)?(?:ts|mjs|md|json|conf|sqlite)\b|\]\([^)\s]*\)/gu;
/** Two plain words: shorter literals are names and values. */
const WORDS = /(?:^|[\s"(])\p{L}[\p{L}']+,? \p{L}[\p{L}']*(?=$|[\s.,:;!?")])/u;
const SQL = /^\s*(?:SELECT|INSERT|CREATE|DELETE|UPDATE|PRAGMA|BEGIN|DROP|ALTER|WITH|REPLACE)\b/u;

/** Every passage of the sources, the scripts and the pages. */
export function readPassages(): Passage[] {
  const typed = readSources()
    .map(({ path }) => path)
    .filter((path) => /\.tsx?$/u.test(path) && !ABOUT_WORDS.test(path));
  return [
    ...readParsed(typed, passagesOf).flat(),
    ...passagesOfScript("orderly.mjs", read("orderly.mjs")),
    ...globSync(HASH_COMMENTED, { cwd: ROOT }).flatMap((path) => passagesOfHashed(path, read(path))),
    ...globSync("**/*.md", { cwd: ROOT, exclude: (path) => /(?:^|\/)(?:node_modules|\.[a-z]+)$/u.test(path) })
      .toSorted()
      .flatMap((path) => passageOfPage(path, read(path))),
  ];
}

/** Comments and texts of one source file. */
export function passagesOf(file: string, source: SourceFile): Passage[] {
  return [...commentsOf(file, source), ...textsOf(file, source)];
}

/** Comments of one source file; `//` lines that follow each other are one comment. */
function commentsOf(file: string, source: SourceFile): Passage[] {
  return commentRanges(source).map(({ start, end }) => commentAt(file, source.text, start, end));
}

/** Where the comments are, in order. */
export function commentRanges(source: SourceFile): { start: number; end: number }[] {
  const { text } = source;
  const literals = literalSpans(source);
  const mark = /\/\/[^\n]*|\/\*[^]*?\*\//gu;
  const found: { start: number; end: number }[] = [];
  let at = 0;
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    while ((literals[at]?.end ?? Infinity) <= match.index) at += 1;
    const literal = literals[at];
    if (literal !== undefined && literal.start <= match.index) {
      mark.lastIndex = literal.end;
      continue;
    }
    const last = found.at(-1);
    const between = last === undefined ? "x" : text.slice(last.end, match.index);
    const goesOn = last !== undefined && /^\n[ \t]*$/u.test(between) && text.startsWith("//", last.start);
    if (goesOn && match[0].startsWith("//")) last.end = mark.lastIndex;
    else found.push({ start: match.index, end: mark.lastIndex });
  }
  return found;
}

/** Text in which a comment's mark is none: strings, templates, regular expressions. In order. */
function literalSpans(source: SourceFile): { start: number; end: number }[] {
  const spans: { start: number; end: number }[] = [];
  const visit = (node: Node): void => {
    if (isLiteral(node)) spans.push({ start: node.getStart(source), end: node.end });
    node.forEachChild(visit);
  };
  visit(source);
  return spans.toSorted((one, other) => one.start - other.start);
}

function isLiteral(node: Node): boolean {
  return (
    isStringLiteral(node) ||
    isRegularExpressionLiteral(node) ||
    isNoSubstitutionTemplateLiteral(node) ||
    isTemplateHead(node) ||
    isTemplateMiddle(node) ||
    isTemplateTail(node)
  );
}

function commentAt(file: string, whole: string, start: number, end: number): Passage {
  const line = lineAt(whole, start);
  const raw = whole.slice(start, end);
  const text = raw.startsWith("//")
    ? raw.replace(/^[ \t]*\/\/ ?/gmu, "")
    : raw
        .replace(/^\/\*\*?/u, "")
        .replace(/\*\/$/u, "")
        .replace(/^[ \t]*\* ?/gmu, "");
  const lines = whole.split("\n").slice(line - 1, line - 1 + raw.split("\n").length);
  return { file, kind: "comment", line, text: blanked(text), longLines: longOf(lines, line) };
}

/** Code of the sources, quoted by a planted bug (test/mutants/mutant.ts): `find` and `replace`. */
const isPlantedCode = (node: Node): boolean =>
  isPropertyAssignment(node) && /^(?:find|replace)$/u.test(node.name.getText());

function textsOf(file: string, source: SourceFile): Passage[] {
  const found: Passage[] = [];
  const add = (node: Node, text: string): void => {
    if (isText(text))
      found.push({
        file,
        kind: "text",
        line: lineAt(source.text, node.getStart(source)),
        text: blanked(text),
        longLines: [],
      });
  };
  const visit = (node: Node): void => {
    if (isImportDeclaration(node) || isPlantedCode(node)) return;
    if (isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)) add(node, node.text);
    if (isTemplateExpression(node))
      add(node, node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join(""));
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

const isText = (text: string): boolean => WORDS.test(text) && !SQL.test(text);

/** A script that the project's tsconfig does not know: comments at the beginning of lines, and quoted texts. */
function passagesOfScript(file: string, text: string): Passage[] {
  const comments = [...text.matchAll(/^[ \t]*(?:\/\*\*[^]*?\*\/|\/\/[^\n]*)/gmu)].map((match) =>
    commentAt(file, text, match.index + match[0].search(/\S/u), match.index + match[0].length),
  );
  return [...comments, ...quotedIn(file, text.replace(/^[ \t]*(?:\/\/|\/?\*)[^\n]*$/gmu, ""))];
}

/** Comments from `#` on, and quoted texts. */
function passagesOfHashed(file: string, text: string): Passage[] {
  const comments = text.split("\n").flatMap((line, index): Passage[] => {
    const comment = /^\s*#(?!!) ?(.*)$/u.exec(line)?.[1];
    if (comment === undefined) return [];
    const number = index + 1;
    return [
      { file, kind: "comment", line: number, text: blanked(comment), longLines: longOf([line], number) },
    ];
  });
  return [...comments, ...quotedIn(file, text.replace(/^\s*#[^\n]*$/gmu, ""))];
}

function quotedIn(file: string, code: string): Passage[] {
  return [...code.matchAll(/"([^"\n]*)"|`([^`]*)`/gu)]
    .map((match) => ({ at: match.index, text: match[1] ?? match[2] ?? "" }))
    .filter(({ text }) => isText(text))
    .map(({ at, text }) => ({
      file,
      kind: "text",
      line: lineAt(code, at),
      text: blanked(text),
      longLines: [],
    }));
}

/** A page without its fenced blocks. */
export function passageOfPage(file: string, page: string): Passage {
  const text = page.replace(/^```[^]*?^```$/gmu, (block) => block.replace(/[^\n]/gu, " "));
  const lines = text
    .split("\n")
    .map((line) => (line.startsWith("|") ? "" : line.replace(/\]\([^)\s]*\)|\bhttps?:\/\/\S+/gu, "]")));
  return { file, kind: "page", line: 1, text: blanked(text), longLines: longOf(lines, 1) };
}

const blanked = (text: string): string => text.replace(CODE_IN_PROSE, (code) => " ".repeat(code.length));

const longOf = (lines: readonly string[], first: number): number[] =>
  lines.flatMap((line, index) => (line.length > MAX_COLUMNS ? [first + index] : []));

export const lineAt = (text: string, position: number): number => text.slice(0, position).split("\n").length;

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

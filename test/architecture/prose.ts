/** Finds what the rules of prose forbid. */
import type { Finding } from "./findings.ts";
import { lineAt, MAX_COLUMNS, type Passage } from "./passages.ts";
import { type ProseRule, proseRules } from "./prose-rules.ts";

/** Name of the rule about the length of lines. */
const LONG_LINE = "long line";

type Matcher = { readonly rule: ProseRule; readonly pattern: RegExp; readonly except: RegExp | undefined };

const matchers: readonly Matcher[] = proseRules.map((rule) => ({
  rule,
  pattern: patternOf(rule.words),
  except: rule.except === undefined ? undefined : patternOf(rule.except),
}));

/** Forbidden words and lines that are too long, passage by passage. */
export function findProse(passages: readonly Passage[]): Finding[] {
  return passages.flatMap((passage) => [...forbiddenIn(passage), ...longLinesOf(passage)]);
}

function forbiddenIn({ file, line, text }: Passage): Finding[] {
  return matchers.flatMap(({ rule, pattern, except }) => {
    if (rule.not?.test(file) === true || rule.only?.test(file) === false) return [];
    const allowed = except === undefined ? [] : [...text.matchAll(except)];
    return [...text.matchAll(pattern)]
      .filter(({ index }) => !allowed.some((one) => one.index <= index && index < one.index + one[0].length))
      .map((match) => ({
        file,
        line: line + lineAt(text, match.index) - 1,
        rule: rule.name,
        found: match[0].replaceAll(/\s+/gu, " "),
        instead: rule.instead,
      }));
  });
}

function longLinesOf({ file, longLines }: Passage): Finding[] {
  return longLines.map((line) => ({
    file,
    line,
    rule: LONG_LINE,
    found: `line ${line}`,
    instead: `at most ${MAX_COLUMNS} columns`,
  }));
}

/** Whole words in any case; a phrase may go over the end of a line. */
function patternOf(words: string): RegExp {
  return new RegExp(String.raw`(?<!\w|\w\.)(?:${words.replaceAll(" ", String.raw`\s+`)})(?!\w)`, "giu");
}

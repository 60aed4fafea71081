/**
 * Process: `npm run check:house`. Prints the figures of the house as tables: files, functions, comments, docstrings,
 * the words of the comments, and the files that one order enters. With `--allow` it writes what is allowed of forbidden
 * words and missing docstrings (test/architecture/allowances.json) instead; with `--missing` it lists the exports
 * without a docstring, with `--words` every forbidden word, and where.
 */
import { type Finding, writeAllowances } from "../findings.ts";
import { docstringFindings, proseFindings } from "../house-findings.ts";
import { readParsed } from "../parsed.ts";
import { readPassages } from "../passages.ts";
import { readSources } from "../sources.ts";
import { measure } from "./measure.ts";
import { longFunctions, proseTable, sizesTable } from "./tables.ts";
import { walkOrder } from "./walk.ts";

const print = (...lines: readonly string[]): void => void process.stdout.write(`${lines.join("\n")}\n`);

const folderOf = (file: string): string =>
  file
    .split("/")
    .slice(0, /^src\/(?:runtime|services|http)\//u.test(file) ? 3 : 2)
    .filter((part) => !part.endsWith(".ts"))
    .join("/");

const [option, ...more] = process.argv.slice(2);
if (option === "--allow" && more.length === 0) allow();
else if (option === "--missing" && more.length === 0) list(docstringFindings());
else if (option === "--words" && more.length === 0) list(proseFindings());
else if (option === undefined) await figures();
else {
  process.stderr.write("usage: npm run check:house [-- --allow | --missing | --words]\n");
  process.exitCode = 2;
}

function allow(): void {
  const rows = writeAllowances([...proseFindings(), ...docstringFindings()]);
  print(`${rows} allowances written to test/architecture/allowances.json`);
}

function list(findings: readonly Finding[]): void {
  for (const { file, line, rule, found, instead } of findings)
    print(`${file}:${line}: ${rule}: "${found}": ${instead}`);
  print(`${findings.length} in all`);
}

async function figures(): Promise<void> {
  const paths = readSources().map(({ path }) => path);
  const measured = readParsed(
    paths.filter((path) => path.endsWith(".ts")),
    measure,
  );
  print("Sizes", "", sizesTable(measured), "");
  print("Functions over 70 lines outside of tests and benchmarks", "", ...longFunctions(measured), "");
  print("Comments: forbidden words for 10 000 words", "", proseTable(readPassages()), "");
  const files = await walkOrder();
  print(`Files that POST /v1/orders enters, its stock on the node: ${files.length}`);
  print(
    "A file counts when one of its functions runs between the request and its answer, which follows the batch's",
  );
  print("acknowledgement, in each of ten rounds. Worker threads are not seen.");
  for (const [folder, those] of Map.groupBy(files, folderOf)) print(`  ${folder}: ${those.length}`);
}

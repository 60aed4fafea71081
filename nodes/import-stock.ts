/**
 * Process: puts a CSV file of stock and prices into a running cluster, line by line, and ends.
 * Exit code 0: all lines are stored; 1: some are not, each is named; 2: nothing could be done. The same file again
 * changes nothing. A run that is interrupted has stored some of the lines: run it again.
 */
import { createReadStream } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parse } from "csv-parse";
import { loadCatalogueSettings } from "../config/settings.ts";
import { readStockLine, stockColumns, type StockLine } from "../src/services/inventory/stock-file.ts";
import { reasonOf } from "./local/patience.ts";

const USAGE = `usage: node orderly.mjs import-stock [--dry-run] FILE.csv

Sets name, price and stock on hand of every SKU in the file. The first line names the columns, in any order:

  sku,name,price,currency,onHand
  TSHIRT-M,"T-shirt, medium",19.99,EUR,100

onHand counts all pieces in the warehouse, the reserved ones included.

  --dry-run   reads and checks the file, and stores nothing
  --help      this text

ORDERLY_NODE_URL says where a node is (default http://127.0.0.1:3000).
`;

const AT_ONCE = 16;
const PROGRESS_EVERY = 1000;
const ASK_TIMEOUT_MS = 15_000;
/** While a node is busy or away, about a minute. */
const TRIES = 30;
const RETRY_MS = 2000;

type Row = { readonly record: Record<string, string>; readonly info: { readonly lines: number } };

const counts = { stored: 0, refused: 0 };

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`orderly import-stock: ${reasonOf(error)}\n`);
  process.exitCode = 2;
}

async function run(): Promise<0 | 1 | 2> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { "dry-run": { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  const [file, ...more] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (file === undefined || more.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { nodeUrl } = loadCatalogueSettings();
  await importFile(file, values["dry-run"] === true ? undefined : nodeUrl);
  const done = values["dry-run"] ? "good" : "stored";
  process.stdout.write(`${counts.stored} lines ${done}, ${counts.refused} refused\n`);
  return counts.refused === 0 ? 0 : 1;
}

/** Reads the file as fast as it is stored, so that its size does not matter. @param nodeUrl without one, only checks */
async function importFile(file: string, nodeUrl: string | undefined): Promise<void> {
  const parser = createReadStream(file).pipe(
    parse({ bom: true, columns: header, info: true, skip_empty_lines: true, trim: true }),
  );
  const seen = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  for await (const { record, info } of parser as AsyncIterable<Row>) {
    const line = readStockLine(record);
    if (typeof line === "string") refuse(info.lines, line);
    else if (seen.has(line.sku))
      refuse(info.lines, `${line.sku} stands in line ${seen.get(line.sku)} already`);
    else {
      seen.set(line.sku, info.lines);
      const storing = store(line, info.lines, nodeUrl).finally(() => underWay.delete(storing));
      underWay.add(storing);
      if (underWay.size >= AT_ONCE) await Promise.race(underWay);
    }
  }
  await Promise.all(underWay);
}

function header(names: string[]): string[] {
  const missing = stockColumns.filter((column) => !names.includes(column));
  if (missing.length === 0) return names;
  throw new Error(
    `the first line lacks the columns ${missing.join(", ")}; it must name ${stockColumns.join(", ")}`,
  );
}

async function store({ sku, stock }: StockLine, line: number, nodeUrl: string | undefined): Promise<void> {
  const problem =
    nodeUrl === undefined
      ? undefined
      : await put(`${nodeUrl}/v1/inventory/${encodeURIComponent(sku)}`, stock);
  if (problem !== undefined) return refuse(line, `${sku}: ${problem}`);
  if (++counts.stored % PROGRESS_EVERY === 0) process.stderr.write(`${counts.stored} lines\n`);
}

/** @returns why the node does not take it; undefined when it is stored. @throws Error when no node answers */
async function put(address: string, stock: object): Promise<string | undefined> {
  let reason = "";
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    try {
      const response = await fetch(address, {
        method: "PUT",
        body: JSON.stringify(stock),
        headers: { "content-type": "application/json" },
        signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      });
      if (response.ok) return undefined;
      const { code, detail } = (await response.json()) as { code?: string; detail?: string };
      if (response.status !== 429 && response.status < 500)
        return `${code ?? response.status}: ${detail ?? ""}`;
      reason = `${address} answers ${response.status} ${code ?? ""}`;
    } catch (error) {
      reason = `${address}: ${reasonOf(error)}`;
    }
    await pause(RETRY_MS);
  }
  throw new Error(`${reason} (tried ${TRIES} times)`);
}

function refuse(line: number, why: string): void {
  counts.refused++;
  process.stderr.write(`line ${line}: ${why}\n`);
}

/**
 * Process: puts a CSV file of stock and prices into a running cluster, line by line, and ends. A second run with the
 * same file changes nothing. An interrupted run has stored some of the lines; another run stores the rest.
 */
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { authorization, loadCatalogueSettings } from "../config/catalogue-settings.ts";
import { readStockHeader, readStockLine, type StockLine } from "../src/services/inventory/stock-file.ts";
import { reasonOf } from "./local/max-wait.ts";

const DEFAULT_MAX_WAIT_S = 60;

const USAGE = `usage: node orderly.mjs import-stock [--dry-run] [--patience SECONDS] FILE.csv

Sets name, price and stock on hand of every SKU in the file. The first line names the columns, in any order:

  sku,name,price,currency,onHand
  TSHIRT-M,"T-shirt, medium",19.99,EUR,100

onHand counts all pieces in the warehouse, the reserved ones included. It is written over what is recorded: what was
shipped or received since the count is lost. Without the column, names and prices alone are set; deliveries and counts
of a running shop are adjustments (POST /v1/inventory/SKU/adjustments). The file is UTF-8, one SKU a line; fields may
be quoted, and contain no line breaks. The command names each line that cannot be stored by its number, and stores the
others.

  --dry-run            reads and checks the file, and stores nothing
  --patience SECONDS   how long a line waits for a node that is busy or away (default ${DEFAULT_MAX_WAIT_S})
  --help               this text

ORDERLY_NODE_URL is the address of a node (default http://127.0.0.1:3000).

exit code  0  every line is stored
           1  some lines are not, each is named
           2  the file was not read to its end, or no node answered; the output says how many lines were stored before
`;

const AT_ONCE = 16;
const PROGRESS_MS = 2000;
const ASK_TIMEOUT_MS = 15_000;
const RETRY_MS = 1000;

const counts = { read: 0, stored: 0, refused: 0 };
/** Why the import ends before the file does; undefined while it continues. */
let ended: string | undefined;

type Target = {
  readonly nodeUrl: string;
  readonly maxWaitMs: number;
  readonly headers: Readonly<Record<string, string>>;
};

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`orderly import-stock: ${reasonOf(error)}\n`);
  process.exitCode = 2;
}

async function run(): Promise<0 | 1 | 2> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      "dry-run": { type: "boolean" },
      patience: { type: "string", default: String(DEFAULT_MAX_WAIT_S) },
      help: { type: "boolean", short: "h" },
    },
  });
  const [file, ...more] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (file === undefined || more.length > 0 || !/^\d{1,6}$/u.test(values.patience)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { apiKey, nodeUrl } = loadCatalogueSettings();
  const target = values["dry-run"]
    ? undefined
    : { nodeUrl, maxWaitMs: Number(values.patience) * 1000, headers: authorization(apiKey) };
  await importFile(file, target);
  process.stdout.write(`${counts.stored} lines ${target ? "stored" : "good"}, ${counts.refused} refused\n`);
  if (ended !== undefined) throw new Error(`not finished: ${ended}`);
  return counts.refused === 0 ? 0 : 1;
}

/** Reads the file as fast as it is stored, so that its size is irrelevant. @param target without one, only checks */
async function importFile(file: string, target: Target | undefined): Promise<void> {
  const handle = await open(file);
  const progress = setInterval(printProgress, PROGRESS_MS);
  const inFlight = new Set<Promise<void>>();
  try {
    await readFile(handle, target, inFlight);
  } catch (error) {
    ended = reasonOf(error);
  } finally {
    // Requests that have begun are counted, however the reading ended.
    await Promise.all(inFlight);
    clearInterval(progress);
    await handle.close();
  }
}

async function readFile(
  handle: FileHandle,
  target: Target | undefined,
  inFlight: Set<Promise<void>>,
): Promise<void> {
  const seen = new Map<string, number>();
  let columns: readonly string[] | undefined;
  let number = 0;
  for await (const text of handle.readLines({ autoClose: false })) {
    number++;
    if (text.trim() === "") continue;
    if (columns === undefined) {
      const named = readStockHeader(text);
      if (typeof named === "string") throw new Error(`the first line ${named}`);
      columns = named;
      continue;
    }
    const line = readStockLine(columns, text);
    counts.read++;
    if (typeof line === "string") refuse(number, line);
    else if (seen.has(line.sku)) refuse(number, `${line.sku} is in line ${seen.get(line.sku)} already`);
    else {
      seen.set(line.sku, number);
      const storing = store(line, number, target).finally(() => inFlight.delete(storing));
      inFlight.add(storing);
      if (inFlight.size >= AT_ONCE) await Promise.race(inFlight);
    }
    if (ended !== undefined) return;
  }
  if (columns === undefined) throw new Error("the file is empty");
}

/** Never rejects: a line without an answer is reported, and ends the import. */
async function store({ sku, stock }: StockLine, line: number, target: Target | undefined): Promise<void> {
  try {
    const problem =
      target && (await put(`${target.nodeUrl}/v1/inventory/${encodeURIComponent(sku)}`, stock, target));
    if (problem === undefined) counts.stored++;
    else refuse(line, `${sku}: ${problem}`);
  } catch (error) {
    ended ??= reasonOf(error);
    process.stderr.write(`line ${line}: ${sku}: not known to be stored: ${reasonOf(error)}\n`);
  }
}

/** @returns why the node refuses it; undefined when it is stored. @throws Error when no node answers in time */
async function put(
  address: string,
  stock: object,
  { headers, maxWaitMs }: Target,
): Promise<string | undefined> {
  const deadline = performance.now() + maxWaitMs;
  for (;;) {
    const reason = await ask(address, stock, headers);
    if (typeof reason !== "string") return reason?.problem;
    if (ended !== undefined || performance.now() + RETRY_MS > deadline)
      throw new Error(`${reason} (waited ${maxWaitMs / 1000} s)`);
    await pause(RETRY_MS);
  }
}

/** One request. @returns a text when a repetition may help */
async function ask(
  address: string,
  stock: object,
  headers: Target["headers"],
): Promise<{ problem: string } | string | undefined> {
  try {
    const response = await fetch(address, {
      method: "PUT",
      body: JSON.stringify(stock),
      headers: { ...headers, "content-type": "application/json" },
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    const { code, detail } = (await response.json()) as { code?: string; detail?: string };
    if (response.ok) return undefined;
    const fault = `${code ?? response.status}: ${detail ?? ""}`;
    return response.status === 429 || response.status >= 500
      ? `${address} answers ${response.status} ${fault}`
      : { problem: fault };
  } catch (error) {
    return `${address}: ${reasonOf(error)}`;
  }
}

function refuse(line: number, why: string): void {
  counts.refused++;
  process.stderr.write(`line ${line}: ${why}\n`);
}

function printProgress(): void {
  const { read, stored, refused } = counts;
  process.stderr.write(`${read} lines read, ${stored} stored, ${refused} refused\n`);
}

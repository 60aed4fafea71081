/** Process: previews, starts, follows and stops bulk operations of a running cluster, over its HTTP API. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { authorization, loadCatalogueSettings } from "../config/catalogue-settings.ts";
import { bulkActions, type BulkView } from "../src/services/bulk/contract.ts";
import { reasonOf } from "./local/max-wait.ts";

const USAGE = `usage: node orderly.mjs bulk preview ACTION --reason TEXT --filter NAME=VALUE [--filter NAME=VALUE ...]
       node orderly.mjs bulk preview ACTION --reason TEXT --id ORDER [--id ORDER ...]
       node orderly.mjs bulk start TOKEN [--key KEY] [--follow]
       node orderly.mjs bulk show ID [--follow]
       node orderly.mjs bulk items ID [--outcome CODE]
       node orderly.mjs bulk stop ID

  preview    shows which orders ACTION would reach, and a token; nothing is done
  start      starts what was previewed; the token lives five minutes
  show       shows how far an operation has come
  items      lists its orders with their outcomes
  stop       finishes the orders that are being sent, and reaches no others
  ACTION     ${bulkActions.join(", ")}
  --reason   why; recorded in the history of each order
  --filter   as in the list of orders: status=confirmed, stuckFor=15m, sku=TSHIRT-M; repeated ones are combined
  --id       an order; may be repeated
  --key      idempotency key of the start: the same key finds the same operation. Without it, a new one is made and shown
  --follow   shows the progress until the operation has ended
  --outcome  only orders with this outcome, as done or illegal_transition
  --json     prints the API's JSON
  --help     this text

ORDERLY_NODE_URL is the node (default http://127.0.0.1:3000), ORDERLY_API_KEY the key of an operator when keys are on.

exit code  0  done; with --follow: the operation has ended, and every order has the outcome done
           1  refused; with --follow: it was stopped or has failed, or orders have other outcomes
           2  wrong arguments, or no answer: nothing is known to be done
`;

const ANSWER_MS = 30_000;
const POLL_MS = 500;
const PROGRESS_MS = 2_000;
/** Answers in a row that are missed before `--follow` ends. */
const MISSED_MAX = 60;

/** A command line without a meaning: exit code 2, with the reason. */
class Misused extends Error {}

type Code = 0 | 1 | 2;
type Options = {
  readonly reason?: string | undefined;
  readonly filter?: string[] | undefined;
  readonly id?: string[] | undefined;
  readonly key?: string | undefined;
  readonly outcome?: string | undefined;
  readonly follow?: boolean | undefined;
  readonly json?: boolean | undefined;
};
type Answer = {
  readonly ok: boolean;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
};

try {
  process.exitCode = await run();
} catch (error) {
  const help = error instanceof Misused ? "; see node orderly.mjs bulk --help" : "";
  process.stderr.write(`orderly bulk: ${reasonOf(error)}${help}\n`);
  process.exitCode = 2;
}

async function run(): Promise<Code> {
  const { values, positionals } = parsed();
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [what, subject, ...more] = positionals;
  if (subject === undefined || more.length > 0) throw new Misused("a command and one argument are needed");
  switch (what) {
    case "preview":
      return await preview(subject, values);
    case "start":
      return await start(subject, values);
    case "show":
      return await show(subject, values);
    case "items":
      return await items(subject, values);
    case "stop":
      return shown(await ask("POST", `/v1/bulk/${encodeURIComponent(subject)}/stop`, {}), values);
    default:
      throw new Misused(`there is no command "${what ?? ""}"`);
  }
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        reason: { type: "string" },
        filter: { type: "string", multiple: true },
        id: { type: "string", multiple: true },
        key: { type: "string" },
        outcome: { type: "string" },
        follow: { type: "boolean" },
        json: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new Misused(reasonOf(error));
  }
}

async function preview(action: string, { filter = [], id: ids = [], json, reason }: Options): Promise<Code> {
  if (reason === undefined) throw new Misused("--reason is needed");
  if ((filter.length === 0) === (ids.length === 0)) throw new Misused("either --filter or --id is needed");
  const which = ids.length > 0 ? { ids } : { filter: Object.fromEntries(filter.map(pairOf)) };
  const answer = await ask("POST", "/v1/bulk", { action, reason, dryRun: true, ...which });
  if (!answer.ok) return refused(answer);
  if (json) return printed(answer.body);
  const { count, eligible, exact, expiresAt, samples, token } = answer.body as {
    count: number;
    exact: boolean;
    eligible: { state: string; count: number }[];
    samples: { id: string; state: string }[];
    token: string;
    expiresAt: string;
  };
  const taking = eligible.reduce((sum, one) => sum + one.count, 0);
  print(`${count} orders${exact ? "" : " or more: the list of orders lags"}, ${taking} take ${action} now`);
  for (const { count: found, state } of eligible) print(`  ${state}: ${found}`);
  for (const { id, state } of samples.slice(0, 5)) print(`  for example ${id}, ${state}`);
  print(`until ${expiresAt}: node orderly.mjs bulk start ${token} --follow`);
  return 0;
}

function pairOf(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Misused(`--filter ${text}: NAME=VALUE is needed`);
  return [text.slice(0, at), text.slice(at + 1)];
}

async function start(token: string, options: Options): Promise<Code> {
  const { key = randomUUID() } = options;
  if (options.key === undefined) process.stderr.write(`to repeat this start: --key ${key}\n`);
  const answer = await ask("POST", "/v1/bulk", { token }, { "idempotency-key": key });
  if (!answer.ok || !options.follow) return shown(answer, options);
  return await followed(String(answer.body["id"]), options);
}

async function show(id: string, options: Options): Promise<Code> {
  if (options.follow) return await followed(id, options);
  return shown(await ask("GET", `/v1/bulk/${encodeURIComponent(id)}`), options);
}

/** Progress on standard error; the end on standard output. An operation goes on when nodes die: so does this. */
async function followed(id: string, options: Options): Promise<Code> {
  let shownAt = Number.NEGATIVE_INFINITY;
  for (let missed = 0; ; await pause(POLL_MS)) {
    const answer = await ask("GET", `/v1/bulk/${encodeURIComponent(id)}`).catch((error: unknown) => {
      if (++missed > MISSED_MAX) throw error;
    });
    if (!answer || answer.status === 503) continue;
    if (!answer.ok) return refused(answer);
    missed = 0;
    const bulk = answer.body as unknown as BulkView;
    if (bulk.status !== "running" && bulk.status !== "stopping") {
      shown(answer, options);
      const isDone = bulk.status === "completed" && bulk.outcomes.every(({ code }) => code === "done");
      return isDone ? 0 : 1;
    }
    if (performance.now() - shownAt < PROGRESS_MS) continue;
    shownAt = performance.now();
    process.stderr.write(`${bulk.processed} of ${bulk.count} orders\n`);
  }
}

async function items(id: string, { json, outcome }: Options): Promise<Code> {
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({
      limit: "200",
      ...(outcome && { outcome }),
      ...(cursor && { cursor }),
    });
    const answer: Answer = await ask("GET", `/v1/bulk/${encodeURIComponent(id)}/items?${query.toString()}`);
    if (!answer.ok) return refused(answer);
    const page = answer.body as { items: { orderId: string; outcome: string }[]; nextCursor: string | null };
    for (const item of page.items) print(json ? JSON.stringify(item) : `${item.orderId}  ${item.outcome}`);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return 0;
}

function shown(answer: Answer, { json }: Options): Code {
  if (!answer.ok) return refused(answer);
  if (json) return printed(answer.body);
  const { action, count, id, outcomes, processed, reason, status } = answer.body as unknown as BulkView;
  print(`${id}  ${action}, ${status}: ${processed} of ${count} orders; ${reason}`);
  for (const { code, count: found } of outcomes) print(`  ${code}: ${found}`);
  return 0;
}

/** The problem as the API answered it; standard output stays empty. */
function refused({ body, status }: Answer): 1 | 2 {
  const { code, detail, errors } = body;
  process.stderr.write(`orderly bulk: ${status} ${String(code)}: ${String(detail)}\n`);
  for (const { message, pointer } of Array.isArray(errors)
    ? (errors as { pointer: string; message: string }[])
    : [])
    process.stderr.write(`  ${pointer} ${message}\n`);
  return status === 400 ? 2 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printed(body: object): 0 {
  print(JSON.stringify(body));
  return 0;
}

/** @throws Error when the node does not answer */
async function ask(
  method: "GET" | "POST",
  path: string,
  payload?: object,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { apiKey, nodeUrl } = loadCatalogueSettings();
  const type = payload && { "content-type": "application/json" };
  const answer = await fetch(`${nodeUrl}${path}`, {
    method,
    headers: { ...authorization(apiKey), ...type, ...more },
    ...(payload && { body: JSON.stringify(payload) }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const body = (await answer.json()) as Record<string, unknown>;
  return { ok: answer.ok, status: answer.status, body };
}

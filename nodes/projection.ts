/** Process: shows the list of orders of a running node, or has it built anew and waits for that. */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { authorization, loadCatalogueSettings } from "../config/catalogue-settings.ts";
import type { ProjectionState } from "../src/services/projection/contract.ts";
import { reasonOf } from "./local/max-wait.ts";

const USAGE = `usage: node orderly.mjs projection status|rebuild [--no-wait]

  status     shows how far the list of orders of a node is
  rebuild    builds it anew from the order streams, and shows its progress. The node goes on; meanwhile its lists come
             from another node, or are answered 503
  --no-wait  does not wait for the end
  --help     this text

ORDERLY_NODE_URL is the node (default http://127.0.0.1:3000). Of a node that does not run, delete projection.sqlite in
its folder: it builds the list anew when it starts.

exit code  0  done
           1  the node keeps no list, or its list fails
           2  nothing is known to be done; the output says why
`;

const POLL_MS = 500;
const PROGRESS_MS = 2_000;
const ANSWER_MS = 10_000;

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`orderly projection: ${reasonOf(error)}\n`);
  process.exitCode = 2;
}

async function run(): Promise<0 | 1 | 2> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" }, "no-wait": { type: "boolean" } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [action, ...more] = positionals;
  if (more.length > 0 || (action !== "status" && action !== "rebuild")) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { nodeUrl } = loadCatalogueSettings();
  const before = await stateAt(nodeUrl);
  if (before.status === "off") {
    process.stderr.write(`${nodeUrl} keeps no list of orders (ORDERLY_PROJECTION)\n`);
    return 1;
  }
  if (action === "status") return shown(before);
  await answerOf(`${nodeUrl}/v1/projection/rebuild`, "POST");
  return values["no-wait"] ? 0 : await rebuilt(nodeUrl, before.builds);
}

/** Waits until a later build is complete. A thread that has started again counts its builds from 0. */
async function rebuilt(nodeUrl: string, builds: number): Promise<0 | 1> {
  let shownAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    await pause(POLL_MS);
    const state = await stateAt(nodeUrl);
    const { folded, orders, progress, reason, status } = state;
    if (status === "failing") process.stderr.write(`it fails: ${reason ?? "the node's log says why"}\n`);
    if (status === "failing") return 1;
    if (state.builds !== builds && status === "following") return shown(state);
    if (performance.now() - shownAt < PROGRESS_MS) continue;
    shownAt = performance.now();
    const percent = state.builds === builds ? 0 : Math.floor(progress * 100);
    process.stderr.write(`${percent} %, ${orders} orders, ${folded} messages\n`);
  }
}

function shown({ behindMs, orders, progress, reason, status, streams }: ProjectionState): 0 | 1 {
  const positions = streams.map(({ end, sequence, stream }) => `stream ${stream} at ${sequence} of ${end}`);
  const lines = [
    `${status}${progress < 1 ? `, ${Math.floor(progress * 100)} %` : ""}: ${orders} orders, ${behindMs} ms old`,
    ...positions,
    ...(reason === undefined ? [] : [reason]),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return status === "failing" ? 1 : 0;
}

async function stateAt(nodeUrl: string): Promise<ProjectionState> {
  return (await answerOf(`${nodeUrl}/v1/projection`, "GET")) as ProjectionState;
}

/** @throws Error when the node does not answer, or refuses */
async function answerOf(url: string, method: "GET" | "POST"): Promise<unknown> {
  const headers = authorization(loadCatalogueSettings().apiKey);
  const answer = await fetch(url, { method, headers, signal: AbortSignal.timeout(ANSWER_MS) });
  if (!answer.ok) throw new Error(`${method} ${url} was answered ${answer.status}: ${await answer.text()}`);
  return await answer.json();
}

/**
 * The files that one `POST /v1/orders` enters. Definition: an order node runs in this process, with its real adapters
 * and a nats-server of its own; the stock is on the node, the order is paid in cash, and one order was placed before. A
 * file of the project is entered when at least one of its functions is called between the request and its answer, which
 * is given after the batch is acknowledged, in each of ten rounds. The work that follows an answer has a pause to end
 * in. Worker threads are not seen. The counts are V8's precise coverage.
 */
import { type Profiler, Session } from "node:inspector/promises";
import { relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Stage } from "../../../bench/stage.ts";
import { loadNodeSettings } from "../../../config/settings.ts";
import { startOrderNode } from "../../../nodes/order/start.ts";
import { orderOf, place, putStock } from "../../support/clients/order-client.ts";
import { freePorts } from "../../support/cluster/free-ports.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { waitUntil } from "../../support/wait-until.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PRODUCT = /^(?:src|machines|config|nodes)\/.*\.ts$/u;
const SKU = "WALK-1";
const ROUNDS = 10;
const QUIET_MS = 300;
/** Fewer partitions than usual: the walk is the same, the start is sooner. */
const PARTITIONS = 4;

/** Paths from the project's root, in order. Takes some seconds. @throws when an order is not confirmed */
export async function walkOrder(): Promise<string[]> {
  const stage = new Stage();
  try {
    const url = await startNode(stage);
    await putStock(url, SKU, 20);
    await placeOne(url);
    return await enteredAlways(() => placeOne(url));
  } finally {
    await stage.end();
  }
}

async function startNode(stage: Stage): Promise<string> {
  const server = await startNatsServer(stage, {});
  const [port] = await freePorts(1);
  const settings = loadNodeSettings({
    ORDERLY_NODE_ID: "walk",
    ORDERLY_DEVELOPMENT: "true",
    ORDERLY_FULFILLMENT: "manual",
    ORDERLY_PARTITIONS: String(PARTITIONS),
    ORDERLY_HTTP_PORT: String(port),
    ORDERLY_HOME: temporaryFolder(stage),
    ORDERLY_LOG_LEVEL: "silent",
    NATS_URL: server.url,
  });
  const node = await startOrderNode(settings);
  stage.teardown(() => node.stop());
  const url = `http://127.0.0.1:${port}`;
  await waitUntil("the node owns all that there is", async () => (await fetch(`${url}/health/ready`)).ok);
  return url;
}

async function placeOne(url: string): Promise<void> {
  const order = orderOf({ method: "cash_on_delivery", lines: [{ sku: SKU, quantity: 1 }] });
  const answer = await place(url, order);
  if (answer.status !== 201) throw new Error(`the order is answered ${answer.status}`);
}

/** Files that every one of `ROUNDS` calls enters: what heartbeats enter is hardly ever in all of them. */
async function enteredAlways(act: () => Promise<void>): Promise<string[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    const rounds: ReadonlySet<string>[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await pause(QUIET_MS);
      await entered(session);
      await act();
      rounds.push(await entered(session));
    }
    const [first, ...others] = rounds;
    return [...(first ?? [])].filter((file) => others.every((other) => other.has(file))).toSorted();
  } finally {
    session.disconnect();
  }
}

/** Since the last call: the counts begin anew with each. */
async function entered(session: Session): Promise<ReadonlySet<string>> {
  const { result } = await session.post("Profiler.takePreciseCoverage");
  return new Set(result.filter(hasCalls).map(({ url }) => relative(ROOT, new URL(url).pathname)));
}

function hasCalls({ url, functions }: Profiler.ScriptCoverage): boolean {
  if (!url.startsWith("file://") || !PRODUCT.test(relative(ROOT, new URL(url).pathname))) return false;
  // The first range of a module is the whole file, called once when it is loaded.
  return functions.some(
    ({ functionName, ranges }) =>
      (functionName !== "" || ranges[0]?.startOffset !== 0) && (ranges[0]?.count ?? 0) > 0,
  );
}

/**
 * README.md, exactly: the test runs its commands as they are written, with the ports and the folder of a cluster
 * of its own, and they end as README.md says. What `nats` shows is in inspecting.test.ts, how `reconcile` names
 * differences in reconcile.test.ts, `npm run start:cluster` in start-cluster.test.ts.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { partitionOf } from "../../src/runtime/subjects.ts";
import type { ClusterView } from "../../src/http/operations/operations-port.ts";
import type { HistoryItem, OrderView } from "../../src/services/orders/contract.ts";
import { findPlace, launch, type Launched, type Place } from "../support/cluster/local-cluster.ts";
import { untilCompleted } from "../support/clients/order-poll.ts";
import { type LedgerEntry, mails, readiness } from "../support/clients/order-client.ts";
import { checkPdf } from "../support/audits/order-documents.ts";
import { press } from "../support/clients/payment-page.ts";
import { startProcess } from "../support/cluster/processes.ts";
import { at, blocks, commands, root, section, shell } from "../support/readme.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const PARTITIONS = 32;
const WAIT = { timeoutMs: 60_000, intervalMs: 250 } as const;

const lacks = ["bash", "curl"].filter((command) => {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return false;
  } catch {
    return true;
  }
});

t.test(
  "the commands of README.md do what it says",
  lacks.length > 0 ? { skip: `this machine has no ${lacks.join(" and no ")}` } : {},
  async (t) => {
    const place = await findPlace(t, 3);
    const [start = ""] = commands(blocks(section(""), "bash")[0] ?? "");
    t.match(start, /^npm ci && npm start$/u);
    // Dependencies are installed. The default pause between two steps leaves the time to kill a node.
    const env = { ORDERLY_PARENT: "" };
    const cluster = await launch(t, place, { command: ["npm", "start"], env });

    t.test("npm start shows the documented welcome", async (t) => checkWelcome(t, place, cluster));
    t.test("Kill a node", async (t) => killANode(t, place, cluster));
    t.test("One order of each kind", async (t) => oneOfEachKind(t, place));
    t.test("import-stock", async (t) => importStock(t, place));
    t.test("reconcile", async (t) => reconcile(t, place));
  },
);

const urlOf = (place: Place, path = "") => at(place, `http://127.0.0.1:3000${path}`);

/** Every line up to `...` is in the output; versions and the place of nats-server are this machine's. */
function checkWelcome(t: Test, place: Place, cluster: Launched): void {
  const [shown = ""] = blocks(section(""), "");
  const lines = at(place, shown.split("  ...")[0] ?? "")
    .split("\n")
    .filter((line) => line.trim() !== "");
  t.ok(lines.length >= 9);
  for (const line of lines) {
    const [known = "", rest] = line.split(/\d+\.\d+\.\d+(?=, from| \()/u);
    t.ok(
      cluster
        .output()
        .split("\n")
        .some((one) => (rest === undefined ? one === known : one.startsWith(known))),
      line,
    );
  }
}

/** What a command prints. */
async function json<T>(command: string): Promise<T> {
  const { stdout, stderr, code } = await shell(command);
  if (code !== 0 || stdout === "") throw new Error(`${command}: ${code} ${stderr}`);
  return JSON.parse(stdout) as T;
}

async function killANode(t: Test, place: Place, cluster: Launched): Promise<void> {
  const text = section("Kill a node");
  const [block = "", again = ""] = blocks(text, "bash");
  const [order = "", see = "", kill = "", ...reads] = commands(at(place, block));
  t.equal(reads.length, 3);

  // README.md reads on port 3001, so another node has to own the order.
  const { id, owner } = await waitUntil("another node than the second owns the order", async () => {
    const placed = await json<OrderView>(order);
    const { nodes, partitions } = await json<ClusterView & { nodes: { pid: number }[] }>(see);
    const own = partitions.find(({ partition }) => partition === partitionOf(placed.id, PARTITIONS));
    const owner = nodes.find((node) => node.id === own?.node);
    return owner !== undefined && owner.id !== "node-2" && { id: placed.id, owner };
  });
  t.equal(owner.pid, cluster.pids[owner.id], "the cluster's page names the process id");
  t.equal((await shell(kill.replace("<pid>", String(owner.pid)))).code, 0);

  const [readIt = "", history = "", ledger = ""] = reads.map((command) => command.replace("<id>", id));
  await waitUntil(
    "the order goes on to completed by itself",
    async () => (await json<OrderView>(readIt)).status === "completed",
    WAIT,
  );
  const { items } = await json<{ items: HistoryItem[] }>(history);
  const nodes = [...new Set(items.map(({ node }) => node))];
  t.equal(nodes[0], owner.id, "the killed node was its first owner");
  t.not(items.at(-1)?.node, owner.id, "another node went on");
  const { entries } = await json<{ entries: LedgerEntry[] }>(ledger);
  t.strictSame(
    entries.filter(({ orderId }) => orderId === id).map(({ kind }) => kind),
    ["authorize", "capture"],
    "one authorization, one capture",
  );

  const [byHand = ""] = commands(at(place, again));
  const url = owner.url ?? "";
  await t.rejects(readiness(url), "the launcher restarts no node");
  const [command = "", ...args] = byHand.replace("node-2", owner.id).split(" ");
  const restarted = startProcess(t.parent as Test, command, args, { cwd: root });
  await waitUntil("the node is ready again", async () => (await readiness(url)) === 200, WAIT);
  (t.parent as Test).teardown(() => restarted.stop());
}

async function oneOfEachKind(t: Test, place: Place): Promise<void> {
  const text = section("One order of each kind");
  const { stdout, code, stderr } = await shell(at(place, blocks(text, "bash")[0] ?? ""));
  t.equal(code, 0, stderr);
  const placed = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as OrderView);
  t.strictSame(
    placed.map(({ payment, status }) => `${payment.method} ${status}`),
    [
      "cash_on_delivery confirmed",
      "in_person confirmed",
      "credit_card confirmed",
      "debit_card confirmed",
      "tokenized confirmed",
      "async awaiting_payment",
    ],
  );
  const paid = await press(placed.at(-1)?.payment.url ?? "", "Pay");
  t.match(paid, { status: 200, text: /Payment complete/u });

  const [, mailbox = ""] = /The mails are at <([^>]+)>/u.exec(at(place, text)) ?? [];
  const [, invoice = ""] = /`(http:[^`]+<id>\/invoice)`/u.exec(at(place, text)) ?? [];
  for (const { id } of placed) {
    const body = await untilCompleted(urlOf(place), id, WAIT);
    t.equal(invoice.replace("<id>", id), `${urlOf(place)}${body.invoice?.url}`);
    await checkPdf(t, urlOf(place), body);
    const subjects = async () =>
      (await mails(mailbox))
        .filter((mail) => mail.text.split("\n").includes(`Order ${id}`))
        .map(({ subject }) => subject);
    await waitUntil("the mailbox has its mails", async () => (await subjects()).length >= 3, WAIT);
    t.strictSame(new Set(await subjects()), new Set(MAILS), "its mails");
  }
  t.match(await (await fetch(mailbox)).text(), /Order shipped/u, "the mailbox shows them");
}
const MAILS = ["Order created and awaiting payment", "Order confirmed", "Order shipped"];

async function importStock(t: Test, place: Place): Promise<void> {
  const text = section("One order of each kind").replaceAll("\n", " ");
  const [, command = "", columns = "", line = ""] =
    /`(node orderly\.mjs import-stock FILE\.csv)`, with the columns `([^`]+)` \(`([^`]+)`\)/u.exec(text) ??
    [];
  const file = join(temporaryFolder(t), "stock.csv");
  writeFileSync(file, `${columns}\n${line}\nMUG-RED,"Mug, red",a lot,EUR,5\n`);
  const ended = await shell(command.replace("FILE.csv", file), { ORDERLY_NODE_URL: urlOf(place) });
  t.match(ended.stdout, "1 lines stored, 1 refused");
  t.match(ended.stderr, /line 3: .*a lot/u, "the command names every line that it cannot store");
  const item = await fetch(urlOf(place, "/v1/inventory/TSHIRT-M"));
  t.match(await item.json(), {
    name: "T-shirt, medium",
    price: { amount: 1999, currency: "EUR" },
    onHand: 100,
  });
}

async function reconcile(t: Test, place: Place): Promise<void> {
  const [, command = ""] =
    /^`(node orderly\.mjs reconcile)` /mu.exec(section("One order of each kind")) ?? [];
  const env = {
    NATS_URL: at(place, "127.0.0.1:4222"),
    ORDERLY_GATEWAY_URL: at(place, "http://127.0.0.1:3900"),
  };
  const equal = await shell(command, env);
  t.match(equal, { code: 0, stdout: /no differences/u });
}

/** `kill -9` of a node in the middle of orders, round after round: every answered order is there, and ends once. */
import { readFileSync, readdirSync } from "node:fs";
import t from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { killUnderLoad } from "../support/faults/kill-under-load.ts";
import {
  checkAllEnd,
  checkHistories,
  checkLedger,
  checkNothingLost,
  checkStock,
} from "../support/audits/order-audit.ts";
import { foundDeadAfter } from "../support/logs/hand-over-log.ts";
import { orderOf, place, stock } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { checkInvoiceNumbers } from "../support/audits/order-documents.ts";
import type { LoadedOrder } from "../support/load/order-load.ts";
import { printReplay } from "../support/replay-command.ts";
import { waitUntil } from "../support/wait-until.ts";
import { THREAD_NAME } from "../../nodes/order/worker-threads.ts";

/** `npm run test:faults` sets more. */
const ROUNDS = Number(process.env["ORDERLY_TEST_ROUNDS"] ?? 3);
printReplay(t, { ORDERLY_TEST_ROUNDS: ROUNDS });
const ORDERS = 200;
const CALLERS = 16;
/** From the kill to the first accepted command on the victim's partitions; on a busy machine. */
const LONGEST_OUTAGE_MS = 15_000;
/**
 * The victim's last heartbeat is at most 500 ms old when it is killed, so presence alone (3000 ms) cannot report the
 * death any earlier than this.
 */
const PRESENCE_REPORTS_MS = 2_500;
const SKUS = ["TSHIRT-S", "TSHIRT-L", "MUG-BLUE"];

/** Of a thread that gets its share of a busy machine within a fraction of a second. */
const HIGHEST_NICE = 5;

/** The threads of a process, with their names and nice values. Linux only. */
function threadsOf(pid: number): { readonly name: string; readonly nice: number }[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.map((id) => {
    // After the name in brackets the third field follows; the nice value is the 19th (proc_pid_stat(5)).
    const [before = "", rest] = readFileSync(`/proc/${pid}/task/${id}/stat`, "utf8").split(/\) (?!.*\) )/u);
    return { name: before.slice(before.indexOf("(") + 1), nice: Number(rest?.split(" ")[16]) };
  });
}

/** Payment methods, and a card that the gateway refuses. */
const payments = [
  { method: "cash_on_delivery" },
  { method: "credit_card" },
  { method: "debit_card" },
  { method: "tokenized" },
  { method: "credit_card", token: "tok_declined" },
] as const;
const orderAt = (index: number) =>
  orderOf({
    ...payments[index % payments.length]!,
    lines: [{ sku: SKUS[index % SKUS.length]!, quantity: 1 + (index % 3) }],
  });

t.test(`kill -9 of an owner in the middle of ${ORDERS} orders, ${ROUNDS} times, loses nothing`, async (t) => {
  const cluster = await startOrderCluster(t);
  const audit = auditReplies(t, cluster);
  const before = new Map<string, number>();
  for (const sku of SKUS) before.set(sku, (await stock(cluster.urls[0]!, sku)).onHand);
  const all: LoadedOrder[] = [];
  const outages: number[] = [];
  const found: number[] = [];

  for (let round = 0; round < ROUNDS; round++) {
    const victim = cluster.nodes[round % cluster.nodes.length]!;
    const name = `round-${round}`;
    const {
      orders,
      outageMs: outage,
      killedAt,
    } = await killUnderLoad(cluster, victim, {
      name,
      count: ORDERS,
      callers: CALLERS,
      orderAt,
    });
    all.push(...orders);
    outages.push(outage);
    const again = orders.filter(({ attempts }) => attempts > 1).length;
    t.ok(
      outage < LONGEST_OUTAGE_MS,
      `round ${round + 1}: ${victim.name} killed, first accepted command on its partitions after ${Math.round(outage)} ms; ` +
        `${orders.length} orders, ${again} of them took more than one request`,
    );
    const survivors = cluster.nodes.filter((node) => node.running());
    found.push(foundDeadAfter(survivors, victim.name, killedAt));
    await checkNothingLost(
      t,
      survivors.map(({ url }) => url),
      orders,
    );
    await victim.start();
  }

  await checkNothingLost(t, cluster.urls, all);
  await checkAllEnd(t, cluster.urls, all);
  await checkHistories(t, cluster.urls, all);
  await checkLedger(t, cluster.gateway.url, all);
  await checkStock(t, cluster.urls[0]!, before, all);
  await checkInvoiceNumbers(t, cluster.urls[0]!, all);
  await audit.check(t);
  outages.sort((a, b) => a - b);
  found.sort((a, b) => a - b);
  const foundP50 = found[Math.floor(found.length / 2)]!;
  t.ok(
    foundP50 < PRESENCE_REPORTS_MS,
    `deaths are found before presence runs out: p50 ${foundP50} ms, max ${found.at(-1)} ms`,
  );
  const repeated = all.filter(({ attempts }) => attempts > 1).length;
  t.comment(
    `kill to first accepted command on the victim's partitions: p50 ${Math.round(outages[Math.floor(outages.length / 2)]!)} ms, ` +
      `max ${Math.round(outages.at(-1)!)} ms; ${repeated} of ${all.length} orders took more than one request`,
  );
});

t.test(
  "no thread has so low a priority that the connections of a killed process stay open on a busy machine",
  { skip: process.platform === "linux" ? false : "threads have no priorities of their own" },
  async (t) => {
    const { nodes } = await startOrderCluster(t, { nodes: 1 });
    const [node] = nodes;
    const workers = () => threadsOf(node!.pid()).filter(({ name }) => name === THREAD_NAME);
    t.same(workers(), [], "a node at rest has no thread for its workers");
    t.equal((await place(node!.url, orderOf())).status, 201);
    await waitUntil("the workers have work", async () => workers().some(({ nice }) => nice === HIGHEST_NICE));
    t.equal(workers().length, 1, "one thread holds all workers");
    const values = threadsOf(node!.pid()).map(({ nice }) => nice);
    t.ok(values.length > 2, `${values.length} threads`);
    t.ok(Math.max(...values) <= HIGHEST_NICE, `nice values ${[...new Set(values)].join(", ")}`);
  },
);

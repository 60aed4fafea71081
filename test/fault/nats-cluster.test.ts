/** Three nats-servers with three copies of everything: one is lost, two, all, and each in turn. */
import t, { type Test } from "tap";
import { auditReplies, type ReplyAudit } from "../support/audits/reply-audit.ts";
import {
  checkAllEnd,
  checkHistories,
  checkLedger,
  checkNothingLost,
  checkStock,
} from "../support/audits/order-audit.ts";
import { clusterView, orderOf, place, readiness, stock } from "../support/clients/order-client.ts";
import { everyNode, type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { type Load, type LoadedOrder, startLoad } from "../support/load/order-load.ts";
import { untilSettled } from "../support/load/partition-share.ts";
import { type StreamCluster, watchStreams } from "../support/cluster/stream-leader.ts";
import { printReplay } from "../support/replay-command.ts";
import { waitUntil } from "../support/wait-until.ts";

const ROUNDS = Number(process.env["ORDERLY_TEST_ROUNDS"] ?? 1);
printReplay(t, { ORDERLY_TEST_ROUNDS: ROUNDS });
const ORDERS = 90;
const CALLERS = 8;
const NO_QUORUM_MS = 5_000;
/** The servers elect a new leader within 4 to 9 s once the old one is silent; and a busy machine is slow. */
const LONGEST_OUTAGE_MS = 30_000;
/**
 * A node stays with a server that is frozen until its pings are unanswered (4 s and more), which is longer than its
 * presence lasts: the others take its share, 11 of 32, once, and give it back.
 */
const MOVED_BY_A_FREEZE = 2 * 11;
const SKU = "TSHIRT-S";
const METHODS = ["credit_card", "cash_on_delivery", "debit_card", "tokenized"] as const;

const orderAt = (index: number) =>
  orderOf({ method: METHODS[index % METHODS.length]!, lines: [{ sku: SKU, quantity: 1 }] });

let cluster: OrderCluster;
let streams: StreamCluster;
let replies: ReplyAudit;
let onHand: number;
/** Every order of the file: the gateway's ledger and the stock are checked against all of them. */
const all: LoadedOrder[] = [];

t.before(async () => {
  cluster = await startOrderCluster(t, { natsServers: 3 });
  replies = auditReplies(t, cluster);
  streams = await watchStreams(t, cluster.natsServers);
  ({ onHand } = await stock(cluster.urls[0]!, SKU));
});

const loadOf = (name: string, count = ORDERS): Load =>
  startLoad({ name, count, callers: CALLERS, orderAt, urls: () => cluster.urls, timeoutMs: 120_000 });

const aThird = (load: Load) => load.reached(ORDERS / 3);

/** From `sinceAt` to the first order that was accepted on a request sent after it. */
function firstAccepted(orders: readonly LoadedOrder[], sinceAt: number): number {
  const later = orders.filter(({ status, sentAt }) => status === 201 && sentAt > sinceAt);
  return Math.min(...later.map(({ answeredAt }) => answeredAt)) - sinceAt;
}

const everyNodeIsReady = () =>
  everyNode(cluster, "is ready", async (url) => (await readiness(url)) === 200, 60_000);

/** Epoch of every partition's lock, once all are where they should be. */
async function epochs(): Promise<ReadonlyMap<number, number>> {
  await everyNodeIsReady();
  await untilSettled(cluster);
  const { partitions } = await clusterView(cluster.urls[0]!);
  return new Map(partitions.map(({ partition, epoch }) => [partition, epoch]));
}

/** The nodes lived on, whatever happened to servers: no node loses its locks. */
async function checkLocks(t: Test, before: ReadonlyMap<number, number>, most: number): Promise<void> {
  const after = await epochs();
  const moved = [...after].filter(([partition, epoch]) => before.get(partition) !== epoch);
  t.ok(moved.length <= most, `${moved.length} of ${after.size} locks have changed, ${most} may`);
}

async function audit(t: Test, orders: readonly LoadedOrder[]): Promise<void> {
  all.push(...orders);
  await checkNothingLost(t, cluster.urls, orders);
  await checkAllEnd(t, cluster.urls, orders);
  await checkHistories(t, cluster.urls, orders);
}

const summary = (times: readonly number[]): string => {
  const sorted = times.map(Math.round).toSorted((a, b) => a - b);
  return `p50 ${sorted[Math.floor(sorted.length / 2)]} ms, max ${sorted.at(-1)} ms (${sorted.length} rounds)`;
};

for (const fault of ["killed", "frozen"] as const)
  t.test(
    `the server that leads the stream is ${fault} under load, ${ROUNDS} times: nothing is lost`,
    async (t) => {
      const outages: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        await streams.whole();
        const before = await epochs();
        // Known beforehand: the fault happens while two thirds of the orders have no answer.
        const victim = await streams.leader();
        const load = loadOf(`${fault}-${round}`);
        await aThird(load);
        let heal: () => unknown = () => victim.restart();
        const brokenAt = performance.now();
        if (fault === "killed") await victim.kill();
        else heal = victim.freeze();
        const orders = await load.done;
        const doneMs = performance.now() - brokenAt;
        await heal();
        const outage = firstAccepted(orders, brokenAt);
        outages.push(outage);
        const repeated = orders.filter(({ attempts }) => attempts > 1).length;
        t.ok(
          outage < LONGEST_OUTAGE_MS,
          `round ${round + 1}: first order accepted after ${Math.round(outage)} ms, all ${ORDERS} answered after ${Math.round(doneMs)} ms; ` +
            `${repeated} took more than one request`,
        );
        await audit(t, orders);
        await checkLocks(t, before, fault === "killed" ? 0 : MOVED_BY_A_FREEZE);
      }
      t.comment(`leader ${fault}, to the first accepted order: ${summary(outages)}`);
    },
  );

for (const count of [2, 3])
  t.test(
    `${count} of three servers away: requests are refused, none is promised; back, all goes on`,
    async (t) => {
      const ready: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        await streams.whole();
        const before = await epochs();
        const leader = await streams.leader();
        const load = loadOf(`without-${count}-${round}`);
        await aThird(load);
        const others = cluster.natsServers.filter((server) => server !== leader);
        const victims = [leader, ...others].slice(0, count);
        await Promise.all(victims.map((server) => server.kill()));
        const awayAt = performance.now();
        const refused = await waitUntil(
          "an order is refused",
          async () => {
            const answers = await Promise.all(
              cluster.urls.map((url, index) =>
                place(url, orderAt(index), {
                  prefer: "wait=1",
                  "idempotency-key": `refused-${count}-${round}-${index}`,
                }),
              ),
            );
            for (const { status } of answers) t.equal(status, 503, "an order without a quorum");
            return performance.now() - awayAt > NO_QUORUM_MS ? answers : undefined;
          },
          { timeoutMs: 60_000 },
        );
        for (const { body, headers } of refused) {
          t.match(body, { code: "unavailable" });
          t.match(headers.get("retry-after"), /^\d+$/u);
        }
        for (const { url } of cluster.nodes) t.equal(await readiness(url), 503, "the node is not ready");
        t.strictSame(
          load.answered.filter(({ sentAt }) => sentAt > awayAt),
          [],
          "no order was promised meanwhile",
        );
        const backAt = performance.now();
        await Promise.all(victims.map((server) => server.restart()));
        await everyNodeIsReady();
        ready.push(performance.now() - backAt);
        t.comment(
          `round ${round + 1}: ${count} servers away for ${Math.round(backAt - awayAt)} ms, all nodes ready ` +
            `${Math.round(ready.at(-1)!)} ms later; ${refused.length} orders refused at the last poll`,
        );
        // A refused order may have been stored; repeated under its key, it is one order.
        const again = loadOf(`refused-${count}-${round}`, cluster.urls.length);
        await audit(t, [...(await load.done), ...(await again.done)]);
        await checkLocks(t, before, 0);
      }
      t.comment(`${count} servers back, to all nodes ready: ${summary(ready)}`);
    },
  );

t.test("each server is restarted in turn under load: nothing is lost", async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const before = await epochs();
    const over = new AbortController();
    const orders: LoadedOrder[] = [];
    const placing = (async () => {
      for (let part = 0; !over.signal.aborted; part++)
        orders.push(...(await loadOf(`rolling-${round}-${part}`, 30).done));
    })();
    const times: number[] = [];
    try {
      for (const server of cluster.natsServers) {
        await streams.whole();
        const from = performance.now();
        await server.stop();
        await server.restart();
        times.push(performance.now() - from);
      }
      await streams.whole();
    } finally {
      over.abort();
      await placing;
    }
    const answers = orders.map(({ answeredAt }) => answeredAt).toSorted((a, b) => a - b);
    const gap = Math.max(...answers.slice(1).map((at, index) => at - answers[index]!));
    t.comment(
      `round ${round + 1}: ${orders.length} orders meanwhile, longest pause between two answers ${Math.round(gap)} ms; ` +
        `each server away for ${times.map(Math.round).join(", ")} ms`,
    );
    await audit(t, orders);
    await checkLocks(t, before, 0);
  }
});

t.test("no customer was charged twice, and the stock has lost what was sold", async (t) => {
  await everyNodeIsReady();
  await checkLedger(t, cluster.gateway.url, all);
  await checkStock(t, cluster.urls[0]!, new Map([[SKU, onHand]]), all);
});

t.test("every state that a caller got was stored", async (t) => {
  await replies.check(t);
});

/**
 * Order nodes run as processes on a real nats-server and kill themselves exactly at a failpoint, in the middle of
 * orders. Every run takes a few failpoints; with `ORDERLY_TEST_ROUNDS` (`npm run test:faults`) the test takes all
 * failpoints that real processes reach by themselves.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { subjects } from "../../src/services/subjects.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { checkMails } from "../support/audits/mail-audit.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { type Failpoint, failpointNames } from "../../src/runtime/failpoints.ts";
import {
  checkAllEnd,
  checkHistories,
  checkLedger,
  checkNothingLost,
  checkStock,
} from "../support/audits/order-audit.ts";
import { orderOf, stock } from "../support/clients/order-client.ts";
import {
  type ClusterProcess,
  type OrderCluster,
  startOrderCluster,
} from "../support/cluster/order-cluster.ts";
import { type Load, type LoadedOrder, startLoad } from "../support/load/order-load.ts";
import { checkInvoiceNumbers } from "../support/audits/order-documents.ts";
import { printReplay, replayHint } from "../support/replay-command.ts";
import { waitUntil } from "../support/wait-until.ts";
import { CRASH_FILE } from "../support/programs/crash-armed.ts";

type Place = readonly [point: Failpoint, when: "before" | "after"];

/** Commit, effect, both workers, takeover, hand-over. */
const SOME: readonly Place[] = [
  ["relay.append", "before"],
  ["relay.append", "after"],
  ["effect.run", "after"],
  ["email.send", "after"],
  ["invoice.deliver", "before"],
  ["partition.replay", "after"],
  ["ownership.release", "before"],
];
/**
 * Reached only when an answer is lost, a mail fails, an order is parked or a webhook is about no order: crash-*.test.ts
 * arranges that.
 */
const RARE: ReadonlySet<Failpoint> = new Set([
  "relay.diagnose",
  "ownership.read_back",
  "ownership.verify",
  "ownership.read_lock",
  "partition.resume",
  "partition.read_inbox",
  "checkpoint.refresh",
  "loader.read",
  "parking.read",
  "parking.store",
  "parking.skip",
  "definitions.create",
  "effect.query_status",
  "effect.query_status_last",
  "router.list",
  "router.find",
  "unmatched.store",
  "router.unreadable",
  "worker.bury",
  "processed.read",
  "processed.lock_again",
  "processed.check_mark",
  "processed.fail",
  "allocation.read_last_counter",
  "allocation.read_recorded",
  "credit.refuse",
  "credit.number",
  "credit.find",
  "credit.store",
  "credit.deliver",
  "inventory.read_hold",
  "inventory.read_item",
  "inventory.put",
  "inventory.adjust",
]);
const ALL = failpointNames
  .filter((point) => !RARE.has(point))
  .flatMap((point): Place[] => [
    [point, "before"],
    [point, "after"],
  ]);
/** `CRASH_POINT=relay.append` runs that one alone. */
const only = process.env["CRASH_POINT"];
const isLong = process.env["ORDERLY_TEST_ROUNDS"] !== undefined;
const ofRun = isLong ? ALL : SOME;
const places = only === undefined ? ofRun : ALL.filter(([point]) => point === only);

/** Of one load; another one follows while the victim has not reached its failpoint. */
const ORDERS = 24;
const MOST_LOADS = 8;
const SKUS = ["TSHIRT-S", "TSHIRT-L", "MUG-BLUE"];
const payments = [
  { method: "cash_on_delivery" },
  { method: "credit_card" },
  { method: "debit_card" },
  { method: "credit_card", token: "tok_declined" },
] as const;
const orderAt = (index: number) =>
  orderOf({
    ...payments[index % payments.length]!,
    lines: [{ sku: SKUS[index % SKUS.length]!, quantity: 1 }],
  });

const starts: ReadonlySet<Failpoint> = new Set([
  "definitions.read",
  "ownership.read",
  "ownership.watch",
  "presence.watch",
  "identity.read",
  "identity.ask",
  "identity.claim",
  "settings.read",
  "worker.consume",
]);
const ends: ReadonlySet<Failpoint> = new Set([
  "ownership.drain",
  "ownership.release",
  "partition.stop_serving",
  "partition.drain",
  "presence.delete",
  "inventory.drain",
]);
const takeovers = /^(?:ownership\.(?:claim|acquire)|partition\.|checkpoint\.read)/u;
/** There is one inventory: a starting node acquires it when the assignment says so, another node when it is alone. */
const inventoryTakeovers = /^inventory\.(?:load|prove|serve|flush)/u;
const armedAtStart = (point: Failpoint): boolean => starts.has(point) || inventoryTakeovers.test(point);

/** Makes the victim reach the failpoint. */
async function leadThere(cluster: OrderCluster, victim: ClusterProcess, point: Failpoint): Promise<void> {
  if (armedAtStart(point)) {
    await victim.kill();
    await victim.start().catch(() => undefined);
  } else if (ends.has(point)) await victim.stop();
  const alone = takeovers.test(point) || (inventoryTakeovers.test(point) && victim.running());
  if (alone) for (const node of cluster.nodes.filter((one) => one !== victim)) await node.stop();
}

/**
 * Only the owner of the inventory reaches some failpoints, and only another node reaches one; for the others the nodes
 * alternate.
 */
async function victimOf(
  { nodes }: OrderCluster,
  link: NatsLink,
  point: Failpoint,
  round: number,
): Promise<ClusterProcess> {
  const inTurn = nodes[round % nodes.length]!;
  const owned = point === "inventory.store" || point === "inventory.drain";
  if (!owned && point !== "inventory.request") return inTurn;
  const lock = await natsJournal(link, subjects.stream(0)).readLast(subjects.lock("inventory.0"));
  const owner = (JSON.parse(lock?.payload ?? "{}") as { readonly node?: string }).node;
  return nodes.find(({ name }) => (name === owner) === owned) ?? inTurn;
}

t.setTimeout(120_000 + places.length * 40_000);
printReplay(t, {
  ...(only === undefined ? {} : { CRASH_POINT: only }),
  ...(isLong ? { ORDERLY_TEST_ROUNDS: 1 } : {}),
});

t.test(`processes that die at ${places.length} failpoints lose nothing`, async (t) => {
  t.setTimeout(60_000 + places.length * 40_000);
  const nodeFile = fileURLToPath(new URL("../support/programs/crashing-node.ts", import.meta.url));
  t.ok(places.length > 0, `real processes reach ${only ?? "some failpoints"}`);
  const cluster = await startOrderCluster(t, { nodes: 2, nodeFile });
  const audit = auditReplies(t, cluster);
  const link = await connectNats({ servers: [cluster.nats.url], name: "test", connectTimeoutMs: 10_000 });
  t.teardown(() => link.close());
  const before = new Map<string, number>();
  for (const sku of SKUS) before.set(sku, (await stock(cluster.urls[0]!, sku)).onHand);
  const all: LoadedOrder[] = [];

  for (const [round, [point, when]] of places.entries()) {
    const victim = await victimOf(cluster, link, point, round);
    const file = join(cluster.homeOf(victim.name), CRASH_FILE);
    const pid = victim.pid();
    const replay = replayHint({ CRASH_POINT: point });
    // A process reaches these failpoints once.
    const once = armedAtStart(point) || ends.has(point) || takeovers.test(point);
    const hit = once ? 1 : 1 + (round % 2);
    writeFileSync(file, `${point} ${when} ${hit}`);
    if (!armedAtStart(point)) process.kill(pid, "SIGUSR2");
    const loads: Load[] = [];
    const placeMore = () =>
      loads.push(
        startLoad({
          name: `round-${round}-${loads.length}`,
          count: ORDERS,
          callers: 8,
          orderAt,
          urls: () => {
            const running = cluster.nodes.filter((node) => node.running()).map((node) => node.url);
            return running.length > 0 ? running : cluster.urls;
          },
        }),
      );
    placeMore();
    const armedAt = performance.now();
    await leadThere(cluster, victim, point);
    await waitUntil(
      `${victim.name} dies ${when} ${point}`,
      () => {
        // The nodes share the work as it comes: perhaps the victim had too little of it.
        const isOver = loads.at(-1)!.answered.length === ORDERS;
        if (victim.running() && isOver && loads.length < MOST_LOADS) placeMore();
        return !victim.running();
      },
      { timeoutMs: 30_000 },
    ).catch((error: unknown) => t.fail(`${String(error)}; ${replay}`));
    const diedAfterMs = Math.round(performance.now() - armedAt);
    // A node that was stopped ends in any case.
    t.notOk(existsSync(file), `${victim.name} died ${when} ${point}; ${replay}`);
    rmSync(file, { force: true });
    if (victim.running()) process.kill(victim.pid(), "SIGUSR2");
    for (const node of cluster.nodes) if (!node.running()) await node.start();
    const orders = (await Promise.all(loads.map(({ done }) => done))).flat();
    all.push(...orders);
    const again = orders.filter(({ attempts }) => attempts > 1).length;
    t.comment(
      `${round + 1} of ${places.length}: ${victim.name} died ${when} ${point} after ${diedAfterMs} ms; ${orders.length} orders, ` +
        `${again} of them took more than one request, all answered after ${Math.round(performance.now() - armedAt)} ms`,
    );
  }

  await checkNothingLost(t, cluster.urls, all);
  await checkAllEnd(t, cluster.urls, all);
  await checkHistories(t, cluster.urls, all);
  await checkLedger(t, cluster.gateway.url, all);
  await checkStock(t, cluster.urls[0]!, before, all);
  await checkInvoiceNumbers(t, cluster.urls[0]!, all);
  await checkMails(t, cluster.mailbox.url, all);
  await audit.check(t);
});

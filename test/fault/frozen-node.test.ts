/**
 * An owner that is frozen (SIGSTOP) with commits under way and goes on after its takeover: all that is late is refused.
 */
import { subjects } from "../../src/services/subjects.ts";
import t, { type Test } from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import type { Journal } from "../../src/runtime/ports.ts";
import {
  checkFences,
  checkHolds,
  epochsOf,
  fatesOf,
  refusedWriteSets,
} from "../support/audits/fence-audit.ts";
import {
  checkAllEnd,
  checkHistories,
  checkLedger,
  checkNothingLost,
  checkStock,
} from "../support/audits/order-audit.ts";
import { metric } from "../support/metrics.ts";
import { orderOf, place, readiness, stock } from "../support/clients/order-client.ts";
import {
  type ClusterProcess,
  type OrderCluster,
  startOrderCluster,
} from "../support/cluster/order-cluster.ts";
import { type LoadedOrder, startLoad } from "../support/load/order-load.ts";
import { freezeWithQueue } from "../support/faults/queued-commits.ts";
import { INVENTORY, ownersIn, shareOf, untilSettled } from "../support/load/partition-share.ts";
import { printReplay } from "../support/replay-command.ts";
import { waitUntil } from "../support/wait-until.ts";

/** `npm run test:faults` sets more. */
const ROUNDS = Number(process.env["ORDERLY_TEST_ROUNDS"] ?? 1);
printReplay(t, { ORDERLY_TEST_ROUNDS: ROUNDS });
const ORDERS = 90;
const CALLERS = 16;
/** Three times the life of a presence entry. */
const FROZEN_MS = 9_000;
const SKU = "TSHIRT-L";
const METHODS = ["debit_card", "credit_card", "cash_on_delivery"] as const;

/** Sold to callers who may never get an answer: not counted. */
const LATE_SKU = "MUG-RED";
const lateOrder = orderOf({ method: "cash_on_delivery", lines: [{ sku: LATE_SKU, quantity: 1 }] });

const orderAt = (index: number) =>
  orderOf({ method: METHODS[index % METHODS.length]!, lines: [{ sku: SKU, quantity: 1 }] });

/**
 * An owner's first commit of an order only requests the stock: it publishes no event. The inventory's owner decides at
 * once.
 */
const VICTIMS = ["an owner of orders", "the owner of the inventory"] as const;

t.setTimeout(120_000 + ROUNDS * 180_000);

t.test(`an owner that is frozen for ${FROZEN_MS} ms commits nothing after its takeover`, async (t) => {
  t.setTimeout(100_000 + ROUNDS * 180_000);
  const cluster = await startOrderCluster(t);
  const audit = auditReplies(t, cluster);
  const link = await connectNats({ servers: [cluster.nats.url], name: "audit", connectTimeoutMs: 10_000 });
  t.teardown(() => link.close());
  const journal = natsJournal(link, subjects.stream(0));
  const { onHand } = await stock(cluster.urls[0]!, SKU);
  const inventory = ownersIn(cluster).get(INVENTORY);
  const all: LoadedOrder[] = [];
  for (let round = 1; round <= ROUNDS; round++)
    for (const kind of VICTIMS) {
      const owns = kind === "the owner of the inventory";
      const victim = cluster.nodes.find(({ name }) => (name === inventory) === owns)!;
      all.push(...(await freeze(t, { cluster, victim, journal, kind, name: `${victim.name}-${round}` })));
    }
  await checkNothingLost(t, cluster.urls, all);
  await checkAllEnd(t, cluster.urls, all);
  await checkHistories(t, cluster.urls, all);
  await checkFences(t, journal, cluster.urls[0]!, all);
  await checkLedger(t, cluster.gateway.url, all);
  await checkStock(t, cluster.urls[0]!, new Map([[SKU, onHand]]), all);
  await waitUntil("the orders without an answer have ended too", async () => {
    return (await stock(cluster.urls[0]!, LATE_SKU)).reserved === 0;
  });
  await checkHolds(t, journal, [SKU, LATE_SKU]);
  await audit.check(t);
});

type Frost = {
  readonly cluster: OrderCluster;
  readonly victim: ClusterProcess;
  readonly journal: Journal;
  readonly kind: (typeof VICTIMS)[number];
  /** Of the round. */
  readonly name: string;
};

/**
 * Freezes the victim with commits under way, for three lives of presence, and lets it go on.
 * @returns all orders of the round
 */
async function freeze(t: Test, { cluster, victim, journal, kind, name }: Frost): Promise<LoadedOrder[]> {
  const isOwned = await shareOf(cluster, victim);
  const others = cluster.nodes.filter((node) => node !== victim);
  const otherUrls = others.map(({ url }) => url);
  const owned = kind === "the owner of the inventory" ? INVENTORY : "partition";
  /** What the victim holds, once that includes what makes it this kind of victim. */
  const epochsOfVictim = () =>
    waitUntil(`${victim.name} is ${kind}`, async () => {
      const held = await epochsOf(journal, victim.name);
      return [...held.keys()].some((resource) => resource.startsWith(owned)) && held;
    });
  const placing = (part: string, count: number, urls: readonly string[]) =>
    startLoad({ name: `${part}-${name}`, count, callers: CALLERS, orderAt, urls: () => urls });
  const settled = [...(await placing("before", ORDERS / 3, cluster.urls).done)];
  await checkAllEnd(t, cluster.urls, settled);
  await waitUntil(
    "the victim knows the SKU of the late orders",
    async () => (await place(victim.url, lateOrder)).status === 201,
  );

  // While the server is silent, first commits queue after the batch that waits for its answer.
  const queued = await freezeWithQueue(t, cluster, victim, lateOrder, epochsOfVictim);
  const { waiting, before: epochs, thaw } = queued;
  const frozenAt = performance.now();
  queued.speak();
  const written = victim.output().length;
  await untilSettled(cluster, others);
  const takenAt = performance.now();
  const meanwhile = placing("meanwhile", ORDERS, otherUrls);
  await waitUntil(
    "the others answer for its partitions, and three lives of presence have passed",
    () => performance.now() - frozenAt > FROZEN_MS && meanwhile.answered.some(({ id }) => isOwned(id)),
    { timeoutMs: 60_000 },
  );
  thaw();
  const thawedAt = performance.now();
  await waitUntil("the victim is ready again", async () => (await readiness(victim.url)) === 200, {
    timeoutMs: 60_000,
  });
  const readyAt = performance.now();
  await untilSettled(cluster);
  const backAt = performance.now();
  await waitUntil("the victim's late commits are resolved", async () => {
    return (await metric(victim.url, "orderly_outbox_depth")) === 0;
  });
  t.ok(victim.running(), "the victim goes on by itself and owns its partitions again");

  const after = placing("after", ORDERS / 3, [victim.url]);
  const orders = [...settled, ...(await meanwhile.done), ...(await after.done)];
  await queued.answered;
  const fates = await fatesOf(t, journal, waiting, epochs);
  const refused = refusedWriteSets(victim.output().slice(written));
  if (kind === "an owner of orders")
    t.ok(fates.lateWithoutEvents > 0, "some late commits publish nothing: only a fence mark can refuse them");
  // The inventory's owner decided some of them only when it went on.
  t.ok(refused > 0, "commits were late");
  t.ok(refused >= fates.late, "every late commit was refused");
  t.comment(
    `${kind}, ${name}: ${waiting.length} write sets were under way and ${fates.stored} of them stored before the takeover, ` +
      `${refused} late ones refused (${fates.lateWithoutEvents} without events); taken over after ${Math.round(takenAt - frozenAt)} ms, frozen for ` +
      `${Math.round(thawedAt - frozenAt)} ms, ready ${Math.round(readyAt - thawedAt)} ms and all partitions back ` +
      `${Math.round(backAt - thawedAt)} ms later`,
  );
  return orders;
}

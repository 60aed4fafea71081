/**
 * An owner is frozen (SIGSTOP) with calls to the gateway under way and in line, authorisations and captures: what its
 * successor asks for, and what the owner itself still asks for when it goes on, in requests per key.
 */
import t, { type Test } from "tap";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { checkFences } from "../support/audits/fence-audit.ts";
import { checkKeys, gatewayCalls, requestsByKey } from "../support/logs/gateway-log.ts";
import type { GatewayCall } from "../support/logs/gateway-log.ts";
import { metric } from "../support/metrics.ts";
import {
  checkAllEnd,
  checkHistories,
  checkLedger,
  checkNothingLost,
  checkStock,
} from "../support/audits/order-audit.ts";
import { orderOf, read, readiness, stock } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import type { ClusterProcess, OrderCluster } from "../support/cluster/order-cluster.ts";
import { startLoad } from "../support/load/order-load.ts";
import type { LoadedOrder } from "../support/load/order-load.ts";
import { shareOf, untilSettled } from "../support/load/partition-share.ts";
import { printReplay } from "../support/replay-command.ts";
import { waitUntil } from "../support/wait-until.ts";

/** `npm run test:faults` asks for more. */
const ROUNDS = Number(process.env["ORDERLY_TEST_ROUNDS"] ?? 1);
printReplay(t, { ORDERLY_TEST_ROUNDS: ROUNDS });
/** Three times the presence life. */
const FROZEN_MS = 9_000;
/** Per node: what is not under way waits in line, where a frozen process keeps it. */
const CALLS_AT_ONCE = 6;
/** Paid at once; their captures come when the lines are full. */
const READY_TO_CAPTURE = 24;
/** The gateway takes two seconds for each: a line of twelve seconds at every node. */
const SLOW = 108;
/** Pause between two steps of fulfillment: the third leads to the capture. */
const STEP_DELAY_MS = 1500;
const SKU = "TSHIRT-L";
const METHODS = ["credit_card", "debit_card", "tokenized"] as const;
const lines = [{ sku: SKU, quantity: 1 }];

t.setTimeout(120_000 + ROUNDS * 120_000);

t.test(`an owner frozen for ${FROZEN_MS} ms in the middle of calls: no operation counts twice`, async (t) => {
  t.setTimeout(100_000 + ROUNDS * 120_000);
  const cluster = await startOrderCluster(t, {
    stepDelayMs: STEP_DELAY_MS,
    env: { ORDERLY_GATEWAY_CONCURRENCY: String(CALLS_AT_ONCE) },
    gatewayEnv: { ORDERLY_LOG_LEVEL: "debug" },
  });
  const link = await connectNats({ servers: [cluster.nats.url], name: "audit", connectTimeoutMs: 10_000 });
  t.teardown(() => link.close());
  const { onHand } = await stock(cluster.urls[0]!, SKU);
  const all: LoadedOrder[] = [];
  for (let round = 1; round <= ROUNDS; round++)
    all.push(...(await freeze(t, cluster, cluster.nodes[round % cluster.nodes.length]!, round)));
  await checkNothingLost(t, cluster.urls, all);
  await checkHistories(t, cluster.urls, all);
  await checkFences(t, natsJournal(link), cluster.urls[0]!, all);
  await checkLedger(t, cluster.gateway.url, all);
  checkKeys(t, requestsByKey(gatewayCalls(cluster.gateway.output())), all);
  await checkStock(t, cluster.urls[0]!, new Map([[SKU, onHand]]), all);
});

/** Freezes the victim when its calls are under way and in line. @returns all orders of the round, ended */
async function freeze(
  t: Test,
  cluster: OrderCluster,
  victim: ClusterProcess,
  round: number,
): Promise<readonly LoadedOrder[]> {
  const isOwned = await shareOf(cluster, victim);
  const others = cluster.nodes.filter((node) => node !== victim);
  const load = (name: string, count: number, token: string) =>
    startLoad({
      name: `${name}-${round}`,
      count,
      callers: count,
      orderAt: (index) =>
        orderOf({
          method: token === "tok_ok" ? "credit_card" : METHODS[index % METHODS.length]!,
          token,
          lines,
        }),
      urls: () => cluster.urls,
      timeoutMs: 120_000,
    });
  const toCapture = await load("capture", READY_TO_CAPTURE, "tok_ok").done;
  const slow = load("slow", SLOW, "tok_slow");
  const mine = toCapture.filter(({ id }) => isOwned(id));
  await waitUntil("captures stand in line behind authorisations", async () => {
    const views = await Promise.all(mine.map(({ id }) => read(victim.url, id)));
    const capturing = views.filter(
      ({ body }) => body.fulfillment.status === "packed" && body.payment.status === "authorized",
    );
    return capturing.length >= mine.length / 2 && (await waiting(victim.url)) >= capturing.length;
  });
  const inLine = await waiting(victim.url);
  const thaw = victim.freeze();
  const [frozenAt, frozenSince] = [Date.now(), performance.now()];
  await untilSettled(cluster, others);
  const takenAt = performance.now();
  await waitUntil("three lives have passed", () => performance.now() - frozenSince > FROZEN_MS, {
    timeoutMs: 2 * FROZEN_MS,
  });
  const [thawedAt, thawedSince] = [Date.now(), performance.now()];
  thaw();
  await waitUntil("it is ready again", async () => (await readiness(victim.url)) === 200, {
    timeoutMs: 60_000,
  });
  await untilSettled(cluster);
  const backAt = performance.now();
  t.ok(victim.running(), "it goes on by itself and owns its partitions again");
  const orders = [...toCapture, ...(await slow.done)];
  await checkAllEnd(t, cluster.urls, orders);

  const keys = new Set(orders.filter(({ id }) => isOwned(id)).map(({ id }) => id));
  const calls = gatewayCalls(cluster.gateway.output()).filter(({ key }) => keys.has(orderOfKey(key)));
  const repeats = checkCalls(t, calls, frozenAt, thawedAt);
  t.comment(
    `round ${round}: ${inLine} calls in line; ${repeats}; taken over after ${Math.round(takenAt - frozenSince)} ms, all partitions back ` +
      `${Math.round(backAt - thawedSince)} ms after ${Math.round(thawedSince - frozenSince)} ms of frost`,
  );
  return orders;
}

/**
 * Of the victim's orders: which calls its successors found booked, which they made, and which were asked for again. A
 * successor asks again for what its look-up did not find; the owner, when it goes on, for what stood in its line, before
 * it hears that it owns nothing. Every other repeat fails. @returns how many of each, for people
 */
function checkCalls(t: Test, calls: readonly GatewayCall[], frozenAt: number, thawedAt: number): string {
  const requests = requestsByKey(calls);
  const lookups = calls.filter(({ kind }) => kind === "lookup");
  /** Its caller had asked before, and was told that nothing is booked. */
  const wasLookedUp = (call: GatewayCall) =>
    lookups.some(({ key, known, at }) => key === call.key && !known && at >= frozenAt && at <= call.at);
  // Under way when the owner was frozen: its successor asks what became of them, and repeats none that is booked. It has
  // a line of its own, perhaps until after the frost.
  const found = lookups.filter(
    (lookup) =>
      lookup.at >= frozenAt && lookup.known && (requests.get(lookup.key)?.[0]?.at ?? Infinity) < frozenAt,
  );
  t.ok(found.length > 0, "calls under way were found by their key");
  // In line: the gateway has not heard of them.
  const made = new Set(
    [...requests.values()].flatMap(([first]) =>
      first && first.at >= frozenAt && wasLookedUp(first) ? [first] : [],
    ),
  );
  for (const wanted of ["authorize", "capture"] as const)
    t.ok(
      [...made].some(({ kind }) => kind === wanted),
      `${wanted}: calls in line were made by the successor`,
    );
  let [booking, booked] = [0, 0];
  for (const [key, [first, ...repeats]] of requests) {
    // More than one repeat only of a call that ran into its time limit: looked up in between, and found not to be booked.
    for (const [index, repeat] of repeats.entries()) {
      const asked = repeats[index - 1];
      if (
        asked &&
        !lookups.some((look) => look.key === key && !look.known && look.at > asked.at && look.at <= repeat.at)
      )
        t.fail(`${key}: asked for ${index + 2} times, the last time without a look`);
    }
    for (const repeat of repeats)
      if (!repeat.known && wasLookedUp(repeat)) booking++;
      else if (repeat.known && repeat.at >= thawedAt && made.has(first!)) booked++;
      else
        t.fail(
          `${key}: asked for again, though it was booked or nobody had looked: ${JSON.stringify(repeat)}`,
        );
  }
  return (
    `${found.length} were under way and found, ${made.size} in line and made by the successor; asked for again under ` +
    `their keys: ${booking} before the first was booked, ${booked} by the owner when it went on, and answered from memory`
  );
}

const orderOfKey = (key: string): string => key.slice(0, key.indexOf(":"));

/** Calls that wait for their turn at the gateway on this node. */
const waiting = (url: string): Promise<number> =>
  metric(url, "orderly_provider_waiting", 'provider="gateway"');

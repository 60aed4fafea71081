/**
 * An owner is frozen (SIGSTOP) while its calls to the gateway, authorizations and captures, are under way or queued.
 * Per key: the requests of its successor, and those that the owner itself still sends when it goes on.
 */
import { subjects } from "../../src/services/subjects.ts";
import t, { type Test } from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { checkFences } from "../support/audits/fence-audit.ts";
import { checkKeys, type GatewayCall, gatewayCalls, requestsByKey } from "../support/logs/gateway-log.ts";
import { arranged } from "../support/arranged.ts";
import { metric } from "../support/metrics.ts";
import {
  checkAllEnd,
  checkHistories,
  checkLedger,
  checkNothingLost,
  checkStock,
} from "../support/audits/order-audit.ts";
import { orderOf, read, readiness, stock } from "../support/clients/order-client.ts";
import {
  type ClusterProcess,
  type OrderCluster,
  startOrderCluster,
} from "../support/cluster/order-cluster.ts";
import { type LoadedOrder, startLoad } from "../support/load/order-load.ts";
import { shareOf, untilSettled } from "../support/load/partition-share.ts";
import { printReplay } from "../support/replay-command.ts";
import { waitUntil } from "../support/wait-until.ts";

/** `npm run test:faults` sets more. */
const ROUNDS = Number(process.env["ORDERLY_TEST_ROUNDS"] ?? 1);
printReplay(t, { ORDERLY_TEST_ROUNDS: ROUNDS });
/** Three times the life of a presence entry. */
const FROZEN_MS = 9_000;
/** Per node: a call that is not under way is queued, and a frozen process keeps its queue. */
const CALLS_AT_ONCE = 6;
/** Paid at once; their captures come when the queues are full. */
const READY_TO_CAPTURE = 24;
/** The gateway takes two seconds for each: a queue of twelve seconds at every node. */
const SLOW = 108;
/** From the slow authorizations on: the queue is gone after twelve seconds. */
const QUEUED_WITHIN_MS = 15_000;
/** Pause between two steps of fulfillment: the third leads to the capture. */
const STEP_DELAY_MS = 1500;
const SKU = "TSHIRT-L";
const METHODS = ["credit_card", "debit_card", "tokenized"] as const;
const lines = [{ sku: SKU, quantity: 1 }];

t.setTimeout(120_000 + ROUNDS * 120_000);

t.test(
  `no operation counts twice when an owner is frozen for ${FROZEN_MS} ms in the middle of calls`,
  async (t) => {
    t.setTimeout(100_000 + ROUNDS * 120_000);
    const cluster = await startOrderCluster(t, {
      stepDelayMs: STEP_DELAY_MS,
      env: { ORDERLY_GATEWAY_CONCURRENCY: String(CALLS_AT_ONCE) },
      gatewayEnv: { ORDERLY_LOG_LEVEL: "debug" },
    });
    const link = await connectNats({ servers: [cluster.nats.url], name: "audit", connectTimeoutMs: 10_000 });
    t.teardown(() => link.close());
    const audit = auditReplies(t, cluster);
    const { onHand } = await stock(cluster.urls[0]!, SKU);
    const all: LoadedOrder[] = [];
    for (let round = 1; round <= ROUNDS; round++)
      all.push(...(await freeze(t, cluster, cluster.nodes[round % cluster.nodes.length]!, round)));
    await checkNothingLost(t, cluster.urls, all);
    await checkHistories(t, cluster.urls, all);
    await checkFences(t, natsJournal(link, subjects.stream(0)), cluster.urls[0]!, all);
    await checkLedger(t, cluster.gateway.url, all);
    checkKeys(t, requestsByKey(gatewayCalls(cluster.gateway.output())), all);
    await checkStock(t, cluster.urls[0]!, new Map([[SKU, onHand]]), all);
    await audit.check(t);
  },
);

/** Freezes the victim when its calls are under way and queued. @returns all orders of the round, ended */
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
  const earlier: LoadedOrder[] = [];
  const { toCapture, slow, inLine, thaw } = await arranged(
    t,
    "captures are queued after authorizations",
    async (attempt) => {
      const toCapture = await load(`capture-${attempt}`, READY_TO_CAPTURE, "tok_ok").done;
      const slow = load(`slow-${attempt}`, SLOW, "tok_slow");
      const mine = toCapture.filter(({ id }) => isOwned(id));
      /** Calls in the queue, once captures are among them and an authorization is too. */
      const inLine = await waitUntil(
        "captures are queued",
        async () => {
          const views = await Promise.all(mine.map(({ id }) => read(victim.url, id)));
          const capturing = views.filter(
            ({ body }) => body.fulfillment.status === "packed" && body.payment.status === "authorized",
          );
          const queued = await waiting(victim.url);
          return (
            capturing.length > 0 && capturing.length >= mine.length / 2 && queued > capturing.length && queued
          );
        },
        { timeoutMs: QUEUED_WITHIN_MS },
      ).catch(() => 0);
      if (inLine > 0) return { toCapture, slow, inLine, thaw: victim.freeze() };
      earlier.push(...toCapture, ...(await slow.done));
      return { missed: "the captures were made before the queue was long" };
    },
  );
  const [frozenAt, frozenSince] = [Date.now(), performance.now()];
  await untilSettled(cluster, others);
  const takenAt = performance.now();
  await waitUntil("three lives of presence have passed", () => performance.now() - frozenSince > FROZEN_MS, {
    timeoutMs: 2 * FROZEN_MS,
  });
  const [thawedAt, thawedSince] = [Date.now(), performance.now()];
  thaw();
  await waitUntil("the victim is ready again", async () => (await readiness(victim.url)) === 200, {
    timeoutMs: 60_000,
  });
  await untilSettled(cluster);
  const backAt = performance.now();
  t.ok(victim.running(), "the victim goes on by itself and owns its partitions again");
  const orders = [...toCapture, ...(await slow.done), ...earlier];
  await checkAllEnd(t, cluster.urls, orders);

  const keys = new Set([...toCapture, ...(await slow.done)].map(({ id }) => id).filter(isOwned));
  const calls = gatewayCalls(cluster.gateway.output()).filter(({ key }) => keys.has(orderOfKey(key)));
  const repeats = checkCalls(t, calls, frozenAt, thawedAt);
  t.comment(
    `round ${round}: ${inLine} calls queued; ${repeats}; taken over after ${Math.round(takenAt - frozenSince)} ms, all partitions back ` +
      `${Math.round(backAt - thawedSince)} ms after ${Math.round(thawedSince - frozenSince)} ms of frost`,
  );
  return orders;
}

/**
 * Of the victim's orders: the calls that its successors found booked, the calls that they made, and the repeated ones.
 * A successor repeats what its status query did not find. The owner, when it goes on, sends what was in its queue,
 * until it learns that it owns nothing. Every other repeat fails. @returns the number of each, as text
 */
function checkCalls(t: Test, calls: readonly GatewayCall[], frozenAt: number, thawedAt: number): string {
  const requests = requestsByKey(calls);
  const lookups = calls.filter(({ kind }) => kind === "lookup");
  /** Its caller had sent a status query before, and nothing was booked. */
  const wasLookedUp = (call: GatewayCall) =>
    lookups.some(({ key, known, at }) => key === call.key && !known && at >= frozenAt && at <= call.at);
  // Under way when the owner was frozen: its successor queries their status, and repeats none that is booked. It has a
  // queue of its own, perhaps until after the owner goes on.
  const found = lookups.filter(
    (lookup) =>
      lookup.at >= frozenAt && lookup.known && (requests.get(lookup.key)?.[0]?.at ?? Infinity) < frozenAt,
  );
  t.ok(found.length > 0, "the successor found calls under way by their key");
  // Queued: the gateway has not received them.
  const made = new Set(
    [...requests.values()].flatMap(([first]) =>
      first && first.at >= frozenAt && wasLookedUp(first) ? [first] : [],
    ),
  );
  for (const wanted of ["authorize", "capture"] as const)
    t.ok(
      [...made].some(({ kind }) => kind === wanted),
      `${wanted}: the successor made calls that were queued`,
    );
  let [booking, booked] = [0, 0];
  for (const [key, [first, ...repeats]] of requests) {
    // Only a call that reached its time limit is repeated more than once: with a status query in between that found
    // nothing.
    for (const [index, repeat] of repeats.entries()) {
      const asked = repeats[index - 1];
      if (
        asked &&
        !lookups.some((look) => look.key === key && !look.known && look.at > asked.at && look.at <= repeat.at)
      )
        t.fail(`${key}: requested ${index + 2} times, the last time without a status query`);
    }
    for (const repeat of repeats)
      if (!repeat.known && wasLookedUp(repeat)) booking++;
      else if (repeat.known && repeat.at >= thawedAt && made.has(first!)) booked++;
      else
        t.fail(
          `${key}: requested again, though it was booked or no caller had queried its status: ${JSON.stringify(repeat)}`,
        );
  }
  return (
    `${found.length} were under way and found, ${made.size} queued and made by the successor; requested again under ` +
    `their keys: ${booking} before the first was booked, ${booked} by the owner when it went on, and answered from memory`
  );
}

const orderOfKey = (key: string): string => key.slice(0, key.indexOf(":"));

/** Calls to the gateway that are queued on this node. */
const waiting = (url: string): Promise<number> =>
  metric(url, "orderly_provider_waiting", 'provider="gateway"');

/** More orders than a node may have under way, over HTTP: 429 at once, with `Retry-After`, and nothing written. */
import t, { type Test } from "tap";
import { auditReplies, type ReplyAudit } from "../support/audits/reply-audit.ts";
import { checkAllEnd, checkNothingLost } from "../support/audits/order-audit.ts";
import { arranged } from "../support/arranged.ts";
import { metric } from "../support/metrics.ts";
import { command, ledger, orderOf, place, read, readiness, stock } from "../support/clients/order-client.ts";
import { untilCompleted, untilPaid } from "../support/clients/order-poll.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { startLoad } from "../support/load/order-load.ts";
import { waitUntil } from "../support/wait-until.ts";

const EFFECT_LIMIT = 12;
const OUTBOX_LIMIT = 8;
/** Several times the number that the node accepts. */
const ASKED = 60;
const SKU = "TSHIRT-M";
const REFUSED_WITHIN_MS = 1000;

let cluster: OrderCluster;
let onHand: number;
let replies: ReplyAudit;
t.before(async () => {
  cluster = await startOrderCluster(t, {
    nodes: 1,
    env: { ORDERLY_EFFECT_LIMIT: String(EFFECT_LIMIT), ORDERLY_OUTBOX_LIMIT: String(OUTBOX_LIMIT) },
  });
  replies = auditReplies(t, cluster);
  ({ onHand } = await stock(cluster.urls[0]!, SKU));
});

/** Pieces: one for every order that is placed here and not cancelled. */
let sold = 0;
const order = orderOf({ lines: [{ sku: SKU, quantity: 1 }] });
/** The node answers after the first commit, so no caller waits for what the test delays. */
const ask = (headers: Readonly<Record<string, string>> = {}) =>
  place(cluster.urls[0]!, order, { prefer: "respond-async", ...headers });
const keyOf = (index: number) => `effects-${index}`;
type Answers = Awaited<ReturnType<typeof ask>>[];

/** Some must be refused, and the others accepted. @returns the accepted ones */
function checkRefusals(t: Test, answers: Answers): Answers {
  const refused = answers.filter(({ status }) => status === 429);
  t.ok(refused.length > 0, `${refused.length} of ${answers.length} are refused`);
  for (const { body, headers } of refused) {
    t.match(body, { code: "overloaded", status: 429 });
    t.match(headers.get("content-type"), /^application\/problem\+json/u);
    t.match(headers.get("retry-after"), /^[1-9]\d*$/u);
  }
  const taken = answers.filter(({ status }) => status !== 429);
  t.same(
    taken.filter(({ status }) => status !== 202).map(({ status, body }) => [status, body]),
    [],
    `${taken.length} are accepted`,
  );
  return taken;
}

t.test(
  "new orders get 429 when a node has its limit of effects under way, and the others go on",
  async (t) => {
    const [url = ""] = cluster.urls;
    const thaw = cluster.gateway.freeze();
    t.teardown(thaw);
    const first = await ask();
    const answers: Answers = [];
    const next = () => ask({ "idempotency-key": keyOf(answers.length) });
    // One after the other: orders that begin at one moment would all be accepted.
    while (answers.length < ASKED && (await metric(url, "orderly_effects_running")) < EFFECT_LIMIT)
      answers.push(await next());
    const later = Array.from({ length: ASKED - answers.length }, (_, index) =>
      ask({ "idempotency-key": keyOf(answers.length + index) }),
    );
    for (const answer of await Promise.all(later)) {
      t.equal(answer.status, 429);
      answers.push(answer);
    }
    const taken = checkRefusals(t, answers);
    t.ok(taken.length + 1 >= EFFECT_LIMIT, `${taken.length + 1} are under way`);
    const from = performance.now();
    t.match(await ask(), { status: 429, body: { code: "overloaded" } });
    t.ok(performance.now() - from < REFUSED_WITHIN_MS, "at once");
    const { id } = first.body;
    t.match(await read(url, id), { status: 200, body: { status: "authorizing" } });
    t.match(await command(url, id, "cancel"), { status: 200, body: { status: "cancelled" } });
    thaw();

    const orders = await startLoad({
      name: "effects",
      count: ASKED,
      callers: 4,
      orderAt: () => order,
      urls: () => cluster.urls,
    }).done;
    for (const [index, { status, body }] of answers.entries())
      if (status === 202)
        t.equal(orders.find(({ key }) => key === keyOf(index))?.id, body.id, "the accepted order");
    t.equal(new Set(orders.map((one) => one.id)).size, ASKED, "each refused caller gets a new order");
    await checkNothingLost(t, cluster.urls, orders);
    await checkAllEnd(t, cluster.urls, orders);
    await untilPaid(url, id, "cancelled", "voided");
    const kinds = (await ledger(cluster.gateway.url, id)).map(({ kind }) => kind);
    t.strictSame(kinds, ["authorize", "void"]);
    sold += ASKED;
  },
);

t.test("new orders get 429 when the outbox is full while the server is silent", async (t) => {
  const [url = ""] = cluster.urls;
  const { asked } = await arranged(t, "the outbox is full while the node is present", async () => {
    const before = await stock(url, SKU);
    const speak = cluster.nats.freeze();
    // An order without a key needs no check whether it exists: the owner decides it at once.
    let refused = 0;
    const asked = Array.from({ length: ASKED }, async () => {
      const answer = await ask();
      if (answer.status === 429) refused++;
      return answer;
    });
    const isFull = await waitUntil(
      "all that do not fit into the outbox are refused",
      () => refused >= ASKED - OUTBOX_LIMIT,
      { timeoutMs: 2000, intervalMs: 5 },
    ).catch(() => false);
    const isPresent = (await readiness(url)) === 200;
    speak();
    const answers = await Promise.all(asked);
    if (isFull && isPresent && answers.every(({ status }) => status !== 503)) return { asked: answers };
    // Some of these orders are stored though their callers were refused.
    await waitUntil("the node is ready", async () => (await readiness(url)) === 200);
    await waitUntil("all orders have ended", async () => {
      return (await metric(url, "orderly_outbox_depth")) === 0 && (await stock(url, SKU)).reserved === 0;
    });
    sold += before.onHand - (await stock(url, SKU)).onHand;
    return { missed: `${refused} were refused` };
  });
  const taken = checkRefusals(t, asked);
  t.equal(taken.length, OUTBOX_LIMIT, "exactly as many as fit");
  for (const { body } of taken) await untilCompleted(url, body.id);
  sold += taken.length;
});

t.test("a refused order leaves no trace in the stock and in the gateway's bookings", async (t) => {
  const left = { onHand: onHand - sold, reserved: 0, available: onHand - sold };
  t.match(await stock(cluster.urls[0]!, SKU), left);
  const authorized = (await ledger(cluster.gateway.url)).filter(({ kind }) => kind === "authorize");
  t.equal(authorized.length, sold + 1, "one authorization for each order, and one for the cancelled one");
});

t.test("every state that a caller got was stored", async (t) => {
  await replies.check(t);
});

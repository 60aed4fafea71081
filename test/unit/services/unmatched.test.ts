/** Signed messages that no order takes: kept once for operators, within bounds, and applied to no order. */
import t from "tap";
import { quietSource } from "../nodes/node-status.ts";
import { unmatchedBucket } from "../../../nodes/order/streams.ts";
import { metricsText } from "../../../nodes/order/metrics.ts";
import { BODY_CHARS } from "../../../src/services/webhooks/unmatched.ts";
import { unmatchedBounds } from "../../../src/services/webhooks/subjects.ts";
import { NOW } from "../runtime/tenure/tenure-stage.ts";
import { ORDER, parcel, payment, webhookStage } from "./webhook-stage.ts";

const TAKEN = { status: "taken" } as const;
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
type Stage = Awaited<ReturnType<typeof webhookStage>>;

const listed = async ({ cluster, list }: Stage, page: Partial<Parameters<Stage["list"]>[0]> = {}) => {
  const result = await cluster.done(list({ limit: 50, ...page }));
  if (result.status !== "found") throw new Error(result.status);
  return result;
};

t.test("a payment about an order that does not exist is kept with all an operator needs", async (t) => {
  const stage = await webhookStage();
  const { report, body } = payment({ orderId: "ord_gone" });
  t.same(await stage.take(stage.intake.payment("msg_1", report, body)), TAKEN);
  const { items, next } = await listed(stage);
  t.match(items, [
    {
      sender: "payments",
      id: "msg_1",
      type: "payment.paid",
      orderId: "ord_gone",
      reason: "unknown_order",
      body: body.toString(),
      bodyCut: false,
      at: /^\d{4}-/u,
    },
  ]);
  t.equal(next, null);
  t.equal(stage.inboxOf("ord_gone").length, 0, "nothing waits for an order that may never be");
  t.match(stage.lines, [
    { message: /no order takes/u, fields: { sender: "payments", webhook: "msg_1", order: "ord_gone" } },
  ]);
  t.same(stage.intake.counts.unmatched.payments, { unknown_order: 1, unknown_type: 0 });
});

t.test("orders with ids of any form, and types of any kind, are unknown and not refused", async (t) => {
  const stage = await webhookStage();
  for (const orderId of ["1", "INV 77/2026", "ord_>", "a.b.*", "größe", "x".repeat(200)]) {
    const { report, body } = payment({ orderId });
    t.same(await stage.take(stage.intake.payment("msg_1", report, body)), TAKEN, orderId);
    t.equal((await listed(stage)).items.at(-1)?.orderId, orderId);
  }
  const { body } = parcel();
  t.same(
    await stage.take(
      stage.intake.unknownType("carrier", "msg_1", { type: "shipment.sunk", orderId: ORDER }, body),
    ),
    TAKEN,
  );
  t.same(
    await stage.take(stage.intake.unknownType("carrier", "msg_1", { type: "weather", orderId: null }, body)),
    TAKEN,
  );
  t.match((await listed(stage, { sender: "carrier" })).items, [
    { type: "shipment.sunk", orderId: ORDER, reason: "unknown_type" },
    { type: "weather", orderId: null, reason: "unknown_type" },
  ]);
  t.same(await stage.notes(), [], "and the order has got nothing");
});

t.test("a repeat leaves one trace, and one with another body is counted", async (t) => {
  const stage = await webhookStage();
  const { intake, take } = stage;
  const { report, body } = payment({ orderId: "ord_gone" });
  const other = payment({ orderId: "ord_gone", amount: 1 });
  for (let n = 0; n < 3; n++) t.same(await take(intake.payment("msg_1", report, body)), TAKEN);
  t.same(await take(intake.payment("msg_1", other.report, other.body)), TAKEN);
  const { items } = await listed(stage);
  t.same(
    items.map((item) => item.body),
    [body.toString()],
    "the first one",
  );
  t.equal(intake.counts.unmatched.payments.unknown_order, 1);
  t.equal(intake.counts.otherBody.payments, 1);
  t.equal(stage.lines.filter(({ message }) => /no order takes/u.test(message)).length, 1);
});

t.test("it is not answered before it is kept, and refused when that is not known", async (t) => {
  for (const lose of ["request", "answer"] as const) {
    const stage = await webhookStage();
    const { report, body } = payment({ orderId: "ord_gone" });
    const send = () => stage.take(stage.intake.payment("msg_1", report, body));
    const failing = { lose };
    stage.cluster.faults.push(({ kind, subject }) =>
      kind === "bucket_write" && subject.includes("UNMATCHED") ? failing : undefined,
    );
    t.match(await send(), { status: "unavailable" }, lose);
    stage.cluster.faults.pop();
    t.same(await send(), TAKEN, "its sender repeats it");
    t.equal((await listed(stage)).items.length, 1);
  }
});

t.test("whether an order exists is not guessed: without its owner the message is refused", async (t) => {
  const stage = await webhookStage();
  const { report, body } = payment({ orderId: "ord_gone" });
  stage.cluster.faults.push(({ kind, subject }) =>
    kind === "read" && subject.includes(".journal.") && subject.endsWith("ord_gone")
      ? { lose: "answer" }
      : undefined,
  );
  t.match(await stage.take(stage.intake.payment("msg_1", report, body)), { status: "unavailable" });
  t.same((await listed(stage)).items, []);
});

t.test("an order that appears later does not get it, until its sender repeats it", async (t) => {
  const stage = await webhookStage();
  const { report, body } = payment({ orderId: "ord_late" });
  await stage.take(stage.intake.payment("msg_1", report, body));
  await stage.cluster.done(stage.node.actors.start("ord_late", {}, NOW));
  t.same(await stage.notes("ord_late"), []);
  // A new owner reads the inbox again from its checkpoint.
  stage.node.kill();
  const two = await stage.start("two");
  await stage.cluster.settled();
  const read = async () =>
    stage.cluster.ok(await stage.cluster.done(two.node.actors.read("ord_late"))).snapshot.version;
  t.equal(await read(), 1);
  t.same(await stage.take(two.intake.payment("msg_1", report, body)), TAKEN);
  await stage.cluster.clock.advance(500);
  t.equal(await read(), 2, "then it is applied");
});

t.test("what may not be stored is hidden, in every part of the message", async (t) => {
  const stage = await webhookStage();
  const card = "4111 1111 1111 1111";
  const body = bytes({
    type: "x",
    data: {
      orderId: card,
      note: `paid by ada@example.com with ${card}`,
      number: 4111111111111111,
      [card]: ["//me:secret@host/"],
    },
  });
  const about = { type: `card ${card}`, orderId: card };
  await stage.take(stage.intake.unknownType("payments", "4111111111111111", about, body));
  const { items } = await listed(stage);
  t.equal(items.length, 1);
  const stored = JSON.stringify(stage.cluster.server.log("KV_UNMATCHED_PAYMENTS").lastPerSubject("$KV.>"));
  for (const text of [JSON.stringify(items), stored, JSON.stringify(stage.lines)]) {
    t.notMatch(text.replaceAll(/[^\d]/gu, ""), /411111111111/u);
    t.notMatch(text, /ada@|secret/u);
  }
  t.match(items[0]?.orderId, /ending in 1111/u);
  await stage.take(stage.intake.unknownType("payments", "4111111111111111", about, body));
  t.equal((await listed(stage)).items.length, 1, "and a repeat is recognized nevertheless");
});

t.test("a body is kept up to its bound, and a message at every bound fits into the bucket", async (t) => {
  const stage = await webhookStage();
  const data = {
    orderId: "ö".repeat(200),
    texts: ["\u0001ö".repeat(9_000), "/".repeat(9_000), "1".repeat(9_000)],
  };
  const about = { type: "ö".repeat(200), orderId: data.orderId };
  const begun = performance.now();
  t.same(
    await stage.take(stage.intake.unknownType("payments", ".".repeat(128), about, bytes({ data }))),
    TAKEN,
  );
  const { items } = await listed(stage);
  t.ok(performance.now() - begun < 2_000, "the search for what to hide is bounded");
  t.equal(items[0]?.bodyCut, true);
  t.equal(items[0]?.body.length, BODY_CHARS);
  const log = stage.cluster.server.log("KV_UNMATCHED_PAYMENTS");
  const stored = log.at(log.lastSequence);
  t.ok(Buffer.byteLength(`${stored?.subject}${stored?.payload}`) < unmatchedBounds.messageBytes);
});

t.test("the list has pages, over both senders", async (t) => {
  const stage = await webhookStage();
  for (let n = 0; n < 5; n++) {
    const { report, body } = payment({ orderId: `ord_gone${n}` });
    await stage.take(stage.intake.payment(`msg_${n}`, report, body));
  }
  for (let n = 0; n < 3; n++) {
    const { report, body } = parcel(`ord_lost${n}`);
    await stage.take(stage.intake.delivery(`msg_${n}`, report, body));
  }
  for (const limit of [1, 2, 4, 5, 8, 9]) {
    const seen: string[] = [];
    let after: string | undefined;
    for (let pages = 0; pages < 10; pages++) {
      const page = await listed(stage, { limit, ...(after === undefined ? {} : { after }) });
      t.ok(page.items.length <= limit);
      seen.push(...page.items.map(({ orderId }) => orderId ?? ""));
      if (page.next === null) break;
      after = page.next;
    }
    const wanted = ["gone0", "gone1", "gone2", "gone3", "gone4", "lost0", "lost1", "lost2"];
    t.same(
      seen,
      wanted.map((name) => `ord_${name}`),
      `${limit} a page`,
    );
  }
  t.equal((await listed(stage, { sender: "carrier", limit: 2 })).items[0]?.orderId, "ord_lost0");
  stage.cluster.faults.push(({ kind }) => (kind === "bucket_read" ? { lose: "answer" } : undefined));
  t.match(await stage.cluster.done(stage.list({ limit: 1 })), { status: "unavailable" });
});

t.test("each sender has a bounded place of its own: none pushes out what another one sent", async (t) => {
  const names = (["payments", "carrier"] as const).map((sender) => unmatchedBucket(sender, { replicas: 1 }));
  t.same(
    names.map(({ name }) => name),
    ["KV_UNMATCHED_PAYMENTS", "KV_UNMATCHED_CARRIER"],
  );
  for (const { max_msgs, max_msg_size, max_age, discard } of names) {
    t.ok(max_msgs > 0 && max_msg_size > 0 && max_age > 0);
    t.equal(discard, "old");
  }
});

t.test("the metrics count by sender and reason, from the start", async (t) => {
  const { node, intake } = await webhookStage();
  const text = metricsText({
    ...quietSource,
    node: "one",
    status: node.node.status(),
    webhooks: intake.counts,
  });
  for (const labels of ['sender="payments",reason="unknown_order"', 'sender="carrier",reason="unknown_type"'])
    t.match(text, `orderly_webhooks_unmatched_total{node="one",${labels}} 0`);
  t.match(text, 'orderly_webhooks_other_body_total{node="one",sender="carrier"} 0');
});

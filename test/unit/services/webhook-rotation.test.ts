/** A sender's secret is changed without a message that is refused, applied twice, or taken for another one. */
import t from "tap";
import { signWebhook, verifiedId } from "../../../src/services/webhooks/signature.ts";
import { payment, SECRETS, webhookStage } from "./webhook-stage.ts";

const TAKEN = { status: "taken" } as const;
const [OLD = ""] = SECRETS.payments;
const NOW = Date.parse("2031-05-06T07:08:09.500Z");
const NEW = "the next secret of the gateway";
const both = { ...SECRETS, payments: [NEW, OLD] };
const onlyNew = { ...SECRETS, payments: [NEW] };
const body = Buffer.from("{}");
const signed = (secrets: string | readonly string[]) =>
  signWebhook(secrets, "msg_1", new Date(NOW), body.toString());

t.test("every step of a change takes what the sender signs at that step", async (t) => {
  const steps = [
    { knows: OLD, signs: OLD },
    { knows: [NEW, OLD], signs: OLD },
    { knows: [NEW, OLD], signs: NEW },
    { knows: NEW, signs: NEW },
    // A sender that signs with both is taken by receivers before and after their change.
    { knows: OLD, signs: [NEW, OLD] },
    { knows: NEW, signs: [NEW, OLD] },
  ];
  for (const { knows, signs } of steps) t.equal(verifiedId(knows, signed(signs), body, NOW), "msg_1");
  t.equal(verifiedId(NEW, signed(OLD), body, NOW), undefined, "the old one ends with the change");
  t.equal(verifiedId([NEW, OLD], signed("of another sender"), body, NOW), undefined);
});

t.test("a message from before the change is recognized when it is repeated during it", async (t) => {
  const stage = await webhookStage();
  const { report, body: paid } = payment();
  t.same(await stage.take(stage.intake.payment("msg_1", report, paid)), TAKEN);
  const next = await stage.start("two", both);
  await stage.cluster.clock.advance(3 * 60_000);
  t.same(await stage.take(next.intake.payment("msg_1", report, paid)), TAKEN);
  t.same(next.intake.counts.otherBody, { payments: 0, carrier: 0 }, "it is the same body");
  const other = payment({ authorization: "auth_2" });
  await stage.take(next.intake.payment("msg_1", other.report, other.body));
  t.equal(next.intake.counts.otherBody.payments, 1);
  t.same(await stage.notes(), ["gateway.paid"]);
});

t.test("a message of during the change is recognized after it", async (t) => {
  const stage = await webhookStage({ secrets: both });
  const { report, body: paid } = payment();
  await stage.take(stage.intake.payment("msg_1", report, paid));
  const after = await stage.start("two", onlyNew);
  await stage.take(after.intake.payment("msg_1", report, paid));
  t.same(after.intake.counts.otherBody, { payments: 0, carrier: 0 });
});

t.test(
  "a message that no order takes is kept once, although its secret changed between its copies",
  async (t) => {
    const stage = await webhookStage();
    const { report, body: paid } = payment({ orderId: "ord_gone" });
    await stage.take(stage.intake.payment("msg_1", report, paid));
    const next = await stage.start("two", both);
    await stage.take(next.intake.payment("msg_1", report, paid));
    const listed = await stage.cluster.done(stage.list({ limit: 50 }));
    t.match(listed, { status: "found", items: [{ id: "msg_1" }] });
    t.same(next.intake.counts.otherBody, { payments: 0, carrier: 0 });
  },
);

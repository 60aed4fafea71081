/** The simulator's messages reach the shop, whatever its first answers and however often the simulator restarts. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { WebhookSender } from "../../../nodes/simulators/webhook-sender.ts";
import { signWebhook, verifiedId } from "../../../src/services/webhooks/signature.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";
import { waitUntil } from "../../support/wait-until.ts";

const SECRET = `whsec_${Buffer.from("tests sign their webhooks with this").toString("base64")}`;

/** A shop with given answers. */
async function shop(t: Test) {
  const got: { headers: IncomingHttpHeaders; body: string }[] = [];
  const state = { status: 200 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      got.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(state.status).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  t.teardown(() => server.close());
  return { got, state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

const sender = (urls: readonly string[], path: string): WebhookSender =>
  new WebhookSender({ urls, secrets: [SECRET], path, log: quietLog, firstMs: 5 });

t.test("a message is signed, and sent again under the same id until a node accepts it", async (t) => {
  const { got, state, url } = await shop(t);
  state.status = 503;
  const one = sender(["http://127.0.0.1:1/hook", url], join(t.testdir(), "webhooks.jsonl"));
  t.teardown(() => one.stop());
  one.send("msg_1", { type: "payment.paid" });
  await waitUntil("it was sent twice", () => got.length >= 2);
  t.equal(one.waiting, 1);
  state.status = 200;
  await waitUntil("it was taken", () => one.waiting === 0);
  for (const { headers, body } of got) {
    t.equal(verifiedId(SECRET, headers, Buffer.from(body), Date.now()), "msg_1");
    t.same(JSON.parse(body), { type: "payment.paid" });
  }
});

t.test("the next process sends the messages that were not accepted, and no others", async (t) => {
  const path = join(t.testdir(), "webhooks.jsonl");
  const { got, state, url } = await shop(t);
  const first = sender([url], path);
  first.send("msg_taken", { type: "payment.paid" });
  await waitUntil("the first was taken", () => first.waiting === 0);
  state.status = 500;
  first.send("msg_left", { type: "payment.declined" });
  await waitUntil("the second was tried", () => got.length >= 2);
  first.stop();
  state.status = 200;
  const before = got.length;
  const second = sender([url], path);
  t.teardown(() => second.stop());
  await waitUntil("the second was taken", () => second.waiting === 0 && got.length > before);
  t.ok(got.slice(before).every(({ headers }) => headers["webhook-id"] === "msg_left"));
});

t.test("a sender that is switched off keeps no messages", async (t) => {
  const none = sender([], join(t.testdir(), "webhooks.jsonl"));
  none.send("msg_1", {});
  t.equal(none.waiting, 0);
});

t.test("only a valid and recent signature is accepted", async (t) => {
  const body = Buffer.from('{"a":1}');
  const now = new Date();
  const good = signWebhook(SECRET, "msg_1", now, body.toString());
  const plain = "a secret that is no base64 at all, of forty characters";
  t.equal(verifiedId(SECRET, good, body, now.getTime()), "msg_1");
  t.equal(
    verifiedId(plain, signWebhook(plain, "msg_2", now, body.toString()), body, now.getTime()),
    "msg_2",
    "any text",
  );
  const other = signWebhook(plain, "msg_1", now, body.toString());
  const rotated = {
    ...good,
    "webhook-signature": `${other["webhook-signature"]} ${good["webhook-signature"]}`,
  };
  t.equal(verifiedId(SECRET, rotated, body, now.getTime()), "msg_1", "while the secret is being changed");
  const minutes = (n: number) =>
    signWebhook(SECRET, "msg_1", new Date(now.getTime() + n * 60_000), body.toString());
  t.equal(verifiedId(SECRET, minutes(-4), body, now.getTime()), "msg_1");
  for (const [what, headers, bytes] of [
    ["another secret", other, body],
    ["another body", good, Buffer.from('{"a":2}')],
    ["too old", minutes(-6), body],
    ["too new", minutes(6), body],
    ["another id", { ...good, "webhook-id": "msg_2" }, body],
    ["an id that is none", { ...good, "webhook-id": "a b" }, body],
    ["a time that is none", { ...good, "webhook-timestamp": "soon" }, body],
    [
      "another scheme",
      { ...good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,") },
      body,
    ],
    ["no signature", { "webhook-id": "msg_1", "webhook-timestamp": good["webhook-timestamp"] }, body],
    ["nothing", {}, body],
  ] as const)
    t.equal(verifiedId(SECRET, headers, bytes, now.getTime()), undefined, what);
});

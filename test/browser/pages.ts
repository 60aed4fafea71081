/**
 * What customers see and press in a real browser: the gateway's page, the mailbox, the invoice. Needs Chromium, and is
 * therefore not among the tests of `npm test`: `npm run test:browser`.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { type Browser, type Page, startBrowser } from "../support/clients/browser.ts";
import { awaiting, type HostedOrder, ON_HAND } from "../support/clients/hosted-order.ts";
import { command, mails, read } from "../support/clients/order-client.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const NARROWEST = 320;
/** The name of a hostile site; it leads to this machine. */
const EVIL = "evil.example";

let cluster: OrderCluster;
let browser: Browser;
t.before(async () => {
  cluster = await startOrderCluster(t, { nodes: 1, catalogue: false });
  browser = await startBrowser(t, [EVIL]);
});

const shows = (page: Page, text: string): Promise<unknown> =>
  waitUntil(`the page shows "${text}"`, async () => {
    const shown = await page.text();
    if (!shown.includes(text)) throw new Error(`it shows ${shown}`);
    return true;
  });

const buttons = (page: Page): Promise<string[]> =>
  page.evaluate("[...document.querySelectorAll('button')].map((one) => one.innerText)");

/** The order that was paid first; later tests open its mail and its invoice. */
let paid: HostedOrder;

t.test("a customer pays with the mouse, and the order is completed", async (t) => {
  paid = await awaiting(t, cluster);
  const page = await browser.open(paid.page);
  await shows(page, "Pay for your order");
  await shows(page, paid.id);
  t.strictSame(await buttons(page), ["Pay €20.00", "Decline"]);
  await page.resize(NARROWEST);
  const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
  t.equal(await page.evaluate(overflow), 0, "the page fits on a small phone");

  await page.press("Pay");
  await shows(page, "Payment complete");
  t.strictSame(await buttons(page), [], "no button is left");
  await paid.becomes("completed", "captured");
  await page.back();
  await shows(page, "Payment complete");
  t.strictSame(await buttons(page), [], "no button is left on the page before");
  t.strictSame(await paid.booked(), ["authorize", "capture"]);
});

t.test("a customer who presses twice pays once", async (t) => {
  const order = await awaiting(t, cluster);
  const page = await browser.open(order.page);
  await page.press("Pay", 2);
  await shows(page, "Payment complete");
  await order.becomes("completed", "captured");
  t.strictSame(await order.booked(), ["authorize", "capture"]);
});

t.test("a customer has the page in two windows, pays in one, and declines in the other", async (t) => {
  const order = await awaiting(t, cluster);
  const [one, other] = [await browser.open(order.page), await browser.open(order.page)];
  await one.press("Pay");
  await shows(one, "Payment complete");
  await other.press("Decline");
  await shows(other, "Payment complete");
  await order.becomes("completed", "captured");
  t.strictSame(await order.booked(), ["authorize", "capture"]);
});

t.test("a customer declines with the keyboard, and the stock is free", async (t) => {
  const order = await awaiting(t, cluster);
  const page = await browser.open(order.page);
  await page.key("Tab");
  await page.key("Tab");
  t.equal(await page.evaluate("document.activeElement.innerText"), "Decline");
  await page.key("Enter");
  await shows(page, "Payment declined");
  await order.becomes("payment_failed", "failed");
  await order.stockIs(ON_HAND);
});

t.test("a customer who pays after the shop has cancelled gets the money back", async (t) => {
  const order = await awaiting(t, cluster);
  const page = await browser.open(order.page);
  t.equal((await command(order.url(), order.id, "cancel", { reason: "changed my mind" })).status, 200);
  await order.becomes("cancelled", "voided");
  await page.press("Pay €20.00");
  await shows(page, "This payment is closed");
  t.strictSame(await buttons(page), ["Pay anyway"]);
  await page.press("Pay anyway");
  await shows(page, "Payment complete");
  await order.becomes("cancelled", "refunded");
  t.strictSame(await order.booked(), ["authorize", "capture", "refund"]);
});

t.test("the mailbox opens a mail of the order", async (t) => {
  await paid.mailed("Order shipped");
  const page = await browser.open(cluster.mailbox.url);
  await shows(page, "Order shipped");
  const mail = await page.evaluate<{ height: number; text: string }>(`(() => {
    const mails = [...document.querySelectorAll("details")];
    const one = mails.find(({ innerText }) => innerText.includes("Order shipped") && innerText.includes("${paid.email}"));
    one.querySelector("summary").click();
    const frame = one.querySelector("iframe");
    return { height: frame.getBoundingClientRect().height, text: frame.srcdoc };
  })()`);
  t.ok(mail.height > 100, "the mail is visible");
  t.match(mail.text, paid.id);
});

t.test("the invoice opens in the browser", async (t) => {
  const page = await browser.open(`${paid.url()}/v1/orders/${paid.id}/invoice`);
  const { body } = await read(paid.url(), paid.id);
  await waitUntil(
    "the browser has read the invoice",
    async () => (await page.title()) === `Invoice ${body.invoice?.number}`,
  );
  t.equal(await page.evaluate("document.contentType"), "application/pdf");
});

/** Sends a form without fields, and one as `fetch` does it without asking; resolves when both have been answered. */
const attack = (url: string, fields: Record<string, string> = {}): string => `(async () => {
  await fetch(${JSON.stringify(url)}, { method: "POST", mode: "no-cors", body: new URLSearchParams(${JSON.stringify(fields)}) });
  await fetch(${JSON.stringify(url)}, { method: "POST", mode: "no-cors" });
  const frame = document.createElement("iframe");
  frame.name = "answer to " + ${JSON.stringify(url)};
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: ${JSON.stringify(url)}, target: frame.name });
  for (const [name, value] of Object.entries(${JSON.stringify(fields)}))
    form.append(Object.assign(document.createElement("input"), { name, value }));
  document.body.append(frame, form);
  const answered = new Promise((resolve, reject) => {
    frame.addEventListener("load", resolve);
    setTimeout(reject, 10_000, new Error("the form was not answered"));
  });
  form.submit();
  await answered;
  return "sent";
})()`;

t.test("a page of another site changes nothing, on a node or at the gateway", async (t) => {
  const site = createServer((_request, response) =>
    response.setHeader("content-type", "text/html").end("<!doctype html><title>Evil</title><p>A game</p>"),
  );
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  t.teardown(() => site.close());
  t.teardown(() => site.closeAllConnections());
  const order = await awaiting(t, cluster);
  const page = await browser.open(`http://${EVIL}:${(site.address() as AddressInfo).port}/`);
  await shows(page, "A game");
  t.equal(await page.evaluate(attack(`${order.url()}/v1/orders/${order.id}/cancel`)), "sent");
  t.equal(await page.evaluate(attack(order.page, { action: "pay" })), "sent");
  t.match((await read(order.url(), order.id)).body, { status: "awaiting_payment" });
  t.strictSame(await order.booked(), [], "nothing was paid");
  t.equal((await command(order.url(), order.id, "cancel", { reason: "by its owner" })).status, 200);
});

/** Asks from within a page: the status of the answer, or `blocked` when the policy of the page forbids to ask. */
const status = (path: string, init: object): string =>
  `fetch(${JSON.stringify(path)}, ${JSON.stringify(init)}).then(({ status }) => status, () => "blocked")`;

t.test("under a name that was made to lead here, a node shows and takes nothing", async (t) => {
  const before = (await mails(cluster.mailbox.url)).length;
  const at = new URL(cluster.urls[0] ?? "");
  const page = await browser.open(`http://${EVIL}:${at.port}/v1/cluster`);
  await shows(page, "foreign_origin");
  // The policy of the refused page lets its scripts send nothing.
  t.equal(await page.evaluate(status("/v1/orders", { method: "POST", body: "{}" })), "blocked");
  const mailbox = await browser.open(`http://${EVIL}:${new URL(cluster.mailbox.url).port}/`);
  await shows(mailbox, "foreign_origin");
  t.equal(await mailbox.evaluate(status("/messages", { method: "DELETE" })), "blocked");
  t.ok((await mails(cluster.mailbox.url)).length >= before, "no mail is gone");
});

/**
 * What customers see and press in a real browser: the gateway's page, the mailbox, the invoice. Needs Chromium, and is
 * therefore not among the tests of `npm test`: `npm run test:browser`.
 */
import t from "tap";
import { type Browser, type Page, startBrowser } from "../support/clients/browser.ts";
import { awaiting, type HostedOrder, ON_HAND } from "../support/clients/hosted-order.ts";
import { command, read } from "../support/clients/order-client.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const NARROWEST = 320;

let cluster: OrderCluster;
let browser: Browser;
t.before(async () => {
  cluster = await startOrderCluster(t, { nodes: 1, catalogue: false });
  browser = await startBrowser(t);
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

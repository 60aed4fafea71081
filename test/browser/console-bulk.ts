/** A command to many orders in a real browser: chosen, previewed, started, followed, stopped. Needs Chromium. */
import t from "tap";
import type { Bulk, BulkView } from "../../src/services/bulk/contract.ts";
import { type Browser, type Page, startBrowser } from "../support/clients/browser.ts";
import {
  buildConsole,
  consoleSource,
  overflow,
  picture,
  serve,
  shows,
  violations,
} from "../support/clients/console-pages.ts";
import { withData } from "../support/console-services.ts";
import { oneKey } from "../support/one-key.ts";
import { order, startApp } from "../support/http-services.ts";
import { waitUntil } from "../support/wait-until.ts";

const AT = "2026-11-30T10:00:00.000Z";
const ID = "blk_01jdkq0r9dfk8t3e4m5n6p7q8r";
const ids = Array.from({ length: 12 }, (_, at) => `ord_${100_000 - at}abcdefghijklm`);

let browser: Browser;
t.before(async () => {
  buildConsole();
  browser = await startBrowser(t);
});

/** One operation in memory. `asked` has what was asked for. */
function operations(): Bulk & { view: BulkView; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const self = {
    asked,
    view: {
      id: ID,
      action: "cancel",
      reason: "the warehouse is closed",
      status: "running",
      count: 12,
      processed: 5,
      outcomes: [
        { code: "done", count: 4 },
        { code: "illegal_transition", count: 1 },
      ],
      startedAt: AT,
      updatedAt: "2026-11-30T10:00:05.000Z",
    } as BulkView,
    preview: async (plan) => {
      asked.push(plan);
      return {
        status: "previewed",
        token: "AXV3",
        expiresAt: AT,
        count: 12,
        exact: true,
        eligible: [
          { state: "confirmed", count: 7 },
          { state: "ready", count: 3 },
        ],
        samples: ids.slice(0, 5).map((id) => ({ id, state: "confirmed" })),
        asOf: { sequence: 42, at: AT, behindMs: 0 },
      };
    },
    start: async (token, { idempotencyKey }) => {
      asked.push({ token, idempotencyKey });
      return { status: "started", bulk: self.view };
    },
    get: async (id) => (id === ID ? { status: "found", bulk: self.view } : { status: "not_found" }),
    items: async (_id, { outcome }) => ({
      status: "found",
      items: ids
        .map((orderId, at) => ({
          orderId,
          outcome: at === 4 ? "illegal_transition" : at < 4 ? "done" : "pending",
        }))
        .filter((one) => outcome === undefined || one.outcome === outcome),
      next: null,
    }),
    stop: async () => {
      self.view = { ...self.view, status: "stopped" };
      return { status: "found", bulk: self.view };
    },
  } satisfies Bulk & { view: BulkView; asked: unknown[] } as Bulk & { view: BulkView; asked: unknown[] };
  return self;
}

const pathname = (page: Page) => page.evaluate<string>("location.pathname");

/** In light, in dark, and on a small phone. */
async function isForAll(t: Tap, page: Page, what: string): Promise<void> {
  await page.prefer("light");
  t.strictSame(await violations(page), [], `${what} in light`);
  await page.prefer("dark");
  t.strictSame(await violations(page, ["color-contrast"]), [], `${what} in dark`);
  await page.resize(320);
  t.equal(await page.evaluate(overflow), 0, `${what} fits on a small phone`);
  await page.resize(1280);
}
type Tap = Pick<typeof t, "strictSame" | "equal">;

/** Chooses the value of a select, or types into a field, as a user does. */
const fill = (label: string, value: string): string => `(() => {
  const field = [...document.querySelectorAll("dialog label")].find((one) => one.innerText === ${JSON.stringify(label)}).control;
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, ${JSON.stringify(value)});
  field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
})()`;

t.test(
  "selected orders are canceled only after a preview and a second press, once, and followed live",
  async (t) => {
    const bulk = operations();
    const { url } = await serve(t, { ...withData(), bulk });
    const page = await browser.open(`${url}/orders`);
    await page.resize(1280);
    await shows(page, "payment failed");
    await page.evaluate("document.querySelector('[role=row][tabindex=\"0\"]').focus()");
    for (const key of ["x", "j", "x"]) await page.key(key);
    await shows(page, "2 selected");
    await page.press("Do to all selected");
    await shows(page, "2 selected orders");
    t.equal(bulk.asked.length, 0, "nothing is asked for before the user does");
    await page.evaluate(fill("Reason", "the warehouse is closed"));
    await page.press("Preview");
    await shows(page, "10 would take it");
    await shows(page, "2 refuse it, unchanged");
    t.match(bulk.asked, [{ ids: [ids[0], ids[1]], action: "cancel", reason: "the warehouse is closed" }]);
    await isForAll(t, page, "the preview");
    await picture(page, "bulk-preview");
    await page.press("Cancel: 12 orders");
    await shows(page, "This cannot be undone");
    t.equal(bulk.asked.length, 1, "one press starts nothing that cannot be undone");
    await page.press("Yes, cancel", 2);
    await waitUntil("the operation is open", async () => (await pathname(page)) === `/bulk/${ID}`);
    const keys = bulk.asked.slice(1).map((one) => (one as { idempotencyKey: string }).idempotencyKey);
    t.equal(new Set(keys).size, 1, "a second press is the same request");
    await shows(page, "5 of 12 have their outcome");
    await shows(page, "illegal transition");
    await isForAll(t, page, "the operation");
    await picture(page, "bulk");
    bulk.view = { ...bulk.view, processed: 9 };
    await shows(page, "9 of 12 have their outcome");
    await page.press("Stop");
    await shows(page, "3 orders were not reached");
    t.strictSame(page.seen().faults, []);
  },
);

t.test(
  "a change after the preview asks for another one, and refused orders can be tried again",
  async (t) => {
    const bulk = operations();
    const { url } = await serve(t, { ...withData(), bulk });
    const page = await browser.open(`${url}/orders?status=confirmed&q=ada`);
    await page.resize(1280);
    await shows(page, "All that match");
    await page.press("All that match");
    await shows(page, "status is confirmed");
    await shows(page, "found by “ada”");
    await page.evaluate(fill("Reason", "again"));
    await page.press("Preview");
    await shows(page, "10 would take it");
    t.match(bulk.asked, [{ filter: { status: ["confirmed"], q: "ada" } }]);
    await page.evaluate(fill("What is done to each", "retry"));
    await waitUntil("the preview is gone", async () => !(await page.text()).includes("would take it"));
    t.notMatch(await page.text(), /Cancel: 12/u, "what was not previewed cannot be started");
    await page.go(`${url}/bulk/${ID}?outcome=illegal_transition`);
    await shows(page, `${ids[4]}`);
    await page.press("These orders again");
    await shows(page, "1 order that answered illegal transition");
    await page.go(`${url}/bulk/blk_01jdkq0r9dfk8t3e4m5n6p7q8s`);
    await shows(page, "There is no operation");
  },
);

t.test(
  "a view is saved in the browser, and the order after this one in the list is one key away",
  async (t) => {
    const { orders, url } = await serve(t, withData());
    const page = await browser.open(`${url}/orders?status=ready`);
    await page.resize(1280);
    await shows(page, "Save this view");
    await page.press("Save this view");
    await shows(page, "Its address can be sent");
    await page.type("To hand over");
    await page.evaluate(
      `[...document.querySelectorAll("button")].find((one) => one.innerText === "Save").click()`,
    );
    await shows(page, "To hand over");
    await page.go(`${url}/orders`);
    await shows(page, "To hand over");
    await page.evaluate(
      `[...document.querySelectorAll("a")].find((one) => one.innerText === "To hand over").click()`,
    );
    await waitUntil(
      "the view is open",
      async () => (await page.evaluate("location.search")) === "?status=ready",
    );
    await isForAll(t, page, "the saved view");
    await shows(page, "ord_");
    const listed = await page.evaluate<string[]>(
      `[...document.querySelectorAll("[data-index] a")].map((one) => one.innerText)`,
    );
    for (const id of listed.slice(0, 2)) orders.stored.set(id, { ...order, id });
    await page.evaluate(`document.querySelector("[data-index] a").click()`);
    await waitUntil("the order is open", async () => (await pathname(page)) === `/orders/${listed[0]}`);
    await waitUntil("the list is kept", async () =>
      (await page.evaluate<string>("sessionStorage.getItem('orderly.list') ?? ''")).includes(listed[1]!),
    );
  },
);

t.test("a role that may not command many orders sees why", async (t) => {
  const [key] = oneKey.list();
  const { app } = await startApp(t, {
    ...withData(),
    auth: "keys",
    keys: { ...oneKey, find: () => ({ ...key!, roles: ["support"] }), isValid: () => true },
    console: { ...consoleSource, environment: "production" },
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const page = await browser.open(`${url}/orders?status=confirmed`);
  await page.resize(1280);
  await shows(page, "API key");
  await page.evaluate("document.querySelector('input[type=password]').focus()");
  await page.type("ok_k4Yx0aZq81_0123456789abcdefghijABCDEFGHIJ01_0a1b2c3");
  await page.press("Sign in");
  await shows(page, "All that match");
  const button = `[...document.querySelectorAll("button")].find((one) => one.innerText.startsWith("All that match"))`;
  t.equal(await page.evaluate(`${button}.disabled`), true);
  t.match(await page.evaluate(`${button}.title`), /support.*bulk:run/u);
});

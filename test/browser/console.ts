/**
 * The console in a real browser: every page with data, with none, and when the API cannot answer; in both themes, at
 * the width of a small phone, by keyboard. Needs Chromium: `npm run test:browser`.
 */
import t from "tap";
import { type Browser, startBrowser } from "../support/clients/browser.ts";
import { buildConsole, overflow, serve, shows, violations } from "../support/clients/console-pages.ts";
import { LISTED, summary, withData, withNothing, withoutAnswers } from "../support/console-services.ts";
import { order } from "../support/http-services.ts";
import { waitUntil } from "../support/wait-until.ts";

const NARROWEST = 320;
const WIDE = 1280;

let browser: Browser;
t.before(async () => {
  buildConsole();
  browser = await startBrowser(t);
});

/** The pages, each with a text that it has when it is drawn: with data, without, and when nothing answers. */
const pages = [
  ["/", "Needs a person", "No orders yet", "Unavailable for a moment"],
  ["/orders", "payment failed", "No orders yet", "Unavailable for a moment"],
  ["/orders/new", "Credit card", "Credit card", "Unavailable for a moment"],
  ["/orders/new?kind=all", "Place all six", "Place all six", "Place all six"],
  ["/messages/dead-letters", "550 no such user", "No worker has abandoned", "Unavailable for a moment"],
  ["/messages/parked", "no such method", "No order is parked", "Unavailable for a moment"],
  ["/cluster", "node-2", "Nothing since", "Unavailable for a moment"],
  ["/warehouse", "ord_100000", "Nothing waits here", "Unavailable for a moment"],
] as const;

for (const [state, services, at] of [
  ["with data", withData(), 1],
  ["without orders", withNothing(), 2],
  ["while the API cannot answer", withoutAnswers(), 3],
] as const)
  t.test(`every page ${state} is for all readers, and asks no other host`, async (t) => {
    const { url } = await serve(t, services);
    const page = await browser.open("about:blank#1");
    await page.resize(WIDE);
    for (const one of pages) {
      await page.prefer("light");
      await page.go(url + one[0]);
      await shows(page, one[at]);
      t.strictSame(await violations(page), [], `${one[0]} in light`);
      await page.prefer("dark");
      t.strictSame(await violations(page, ["color-contrast"]), [], `${one[0]} in dark`);
      await page.resize(NARROWEST);
      t.equal(await page.evaluate(overflow), 0, `${one[0]} fits on a small phone`);
      t.strictSame(
        await violations(page, ["target-size", "scrollable-region-focusable"]),
        [],
        `${one[0]} on a phone`,
      );
      await page.resize(WIDE);
    }
    const { faults, requests } = page.seen();
    t.strictSame(
      faults.filter((fault) => at !== 3 || !/status of 503/u.test(fault)),
      [],
      "no fault in the console, and nothing against the policy",
    );
    t.strictSame(
      requests.filter((asked) => !asked.startsWith(url) && !asked.startsWith("data:")),
      [],
      "no other host is asked",
    );
  });

t.test("the list is read on while it is scrolled, and draws only what is in view", async (t) => {
  const { url } = await serve(t, withData());
  const page = await browser.open(`${url}/orders`);
  await page.resize(WIDE);
  await shows(page, `${LISTED} orders, 100 read`);
  const rows = "document.querySelectorAll('[role=grid] [data-index]').length";
  t.ok((await page.evaluate<number>(rows)) < 60, "few rows are in the document");
  await page.evaluate("document.querySelector('[role=grid]').scrollTo(0, 1e6)");
  await shows(page, `${LISTED} orders, 200 read`);
  await page.evaluate("document.querySelector('[role=grid]').scrollTo(0, 1e6)");
  await shows(page, `${LISTED} orders, 250 read`);
  t.ok((await page.evaluate<number>(rows)) < 60);
});

t.test("filters are in the address, by keyboard, and the way back leads through them", async (t) => {
  const { url } = await serve(t, withData());
  const page = await browser.open(`${url}/orders`);
  await page.resize(WIDE);
  await shows(page, "awaiting payment");
  const ready =
    "[...document.querySelectorAll('[aria-pressed]')].find((one) => one.innerText.includes('ready'))";
  // The counts come in an answer of their own, before or after the list.
  await waitUntil("the counts are there", async () => await page.evaluate<boolean>(`${ready} !== undefined`));
  await page.evaluate(`${ready}.focus()`);
  await page.key("Enter");
  await waitUntil(
    "the filter is set",
    async () => (await page.evaluate("location.search")) === "?status=ready",
  );
  const expected = Array.from({ length: LISTED }, (_, at) => summary(at)).filter(
    ({ status }) => status === "ready",
  );
  await shows(page, `${expected.length} orders`);
  await page.back();
  await shows(page, `${LISTED} orders`);
  await page.evaluate("document.querySelector('[role=row][tabindex=\"0\"]').focus()");
  await page.key("ArrowDown");
  await page.key("x");
  await shows(page, "1 selected");
  const focused =
    "document.activeElement.getAttribute('aria-rowindex') + document.activeElement.getAttribute('aria-selected')";
  t.equal(await page.evaluate(focused), "3true", "the second row is selected, and has the focus");
  await page.evaluate("document.querySelector('[data-search]').focus()");
  await page.type("x j k");
  await waitUntil("the search is set", async () => (await page.evaluate("location.search")) === "?q=x+j+k");
  await shows(page, "1 selected");
});

t.test("live changes replace rows in their place, and newer orders wait", async (t) => {
  const data = withData();
  const { url } = await serve(t, data);
  const page = await browser.open(`${url}/orders?status=confirmed`);
  await page.resize(WIDE);
  const listener = await waitUntil("the page follows the list", async () => {
    const [first] = data.listeners;
    if (!first) throw new Error("it does not");
    return first;
  });
  const shown = Array.from({ length: LISTED }, (_, at) => summary(at)).filter(
    ({ status }) => status === "confirmed",
  );
  const [first] = shown;
  await shows(page, first?.id ?? "");
  const frame = {
    more: false,
    position: "43",
    asOf: { sequence: 43, at: "2026-11-30T10:00:00.000Z", behindMs: 0 },
  };
  const place = `document.querySelector('[data-index="0"]').getBoundingClientRect().y`;
  const before = await page.evaluate<number>(place);
  listener.changed({
    ...frame,
    items: [
      summary(0, { id: first?.id ?? "", version: 9, status: "ready" }),
      summary(0, { id: "ord_new", version: 1, status: "confirmed" }),
    ],
  });
  await shows(page, "1 newer order. Show");
  const row = `document.querySelector('[data-index="0"]')`;
  t.match(await page.evaluate(`${row}.innerText`), /ready/u);
  t.equal(await page.evaluate(`${row}.dataset.state`), "gone", "it does not fit any more, and stays");
  t.equal(await page.evaluate(place), before, "no row has moved");
  await page.press("1 newer order. Show");
  await waitUntil("the list is read again", async () => !(await page.text()).includes("newer order"));
});

t.test("a part that failed is read again on request, and the rest of the page lives", async (t) => {
  let away = true;
  const { url } = await serve(
    t,
    withoutAnswers(() => away),
  );
  const page = await browser.open(`${url}/`);
  await page.resize(WIDE);
  await shows(page, "Unavailable for a moment");
  t.match(await page.text(), /unavailable\n|unavailable ·/u, "the code of the problem is shown");
  away = false;
  await page.press("Try again");
  await shows(page, "awaiting payment");
});

t.test("a scanner alone picks an order, and a scan too many does nothing twice", async (t) => {
  const picked = { ...order, id: "ord_100000abcdefghijklm" };
  const { orders, url } = await serve(t, withData());
  orders.stored.set(picked.id, picked);
  const page = await browser.open(`${url}/warehouse`);
  await page.resize(WIDE);
  await shows(page, picked.id);
  const scan = async (text: string) => {
    await page.type(text);
    await page.key("Enter");
  };
  await scan(picked.id);
  await shows(page, "0 of 2");
  await scan("");
  await shows(page, "Scan the pieces first");
  await scan("tshirt-m");
  await shows(page, "1 of 2");
  await scan("mug-red");
  await shows(page, "mug-red is not in this order");
  await scan("TSHIRT-M");
  await shows(page, "2 of 2");
  await scan("");
  await scan("");
  await shows(page, "is picked");
  t.match(orders.commands, [
    {
      id: picked.id,
      command: { type: "pick" },
      ifVersions: [picked.version],
      key: { idempotencyKey: `floor-pick-${picked.id}-${picked.version}` },
    },
  ]);
  t.equal(new Set(orders.commands.map(({ key }) => key?.idempotencyKey)).size, 1);
});

t.test("an order is tried and placed, once", async (t) => {
  const { orders, predictions, url } = await serve(t, withData());
  const page = await browser.open(`${url}/orders/new?method=async`);
  await page.resize(WIDE);
  await shows(page, "Mug, blue");
  await page.press("What would happen?");
  await shows(page, "It would be accepted");
  t.equal(predictions.places.length, 1);
  await page.press("Add");
  await shows(page, '"sku":"MUG-BLUE","quantity":1');
  await page.press("Place the order", 2);
  await waitUntil(
    "the order is open",
    // Of two presses each may have its answer last; these services make an order of each.
    async () => /^\/orders\/ord_[12]$/u.test(await page.evaluate<string>("location.pathname")),
  );
  t.match(orders.placed[0]?.order, {
    payment: { method: "async" },
    lines: [{ sku: "TSHIRT-M" }, { sku: "MUG-BLUE", quantity: 1 }],
  });
  const keys = orders.placed.map(({ options }) => JSON.stringify(options.idempotencyKey));
  t.equal(new Set(keys).size, 1, "a second press is the same request");
});

t.test("the palette opens from any page, finds an order, and gives the focus back", async (t) => {
  const { url } = await serve(t, withData());
  const page = await browser.open(`${url}/cluster`);
  await page.resize(WIDE);
  await shows(page, "node-2");
  await page.press("Find");
  await shows(page, "API reference");
  t.strictSame(await violations(page), []);
  await page.type("g o ord_");
  t.equal(await page.evaluate("document.activeElement.value"), "g o ord_", "what is typed is looked for");
  await page.key("Escape");
  await waitUntil("the palette is closed", () => page.evaluate("document.querySelector('dialog') === null"));
  t.equal(await page.evaluate("document.activeElement.innerText.includes('Find')"), true);
  await page.key("?");
  await shows(page, "Next row, previous row");
  t.strictSame(await violations(page), []);
  await page.key("Escape");
  await page.key("g");
  await page.key("o");
  await waitUntil(
    "the orders are open",
    async () => (await page.evaluate("location.pathname")) === "/orders",
  );
  await shows(page, "awaiting payment");
  await page.key("/");
  t.equal(await page.evaluate("document.activeElement.type"), "search");
});

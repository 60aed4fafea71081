/**
 * The console's page of an order in a real browser: live, at records of its past, compared, with a dry run before a
 * command, and at another node when its own has died; the machines and the simulator beside it. Needs Chromium.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import t from "tap";
import { type Browser, type Page, startBrowser } from "../support/clients/browser.ts";
import { command, orderOf, place, read } from "../support/clients/order-client.ts";
import { type OrderCluster, startOrderCluster } from "../support/cluster/order-cluster.ts";
import { picture } from "../support/clients/console-pages.ts";
import { waitUntil } from "../support/wait-until.ts";

let cluster: OrderCluster;
let browser: Browser;
let id: string;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

t.before(async () => {
  execFileSync(process.execPath, ["console/build/run.ts"], { stdio: "inherit" });
  cluster = await startOrderCluster(t, { nodes: 2, fulfillment: "manual" });
  browser = await startBrowser(t);
  const placed = await place(cluster.urls[0] ?? "", orderOf({ token: "tok_ok" }));
  id = placed.body.id;
});

const url = (path: string, node = 0): string => `${cluster.urls[node]}${path}`;

const shows = (page: Page, text: string): Promise<unknown> =>
  waitUntil(`the page shows "${text}"`, async () => {
    const shown = await page.text();
    if (!shown.includes(text)) throw new Error(`it shows ${shown}`);
    return true;
  });

/** Waits until an expression is true in the page. */
const holds = (page: Page, reason: string, expression: string): Promise<unknown> =>
  waitUntil(reason, () => page.evaluate<boolean>(`Boolean(${expression})`));

/** What axe finds in the light theme, and the contrast of the dark one. */
async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate<boolean>("window.axe !== undefined"))) await page.evaluate(`${axe}; true`);
  const found: string[] = [];
  for (const [theme, rules] of [
    ["light", undefined],
    ["dark", ["color-contrast"]],
  ] as const) {
    await page.prefer(theme);
    const options = rules ? { runOnly: { type: "rule", values: rules } } : {};
    const results = await page.evaluate<string[]>(
      `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => id + ": " + html.slice(0, 160) + " " + failureSummary)))`,
    );
    found.push(...results.map((one) => `${theme}: ${one}`));
  }
  return found;
}

/** Texts of charts that are wider than their box or label. */
const clipped = (page: Page): Promise<string[]> =>
  page.evaluate(`[...document.querySelectorAll("svg[role=group] g[data-state]")].flatMap((state) => {
    const box = state.querySelector("rect").getBBox();
    return [...state.querySelectorAll("text")].flatMap((text) => {
      const { x, width } = text.getBBox();
      return x + width > box.x + box.width + 9 ? [text.textContent] : [];
    });
  })`);

const state = (machine: string): string =>
  `document.querySelector('[aria-label="Machine ${machine}"] [data-kind="current"]')?.getAttribute("data-state")`;

const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

t.test("an order is shown in its three machines, and axe finds nothing in both themes", async (t) => {
  const page = await browser.open(url(`/orders/${id}`));
  await page.resize(1440);
  await shows(page, "Timeline");
  await holds(page, "fulfillment waits in stored", `${state("fulfillment")} === "stored.awaiting"`);
  t.equal(await page.evaluate(state("order")), "confirmed");
  t.equal(await page.evaluate(state("payment")), "authorized");
  t.strictSame(await violations(page), []);
  t.strictSame(await clipped(page), [], "no text leaves its box");
  for (const view of ["whole", "outline"]) {
    await page.press(view);
    await holds(page, `machines are drawn as ${view}`, `location.search.includes("view=${view}")`);
    await holds(
      page,
      "it is drawn",
      view === "whole"
        ? 'document.querySelector("svg[aria-label$=\\"all states\\"]")'
        : 'document.querySelector("[role=tree]")',
    );
    t.strictSame(await violations(page), [], view);
    t.strictSame(await clipped(page), [], view);
  }
  await page.resize(320);
  t.equal(await page.evaluate(overflow), 0, "the page fits on a small phone");
  const { faults, requests } = page.seen();
  t.strictSame(faults, [], "no fault, and nothing against the policy");
  t.strictSame(
    requests.filter((asked) => !asked.startsWith(url("/")) && !asked.startsWith("data:")),
    [],
    "no other host is asked",
  );
});

t.test("a command elsewhere is seen at once, and the past stays one press away", async (t) => {
  const page = await browser.open(url(`/orders/${id}`));
  await page.resize(1440);
  await holds(page, "fulfillment waits in stored", `${state("fulfillment")} === "stored.awaiting"`);
  t.equal((await command(url("", 1), id, "pick", {})).status, 200);
  await holds(page, "the page has moved with the order", `${state("fulfillment")} === "picked.awaiting"`);
  await page.evaluate(
    `document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "[", bubbles: true }))`,
  );
  await shows(page, "Actions are about now");
  t.equal(await page.evaluate(state("fulfillment")), "stored.awaiting");
  t.match(await page.evaluate<string>("location.search"), /at=\d+/u);
  t.strictSame(await violations(page), [], "in the past");
  await page.press("Back to now");
  await holds(page, "it is now again", `${state("fulfillment")} === "picked.awaiting"`);
  await page.evaluate(`(() => {
    const select = [...document.querySelectorAll("select")].find((one) => one.labels[0]?.textContent.startsWith("Compare"));
    Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, "value").set.call(select, "1");
    select.dispatchEvent(new Event("change", { bubbles: true }));
  })()`);
  await shows(page, "End the comparison");
  await shows(page, "Record 1 and record");
  await shows(page, "state.picked");
});

t.test("an action shows what it would do, does it, and the page shows its record", async (t) => {
  const page = await browser.open(url(`/orders/${id}`));
  await page.resize(1440);
  await shows(page, "All actions");
  await page.press("All actions");
  await shows(page, "Hand the parcel to the carrier");
  await shows(page, "has no such step now");
  t.strictSame(await violations(page), [], "all actions");
  await page.evaluate(`document.querySelector("dialog [aria-label=Close]").click()`);
  await waitUntil("the check is offered", async () => {
    await page.press("Record the quality check");
    return await page.evaluate<boolean>(`Boolean(document.querySelector("dialog"))`);
  });
  await shows(page, "What would happen");
  await shows(page, "quality_checked › awaiting");
  await shows(page, "hasPassed says yes");
  t.strictSame(await violations(page), [], "the dry run");
  const before = (await read(url(""), id)).body.version;
  await page.evaluate(
    `[...document.querySelectorAll("dialog button")].findLast((one) => one.innerText.startsWith("Record the quality check")).click()`,
  );
  await shows(page, "done, record");
  await holds(page, "the page shows it", `${state("fulfillment")} === "quality_checked.awaiting"`);
  t.ok(((await read(url(""), id)).body.version ?? 0) > (before ?? 0));
});

t.test("the order's money agrees with the gateway's ledger, and keys show the outline", async (t) => {
  const page = await browser.open(url(`/orders/${id}?tab=money`));
  await page.resize(1440);
  await shows(page, "The gateway says");
  await shows(page, "authorize");
  await shows(page, "agrees");
  t.notMatch(await page.text(), /differs/u);
  t.strictSame(await violations(page), [], "the money");
  await picture(page, "money");
  await page.evaluate("document.activeElement.blur()");
  await page.key("e");
  await holds(page, "it is an outline", 'location.search.includes("view=outline")');
  await page.key("e");
  await page.key("d");
  await shows(page, "What would happen");
  await page.resize(320);
  t.equal(await page.evaluate(overflow), 0, "the page fits on a small phone");
});

t.test("a machine shows how many orders are where, and the simulator what would happen", async (t) => {
  const page = await browser.open(url("/machines/payment?state=authorized"));
  await page.resize(1440);
  await shows(page, "The payment is authorized.");
  await shows(page, id);
  await holds(page, "the chart is drawn", 'document.querySelector("svg[role=group]")');
  t.strictSame(await violations(page), []);
  t.strictSame(await clipped(page), []);
  const { version } = (await read(url(""), id)).body;
  const steps = JSON.stringify([{ event: "pack", machine: "fulfillment", data: {} }]);
  const simulated = await browser.open(
    url(`/machines/order/simulate?from=${id}@${version}&e=${encodeURIComponent(steps)}`),
  );
  await simulated.resize(1440);
  await holds(simulated, "the step is taken", `${state("fulfillment")} === "packed.labelling"`);
  await shows(simulated, "fulfillment.createShippingLabel");
  t.strictSame(await violations(simulated), []);
  t.match((await read(url(""), id)).body, { version }, "nothing has happened to the order");
});

t.test("when its node dies, the page goes on at another one", async (t) => {
  const page = await browser.open(url(`/orders/${id}`));
  await page.resize(1440);
  await holds(page, "the page is live", `document.body.innerText.includes("live")`);
  await shows(page, "Timeline");
  await cluster.nodes[0]?.kill();
  await waitUntil(
    "the other node shows the order",
    async () => (await page.evaluate<string>("location.origin")) === cluster.urls[1],
    { timeoutMs: 60_000 },
  );
  await shows(page, "Timeline");
  t.match(await page.evaluate("location.pathname"), `/orders/${id}`);
  const done = await waitUntil("the other node takes commands", async () => {
    const answer = await command(url("", 1), id, "pack", {});
    if (answer.status !== 200) throw new Error(`${answer.status}`);
    return true;
  });
  t.ok(done);
  await holds(page, "it is seen there", `!["quality_checked.awaiting"].includes(${state("fulfillment")})`);
});

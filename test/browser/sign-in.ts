/** Signing in to the console in a real browser, and what a page of another site can do then. Needs Chromium. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import t from "tap";
import type { ApiKey } from "../../src/services/access/contract.ts";
import { type Browser, type Page, startBrowser } from "../support/clients/browser.ts";
import { withData } from "../support/console-services.ts";
import { startApp } from "../support/http-services.ts";
import { oneKey } from "../support/one-key.ts";
import { waitUntil } from "../support/wait-until.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TEXT = "ok_k4Yx0aZq81_0123456789abcdefghijABCDEFGHIJ01_0a1b2c3";

let browser: Browser;
t.before(async () => {
  const built = spawnSync(process.execPath, [`${ROOT}console/build/run.ts`], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
  browser = await startBrowser(t);
});

const shows = (page: Page, text: string): Promise<unknown> =>
  waitUntil(`the page shows "${text}"`, async () => {
    const shown = await page.text();
    if (!shown.includes(text)) throw new Error(`it shows ${shown.slice(0, 600)}`);
    return true;
  });

t.test("a key opens the console until it is revoked or its user signs out", async (t) => {
  let valid = true;
  const [key] = oneKey.list();
  const find = (text: string): ApiKey | undefined =>
    valid && text === TEXT ? { ...key!, roles: ["operator"], name: "Ada, support" } : undefined;
  const { app } = await startApp(t, {
    ...withData(),
    auth: "keys",
    keys: { ...oneKey, find, isValid: () => valid },
    console: { folder: `${ROOT}console/dist`, version: "0.1.0", environment: "production" },
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const page = await browser.open(`${url}/orders`);
  await shows(page, "API key");
  for (const theme of ["light", "dark"] as const) {
    await page.prefer(theme);
    if (!(await page.evaluate<boolean>("window.axe !== undefined"))) await page.evaluate(`${AXE}; true`);
    t.strictSame(
      await page.evaluate("axe.run(document).then(({ violations }) => violations.map(({ id }) => id))"),
      [],
      theme,
    );
  }
  const enter = async (text: string) => {
    await page.evaluate("document.querySelector('input[type=password]').focus()");
    await page.type(text);
    await page.press("Sign in");
  };
  await enter("ok_wrong");
  await shows(page, "unknown, revoked or expired");
  await page.evaluate("document.querySelector('input[type=password]').select()");
  await page.type(TEXT);
  await page.press("Sign in");
  await shows(page, "Ada, support");
  await shows(page, "payment failed");
  t.equal(await page.evaluate("document.cookie"), "", "no script reads the key");
  t.equal(await page.evaluate("JSON.stringify([localStorage, sessionStorage]).includes('ok_')"), false);
  t.equal(
    await page.evaluate(
      "new Promise((done) => { const source = new EventSource('/v1/stream?topics=orders'); source.onopen = () => done('open'); source.onerror = () => done('refused'); })",
    ),
    "open",
    "streams show the cookie too",
  );

  await page.press("Sign out");
  await shows(page, "API key");
  await enter(TEXT);
  await shows(page, "Ada, support");
  valid = false;
  await page.go(`${url}/cluster`);
  await shows(page, "API key");
});

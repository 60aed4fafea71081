/** The console over services in memory, and what every test of its pages asks of a page. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";
import type { AppDependencies } from "../../../src/http/app.ts";
import type { ConsoleSource } from "../../../src/http/console/routes.ts";
import { startApp, type TestApp } from "../http-services.ts";
import { waitUntil } from "../wait-until.ts";
import type { Page } from "./browser.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Where the build is. */
export const consoleSource: ConsoleSource = {
  folder: `${ROOT}console/dist`,
  version: "0.1.0",
  environment: "development",
};

/** Keeps what the window shows as a file in the folder that `ORDERLY_PICTURES` names; without it, nothing. */
export async function picture(page: Page, name: string): Promise<void> {
  const { ORDERLY_PICTURES: folder } = process.env;
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  for (const theme of ["light", "dark"] as const) {
    await page.prefer(theme);
    writeFileSync(join(folder, `${name}-${theme}.png`), await page.picture("png"));
  }
}

/** Builds the console, unless it is built. @throws Error with what the build says */
export function buildConsole(): void {
  const built = spawnSync(process.execPath, [`${ROOT}console/build/run.ts`], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
}

/** Serves the console over some services. @returns the services in memory, and where the console is */
export async function serve(
  t: Test,
  services: Partial<AppDependencies>,
): Promise<TestApp & { readonly url: string }> {
  const started = await startApp(t, {
    ...services,
    console: consoleSource,
  });
  for (const [sku, name] of [
    ["TSHIRT-M", "T-shirt, medium"],
    ["MUG-BLUE", "Mug, blue"],
  ] as const)
    await started.inventory.put(sku, { name, price: { amount: 1999, currency: "EUR" }, onHand: 100 });
  return { ...started, url: await started.app.listen({ host: "127.0.0.1", port: 0 }) };
}

/** Waits until a page has a text. */
export const shows = (page: Page, text: string): Promise<unknown> =>
  waitUntil(`the page shows "${text}"`, async () => {
    const shown = await page.text();
    if (!shown.includes(text)) throw new Error(`it shows ${shown.slice(0, 600)}`);
    return true;
  });

/** What axe finds, as one line each. @param rules only these; all of WCAG 2.2 AA without */
export async function violations(page: Page, rules?: readonly string[]): Promise<string[]> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const options = rules
    ? { runOnly: { type: "rule", values: rules } }
    : { runOnly: { type: "tag", values: tags } };
  if (!(await page.evaluate<boolean>("window.axe !== undefined"))) await page.evaluate(`${AXE}; true`);
  return page.evaluate<string[]>(
    `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, any, all }) => id + ": " + html.slice(0, 160) + " " + [...any, ...all].map(({ message }) => message).join("; "))))`,
  );
}

/** How many pixels a page is wider than its window, as an expression. */
export const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

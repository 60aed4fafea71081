/** The sample catalogue, and the program that adds it to an inventory that lacks its SKUs. */
import { readFileSync } from "node:fs";
import { withMaxWait } from "./max-wait.ts";

/** One item of config/catalogue.json. */
export type CatalogueItem = {
  readonly sku: string;
  readonly name: string;
  /** Minor units. */
  readonly price: { readonly amount: number; readonly currency: string };
  readonly onHand: number;
};

const FILE = new URL("../../config/catalogue.json", import.meta.url);
const ASK_TIMEOUT_MS = 5_000;
const ITEM_TIMEOUT_MS = 30_000;

/** Reads config/catalogue.json. */
export function sampleCatalogue(): readonly CatalogueItem[] {
  return JSON.parse(readFileSync(FILE, "utf8")) as CatalogueItem[];
}

/**
 * Adds the items for which the inventory answers 404, one after the other, and leaves all others as they are.
 * Safe to repeat.
 * @param headers credentials, where the node asks for them
 * @throws Error when a node refuses an item, or gives no usable answer within 30 s
 * @returns the number of added items
 */
export async function loadCatalogue(
  url: string,
  items: readonly CatalogueItem[],
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  let added = 0;
  for (const item of items) {
    const address = `${url}/v1/inventory/${encodeURIComponent(item.sku)}`;
    await withMaxWait(
      async () => {
        const known = await ask(address, headers);
        if (known.status === 200) return true;
        if (known.status !== 404) return `GET ${address} answers ${known.status}: ${known.text}`;
        const { sku: _, ...stock } = item;
        const put = await ask(address, headers, stock);
        if (put.status !== 200) return `PUT ${address} answers ${put.status}: ${put.text}`;
        added++;
        return true;
      },
      { timeoutMs: ITEM_TIMEOUT_MS, signal },
    );
  }
  return added;
}

async function ask(
  address: string,
  headers: Readonly<Record<string, string>>,
  body?: object,
): Promise<{ status: number; text: string }> {
  const response = await fetch(address, {
    signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    ...(body === undefined
      ? { headers }
      : {
          method: "PUT",
          body: JSON.stringify(body),
          headers: { ...headers, "content-type": "application/json" },
        }),
  });
  return { status: response.status, text: (await response.text()).slice(0, 300) };
}

/** Stock of many SKUs, read and written over HTTP. */
import { sampleCatalogue } from "../nodes/local/catalogue.ts";
import { httpLimits } from "../src/http/protocol/limits.ts";
import { putStock, type Stock } from "../test/support/clients/order-client.ts";

/** The largest quantity that the API accepts, so that no benchmark runs out of stock. */
export const PLENTY = httpLimits.onHand;

const WRITERS = 16;
const PAGE = 200;

/** Puts plenty of each item of the sample catalogue in stock. */
export async function stockUp(url: string): Promise<void> {
  for (const { sku } of sampleCatalogue()) await putStock(url, sku, PLENTY);
}

/** Sets the stock of many SKUs. @param target pieces on hand by SKU @throws Error when a node refuses one */
export async function writeStocks(url: string, target: ReadonlyMap<string, number>): Promise<void> {
  const left = [...target];
  const writer = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const [sku, onHand] = next;
      const body = { onHand, name: sku, price: { amount: 1000, currency: "EUR" } };
      const response = await fetch(`${url}/v1/inventory/${sku}`, {
        method: "PUT",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      });
      if (!response.ok) throw new Error(`PUT of ${sku} answers ${response.status}: ${await response.text()}`);
      await response.body?.cancel();
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

/** The stock of the given SKUs; those that do not exist are left out. */
export async function readStocks(url: string, skus: readonly string[]): Promise<ReadonlyMap<string, Stock>> {
  const wanted = new Set(skus);
  const found = new Map<string, Stock>();
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const response = await fetch(`${url}/v1/inventory?limit=${PAGE}${query}`);
    if (!response.ok) throw new Error(`the inventory answers ${response.status}`);
    const page = (await response.json()) as { items: Stock[]; nextCursor: string | null };
    for (const stock of page.items) if (wanted.has(stock.sku)) found.set(stock.sku, stock);
    cursor = page.nextCursor;
  }
  return found;
}

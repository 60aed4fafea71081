/** Documents on a real server: small ones straight from the stream, large ones with the client, both the same. */
import { randomBytes } from "node:crypto";
import { Objm } from "@nats-io/obj";
import t from "tap";
import { streamSettings } from "../../../nodes/order/streams.ts";
import { loadNodeSettings } from "../../../config/settings.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import { readDirectly } from "../../../src/adapters/nats/document-direct.ts";
import { natsDocuments } from "../../../src/adapters/nats/documents.ts";
import { ensureStreams } from "../../../src/adapters/nats/streams.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";

const STORE = "INVOICES";

t.test("a document of any size and any name is read as it was stored", async (t) => {
  const server = await startNatsServer(t);
  const link = await connectNats({ servers: [server.url], name: "documents", connectTimeoutMs: 5000 });
  t.teardown(() => link.close());
  await ensureStreams(
    link,
    streamSettings(loadNodeSettings({ ORDERLY_NODE_ID: "n", ORDERLY_DEVELOPMENT: "true" })),
  );
  const documents = await natsDocuments(link, STORE, Date.now);
  const metadata = { number: "2026-000001" };
  const sizes = { ord_small: 20_000, "ord.odd name/*": 1, ord_empty: 0, ord_large: 300_000 };
  for (const [name, size] of Object.entries(sizes)) {
    const bytes = randomBytes(size);
    t.equal(await documents.get(name), undefined, `${name} is not there yet`);
    await documents.put(name, { bytes, metadata });
    const found = await documents.get(name);
    t.same(found?.metadata, metadata, name);
    t.ok(found && Buffer.from(found.bytes).equals(bytes), `${name}: every byte`);
    const direct = await readDirectly(link, STORE, name);
    t.equal(
      direct !== undefined,
      size > 0 && size < 128 * 1024,
      `${name}: read straight from the stream or not`,
    );
  }
  const again = randomBytes(500);
  await documents.put("ord_small", { bytes: again, metadata: { number: "2026-000002" } });
  const replaced = await documents.get("ord_small");
  t.match(replaced?.metadata, { number: "2026-000002" });
  t.ok(replaced && Buffer.from(replaced.bytes).equals(again), "the newest document");
  const store = await new Objm(link.nc).open(STORE);
  await store.delete("ord_small");
  t.equal(await documents.get("ord_small"), undefined, "a deleted document is not found");
});

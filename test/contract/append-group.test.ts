/** Small writes that share a batch: each gets the same answer as alone. */
import { invoiceStreams } from "../../nodes/order/streams.ts";
import { Objm } from "@nats-io/obj";
import t from "tap";
import { allStreams, documentsStream, processedBucket } from "../../src/adapters/nats/stream-definitions.ts";
import { subjects } from "../../src/services/subjects.ts";
import { INVOICE_STORE } from "../../src/services/invoice/subjects.ts";
import { groupedAppend } from "../../src/adapters/nats/group-append.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsDocuments } from "../../src/adapters/nats/documents.ts";
import { ensureStreams } from "../../src/adapters/nats/streams.ts";
import { getMessage } from "../../src/adapters/nats/stored-message.ts";
import { startNatsServer } from "../support/cluster/nats-server.ts";

const settings = {
  replicas: 1,
  partitions: 4,
  streams: 1,
  presenceAgeMs: 3_000,
  subjects,
  further: invoiceStreams({ replicas: 1 }),
};
const definition = processedBucket(settings);

const server = await startNatsServer(t);
const link = await connectNats({ servers: [server.url], name: "test", connectTimeoutMs: 10_000 });
t.teardown(() => link.close());
await ensureStreams(link, settings);

const keys = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

t.test("writes that come together are stored in one batch, each under its own revision", async (t) => {
  const bucket = natsBucket(link, definition, 10);
  const names = keys("together", 40);
  const results = await Promise.all(names.map((key) => bucket.update(key, `value of ${key}`, 0)));
  const revisions = results.map((result) => (result.status === "stored" ? result.revision : 0));
  for (const [index, key] of names.entries()) {
    t.match(await bucket.get(key), { key, value: `value of ${key}`, revision: revisions[index] });
  }
  const first = await getMessage(link, definition.name, {
    seq: revisions[0]!,
    next_by_subj: "$KV.PROCESSED.>",
  });
  const last = await getMessage(link, definition.name, {
    seq: revisions[39]!,
    next_by_subj: "$KV.PROCESSED.>",
  });
  t.equal(revisions[39]! - revisions[0]!, 39, "at adjacent sequences");
  t.ok(Math.abs((first?.at ?? 0) - (last?.at ?? Number.NaN)) < 100, "at one time");
});

t.test("a conflict is answered to its own writer, and the other writes are stored", async (t) => {
  const bucket = natsBucket(link, definition, 10);
  await bucket.update("conflict-3", "another writer was faster", 0);
  const results = await Promise.all(keys("conflict", 8).map((key) => bucket.update(key, "late", 0)));
  t.strictSame(
    results.map(({ status }) => status),
    keys("conflict", 8).map((key) => (key === "conflict-3" ? "conflict" : "stored")),
  );
  t.equal((await bucket.get("conflict-3"))?.value, "another writer was faster");
});

t.test("a group with one write that is refused is sent again, write by write", async (t) => {
  const append = groupedAppend(link, 2_000, 10);
  const write = (key: string) => {
    const subject = `$KV.PROCESSED.${key}`;
    return append([{ subject, payload: "late", fence: { subject, sequence: 0 } }]);
  };
  t.match(await write("apart-2"), { status: "stored" });
  const results = await Promise.all(keys("apart", 6).map(write));
  t.strictSame(
    results.map(({ status }) => status),
    keys("apart", 6).map((key) => (key === "apart-2" ? "rejected" : "stored")),
  );
});

t.test("of many writes to the same key one wins", async (t) => {
  const bucket = natsBucket(link, definition, 10);
  const results = await Promise.all(keys("claim", 12).map((claim) => bucket.update("wanted", claim, 0)));
  t.equal(results.filter(({ status }) => status === "stored").length, 1);
  t.equal(results.filter(({ status }) => status === "conflict").length, 11);
});

t.test("every write to a stopped server is unanswered", async (t) => {
  const other = await startNatsServer(t);
  const lost = await connectNats({ servers: [other.url], name: "lost", connectTimeoutMs: 10_000 });
  t.teardown(() => lost.close());
  await ensureStreams(lost, settings);
  const append = groupedAppend(lost, 300, 10);
  await other.kill();
  const results = await Promise.all(
    keys("stopped", 6).map((key) => append([{ subject: `$KV.PROCESSED.${key}`, payload: "" }])),
  );
  t.strictSame(new Set(results.map(({ status }) => status)), new Set(["unanswered"]));
});

const bytesOf = (name: string): Buffer =>
  name === "empty" ? Buffer.alloc(0) : Buffer.alloc(name.startsWith("larger") ? 300_000 : 3_000, name);

t.test("documents that are stored together are read with the ordinary client", async (t) => {
  t.ok(allStreams(settings).some(({ name }) => name === documentsStream(INVOICE_STORE, settings).name));
  const documents = await natsDocuments(link, INVOICE_STORE, Date.now, 10);
  const store = await new Objm(link.nc).open(INVOICE_STORE);
  const names = [...keys("ord", 6), "larger than a chunk.pdf", "empty"];
  await Promise.all(
    names.map((name) => documents.put(name, { bytes: bytesOf(name), metadata: { number: name } })),
  );
  for (const name of names) {
    t.ok(bytesOf(name).equals((await store.getBlob(name)) ?? Buffer.from("missing")), name);
    const info = await store.info(name);
    t.equal(info?.size, bytesOf(name).length);
    t.strictSame(info?.metadata, { number: name });
  }
  t.equal((await store.list()).length, names.length);
  await documents.put("ord-1", { bytes: Buffer.from("again"), metadata: {} });
  t.equal((await documents.get("ord-1"))?.bytes.toString(), "again");
});

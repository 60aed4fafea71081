/** Documents that are stored sealed: what the store has, who can open it, and those of earlier versions. */
import { randomBytes } from "node:crypto";
import t from "tap";
import { memoryDocuments } from "../../../../src/adapters/memory/documents.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { Bucket } from "../../../../src/runtime/ports.ts";
import type { Documents } from "../../../../src/runtime/workers/document-store.ts";
import { KeyEntryUnreadable } from "../../../../src/services/personal/key-entries.ts";
import { sealedDocuments } from "../../../../src/services/personal/sealed-documents.ts";
import { openedByAll, SEALED_DETAIL, SEALED_FORM } from "../../../../src/services/personal/sealed-form.ts";
import { Unopenable } from "../../../../src/services/personal/sealing.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";
import { sharedKeysOf } from "./stage.ts";

const PDF = Buffer.from("%PDF-1.7 billed to Ada Byron");
const metadata = { number: "2026-000001" };

function stage(isOpenedByAll = () => Promise.resolve(true)) {
  const keys = faultyBucket();
  const stored = memoryDocuments();
  const documents = (bucket: Bucket = keys.bucket): Documents =>
    sealedDocuments({
      documents: stored,
      keys: sharedKeysOf(bucket),
      random: randomBytes,
      now: () => Date.UTC(2026, 5, 1),
      isOpenedByAll,
    });
  return { keys, stored, documents };
}

t.test("a document is stored sealed, and read as it was put by any process with the keys", async (t) => {
  const { stored, documents } = stage();
  await documents().put("ord_1", { bytes: PDF, metadata });
  const raw = await stored.get("ord_1");
  t.notOk(Buffer.from(raw?.bytes ?? []).includes("Ada"));
  t.notOk(Buffer.from(raw?.bytes ?? []).includes("%PDF"));
  t.match(raw?.metadata, { number: "2026-000001", key: /^v1\.2026\./u });
  const read = await documents().get("ord_1");
  t.equal(Buffer.from(read?.bytes ?? []).toString(), PDF.toString());
  t.same(read?.metadata, metadata, "the key does not leave the store");
  t.equal(await documents().get("ord_2"), undefined);
});

t.test("a plain document of an earlier version is read as it is", async (t) => {
  const { stored, documents } = stage();
  await stored.put("ord_1", { bytes: PDF, metadata });
  const read = await documents().get("ord_1");
  t.equal(Buffer.from(read?.bytes ?? []).toString(), PDF.toString());
  t.same(read?.metadata, metadata);
});

t.test("a sealed document opens under its own name only, and not without the key of its year", async (t) => {
  const { stored, documents, keys } = stage();
  await documents().put("ord_1", { bytes: PDF, metadata });
  const raw = await stored.get("ord_1");
  if (raw) await stored.put("ord_2", raw);
  await t.rejects(documents().get("ord_2"), Unopenable);
  if (raw) await stored.put("ord_3", { ...raw, metadata: { key: "no known form" } });
  await t.rejects(documents().get("ord_3"), Unopenable);
  await t.rejects(documents(faultyBucket().bucket).get("ord_1"), KeyEntryUnreadable);
  t.equal(keys.entries.size, 1, "one key for the year");
});

const entry = (value: object) => ({ value: JSON.stringify(value), revision: 1 });

t.test("while a node cannot open sealed documents, documents are stored plain", async (t) => {
  const clock = new VirtualClock();
  const nodes = faultyBucket();
  nodes.entries.set("one", entry({ id: "one", [SEALED_DETAIL]: SEALED_FORM }));
  nodes.entries.set("old", entry({ id: "old" }));
  const { stored, documents } = stage(openedByAll(nodes.bucket, clock));
  await documents().put("ord_1", { bytes: PDF, metadata });
  t.ok(Buffer.from((await stored.get("ord_1"))?.bytes ?? []).equals(PDF));
  nodes.entries.set("old", entry({ id: "old", [SEALED_DETAIL]: SEALED_FORM + 1 }));
  await clock.advance(1001);
  await documents().put("ord_2", { bytes: PDF, metadata });
  t.notOk(Buffer.from((await stored.get("ord_2"))?.bytes ?? []).includes("%PDF"));
  nodes.entries.set("odd", { value: "no JSON", revision: 2 });
  await clock.advance(1001);
  await documents().put("ord_3", { bytes: PDF, metadata });
  t.ok(Buffer.from((await stored.get("ord_3"))?.bytes ?? []).equals(PDF), "an entry of another form");
});

t.test("presence that cannot be read is asked for again at the next document", async (t) => {
  let reads = 0;
  const { bucket } = faultyBucket();
  const failing: Pick<Bucket, "keys" | "get"> = {
    get: (key) => bucket.get(key),
    keys: () => (++reads === 1 ? Promise.reject(new Error("away")) : bucket.keys()),
  };
  const isOpened = openedByAll(failing, new VirtualClock());
  await t.rejects(isOpened(), /away/u);
  t.equal(await isOpened(), true);
  t.equal(await isOpened(), true);
  t.equal(reads, 2, "and not again within a second");
});

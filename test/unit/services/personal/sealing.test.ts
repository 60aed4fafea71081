/** Sealed values: what opens them, and what does not. */
import { randomBytes } from "node:crypto";
import t from "tap";
import {
  KEY_BYTES,
  openBytes,
  readSealedText,
  sealBytes,
  sealedText,
  Unopenable,
} from "../../../../src/services/personal/sealing.ts";

const key = randomBytes(KEY_BYTES);
const plain = Buffer.from("Ada Byron, 1 Main St");

t.test("a sealed value opens with its key, for what it was sealed for", async (t) => {
  const sealed = sealBytes(key, plain, "ord_1", randomBytes);
  t.equal(openBytes(key, sealed, "ord_1").toString(), plain.toString());
  t.notOk(sealed.includes("Ada"));
  t.equal(openBytes(key, sealBytes(key, Buffer.alloc(0), "ord_1", randomBytes), "ord_1").length, 0);
});

t.test("a sealed value does not open with another key, elsewhere, or when a bit is changed", async (t) => {
  const sealed = sealBytes(key, plain, "ord_1", randomBytes);
  t.throws(() => openBytes(randomBytes(KEY_BYTES), sealed, "ord_1"), Unopenable);
  t.throws(() => openBytes(key, sealed, "ord_2"), Unopenable);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.throws(() => openBytes(key, changed, "ord_1"), Unopenable, `byte ${at}`);
  }
  t.throws(() => openBytes(key, sealed.subarray(0, 20), "ord_1"), Unopenable, "a part of it");
});

t.test("two seals of one value are different", async (t) => {
  const [one, two] = [1, 2].map(() => sealBytes(key, plain, "ord_1", randomBytes));
  t.not(one?.toString("hex"), two?.toString("hex"));
});

t.test("the textual form names its key and is read back; other texts are none", async (t) => {
  const sealed = sealBytes(key, plain, "ord_1", randomBytes);
  const text = sealedText("k1", sealed);
  t.match(text, /^v1\.k1\.[\w-]{16}\.[\w-]+\.[\w-]{22}$/u);
  const read = readSealedText(text);
  t.equal(read?.keyId, "k1");
  t.ok(read?.sealed.equals(sealed));
  for (const other of [
    "",
    "v1",
    "erased",
    text.replace("v1", "v2"),
    text.slice(0, -1),
    `${text}.x`,
    "v1..a.b.c",
  ])
    t.equal(readSealedText(other), undefined, other);
});

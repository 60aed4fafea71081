/** API keys: what finds a caller, on every node, and what does not any more. */
import { randomBytes } from "node:crypto";
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { Bucket } from "../../../../src/runtime/ports.ts";
import { StoredApiKeys } from "../../../../src/services/access/api-keys.ts";
import { readKey } from "../../../../src/services/access/key-text.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";

type Change = { readonly key: string; readonly value: string | undefined; readonly revision: number };

const wanted = {
  name: "web shop",
  roles: ["channel"],
  customerId: null,
  expiresAt: null,
  createdBy: "t",
} as const;

/** Nodes that share a bucket; changes arrive when the test passes them on. */
function stage() {
  const { bucket, entries, faults } = faultyBucket();
  const clock = new VirtualClock();
  const logged: unknown[] = [];
  const log = { error: (...one: unknown[]) => logged.push(one) } as never;
  const node = async () => {
    const listeners: ((change: Change) => void)[] = [];
    const watched = {
      ...bucket,
      watch: async (onChange: (change: Change) => void) => {
        listeners.push(onChange);
        return { stop: async () => {} };
      },
    } as Pick<Bucket, "get" | "update" | "watch">;
    const keys = new StoredApiKeys({ bucket: watched, clock, random: randomBytes, log });
    await keys.start();
    const pass = (change: Change) => listeners.forEach((listener) => listener(change));
    const passAll = () => {
      for (const [key, { revision, value }] of entries) pass({ key, value, revision });
    };
    return { keys, pass, passAll };
  };
  return { node, entries, faults, clock, logged };
}

async function made({ keys }: { readonly keys: StoredApiKeys }, more: object = {}) {
  const result = await keys.create({ ...wanted, ...more });
  if (result.status !== "created") throw new Error(result.status);
  return result;
}

t.test("a key is valid where it was made at once, and elsewhere when it has arrived", async (t) => {
  const { entries, node } = stage();
  const [one, two] = [await node(), await node()];
  const { key, text } = await made(one);
  t.same(one.keys.find(text), key);
  t.equal(two.keys.find(text), undefined);
  two.passAll();
  t.same(two.keys.find(text), key);
  t.match(text, /^ok_[0-9A-Za-z]{10}_[0-9A-Za-z]{32}_[0-9a-z]{7}$/u);
  const { secret = "" } = readKey(text) ?? {};
  t.notMatch(JSON.stringify([...entries]), new RegExp(secret, "u"), "what is stored opens nothing");
  t.notMatch(JSON.stringify(two.keys.list()), /hash/u);
});

t.test("another text finds no key", async (t) => {
  const { node } = stage();
  const one = await node();
  const [{ text }, other] = [await made(one), await made(one)];
  const swapped = text.replace(/_[^_]+_/u, (id) => (id === `_${other.key.id}_` ? id : `_${other.key.id}_`));
  for (const wrong of ["", "ok_", text.slice(0, -1), `${text}0`, text.toUpperCase(), swapped, other.key.id])
    t.equal(one.keys.find(wrong), undefined, wrong);
  // The id of one key with the secret of another, and a checksum that fits.
  const { crc32 } = await import("node:zlib");
  const { secret = "" } = readKey(text) ?? {};
  const sum = crc32(`${other.key.id}_${secret}`).toString(36).padStart(7, "0");
  t.ok(readKey(`ok_${other.key.id}_${secret}_${sum}`));
  t.equal(one.keys.find(`ok_${other.key.id}_${secret}_${sum}`), undefined);
});

t.test("a revoked key is refused here at once and elsewhere on arrival, in whatever order", async (t) => {
  const { entries, node } = stage();
  const [one, two] = [await node(), await node()];
  const { key, text } = await made(one);
  const before = { key: `key.${key.id}`, ...entries.get(`key.${key.id}`)! };
  two.passAll();
  const revoked = await two.keys.revoke(key.id);
  t.match(revoked, { status: "revoked", key: { id: key.id, revokedAt: /Z$/u } });
  t.equal(two.keys.find(text), undefined);
  t.notOk(two.keys.isValid(key.id));
  two.pass(before);
  t.equal(two.keys.find(text), undefined, "an older change that comes late");
  t.ok(one.keys.find(text));
  one.passAll();
  t.equal(one.keys.find(text), undefined);
  t.same(await one.keys.revoke(key.id), revoked, "a repetition changes nothing");
  t.match(await one.keys.revoke("0123456789"), { status: "not_found" });
  t.equal(one.keys.list().length, 1, "it stays in the list");
});

t.test("a key ends at its time, and with its entry", async (t) => {
  const { clock, logged, node } = stage();
  const one = await node();
  const expiresAt = new Date(clock.now() + 1000).toISOString();
  const { key, text } = await made(one, { expiresAt });
  const second = await made(one);
  await clock.advance(999);
  t.ok(one.keys.find(text));
  await clock.advance(1);
  t.equal(one.keys.find(text), undefined);
  t.notOk(one.keys.isValid(key.id));
  one.pass({ key: `key.${second.key.id}`, value: undefined, revision: 90 });
  t.equal(one.keys.find(second.text), undefined, "its entry was deleted");
  const third = await made(one);
  for (const value of [
    "no json",
    '{"name":"x"}',
    JSON.stringify({ ...third.key, hash: "h", roles: ["root"] }),
  ]) {
    one.pass({ key: `key.${third.key.id}`, value, revision: 100 + value.length });
    t.equal(one.keys.find(third.text), undefined, value);
  }
  t.equal(logged.length, 3);
});

t.test("a write without an answer is no key", async (t) => {
  const { faults, node } = stage();
  const one = await node();
  faults.push("lose-answer");
  t.match(await one.keys.create(wanted), { status: "unavailable", reason: /may be stored/u });
  const { key } = await made(one);
  faults.push("lose-request");
  t.match(await one.keys.revoke(key.id), { status: "unavailable" });
  t.ok(one.keys.isValid(key.id));
  faults.push("behind");
  t.match(await one.keys.revoke(key.id), { status: "revoked" }, "another writer was first");
});

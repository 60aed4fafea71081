/** Buckets: locks, presence, checkpoints. In memory and on real servers alike. */
import t from "tap";
import { subjects } from "../../src/services/subjects.ts";
import { ServerCode, Unavailable } from "../../src/runtime/ports.ts";
import { waitUntil } from "../support/wait-until.ts";
import { freshId, mustStore, outcome } from "./expect.ts";
import { inEveryWorld, SHORT_AGE_MS } from "./worlds.ts";

type Change = { key: string; value: string | undefined; revision: number };

const write = async (work: () => Promise<unknown>) =>
  waitUntil("it is written", async () => {
    await work();
    return true;
  });

await inEveryWorld(t, async (t, world) => {
  const peer = await world.join();
  const other = await world.join();

  for (const name of ["ORDERS", "PLAIN", "SHORT"] as const) {
    await t.test(`${name}: absent, created once, changed only at its revision`, async (t) => {
      const bucket = peer.bucket(name);
      const rival = other.bucket(name);
      const key = `key.${freshId()}`;
      t.equal(await bucket.get(key), undefined);
      const created = await bucket.update(key, "1", 0);
      if (created.status !== "stored") throw new Error("not created");
      t.strictSame(await rival.update(key, "x", 0), { status: "conflict" });
      const entry = await bucket.get(key);
      t.match(entry, { key, value: "1", revision: created.revision });
      const ageMs = Date.now() - (entry?.at ?? 0);
      t.ok(ageMs > -1_000 && ageMs < 60_000, `stored ${ageMs} ms ago, by the server's clock`);
      const changed = await rival.update(key, "2", created.revision);
      t.equal(changed.status, "stored");
      t.strictSame(await bucket.update(key, "3", created.revision), { status: "conflict" });
      t.equal((await bucket.get(key))?.value, "2");
      const revision = await bucket.put(key, "größe 4");
      t.match(await rival.get(key), { key, value: "größe 4", revision });
    });

    await t.test(`${name}: a deleted key is absent and can be created again, once`, async (t) => {
      const bucket = peer.bucket(name);
      const key = `key.${freshId()}`;
      const first = await bucket.put(key, "1");
      await bucket.delete(key);
      t.equal(await bucket.get(key), undefined);
      t.notOk((await bucket.keys()).includes(key));
      t.strictSame(await bucket.update(key, "x", first), { status: "conflict" });
      const claims = await Promise.all([peer, other].map((p) => p.bucket(name).update(key, "2", 0)));
      t.equal(claims.filter((claim) => claim.status === "stored").length, 1);
      t.strictSame(await bucket.update(key, "3", 0), { status: "conflict" });
      t.ok((await bucket.keys()).includes(key));
    });
  }

  await t.test("the lock bucket is a part of the journal: a lock's revision fences a record", async (t) => {
    const name = `partition.${freshId()}`;
    const claim = await peer.bucket("ORDERS").update(name, "me", 0);
    if (claim.status !== "stored") throw new Error("not claimed");
    t.equal((await peer.journal.readLast(subjects.lock(name)))?.sequence, claim.revision);
    const event = () => ({
      subject: subjects.event(3, "order.created"),
      payload: "{}",
      fence: { subject: subjects.lock(name), sequence: claim.revision },
    });
    await mustStore(peer.journal, [event()]);
    t.equal((await other.bucket("ORDERS").update(name, "other", claim.revision)).status, "stored");
    t.equal(await outcome(peer.journal, [event()]), ServerCode.wrongLastSequence);
  });

  await t.test("of many claims at once exactly one wins, and the others conflict", async (t) => {
    const key = `key.${freshId()}`;
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? peer : other).bucket("ORDERS").update(key, String(n), 0),
      ),
    );
    const winners = claims.filter((claim) => claim.status === "stored");
    t.equal(winners.length, 1);
    const settled = claims.filter((claim) => claim.status === "conflict").length + winners.length;
    if (!world.replicated) t.equal(settled, 20);
  });

  await t.test(
    "an entry vanishes at the bucket's age unless it is refreshed, and can be created again",
    async (t) => {
      const bucket = peer.bucket("SHORT");
      const [kept, left] = [`key.${freshId()}`, `key.${freshId()}`];
      await bucket.put(left, "1");
      const putAt = Date.now();
      const refresher = { stopped: false };
      const refreshed = (async () => {
        while (!refresher.stopped) {
          await bucket.put(kept, "1");
          await new Promise((resolve) => setTimeout(resolve, SHORT_AGE_MS / 5));
        }
      })();
      await waitUntil("the entry is deleted", async () => (await bucket.get(left)) === undefined);
      t.ok(Date.now() - putAt > SHORT_AGE_MS - 100, "not before its time");
      t.notOk((await bucket.keys()).includes(left));
      t.equal((await bucket.get(kept))?.value, "1");
      t.equal((await bucket.update(left, "2", 0)).status, "stored");
      refresher.stopped = true;
      await refreshed;
    },
  );

  await t.test("a watch reports the present entries before it resolves, then every change", async (t) => {
    const bucket = peer.bucket("PLAIN");
    const [a, b, deleted] = [`w.${freshId()}`, `w.${freshId()}`, `w.${freshId()}`];
    await bucket.put(a, "1");
    await bucket.put(deleted, "1");
    await bucket.delete(deleted);
    await world.copied("KV_PLAIN");
    const changes: Change[] = [];
    const watching = await other.bucket("PLAIN").watch((change) => changes.push(change));
    const of = (...keys: string[]) =>
      changes.filter(({ key }) => keys.includes(key)).map(({ key, value }) => [key, value]);
    t.strictSame(of(a, b, deleted), [[a, "1"]]);
    await bucket.put(a, "2");
    await bucket.put(b, "1");
    await bucket.delete(a);
    await waitUntil("the changes came", () => of(a, b).length === 4);
    t.strictSame(of(a, b), [
      [a, "1"],
      [a, "2"],
      [b, "1"],
      [a, undefined],
    ]);
    await watching.stop();
    const count = changes.length;
    const second = await other.bucket("PLAIN").watch((change) => changes.push(change));
    const marker = `w.${freshId()}`;
    await bucket.put(marker, "1");
    await waitUntil("the second watch has the marker", () => of(marker).length === 1);
    t.ok(changes.length > count);
    await second.stop();
  });

  await t.test("a watch of an empty bucket resolves", async (t) => {
    const bucket = peer.bucket("SHORT");
    await waitUntil("everything has expired", async () => (await bucket.keys()).length === 0);
    const watching = await bucket.watch(() => {});
    await watching.stop();
    t.pass();
  });

  await t.test(
    "after servers and connections died, a watch has reported the newest entry of every key",
    async (t) => {
      const bucket = peer.bucket("PLAIN");
      const short = peer.bucket("SHORT");
      const [key, born, presence] = [`w.${freshId()}`, `w.${freshId()}`, `w.${freshId()}`];
      await bucket.put(key, "before");
      const reported = new Map<string, string | undefined>();
      const watching = [
        await bucket.watch(({ key, value }) => void reported.set(key, value)),
        await short.watch(({ key, value }) => void reported.set(key, value)),
      ];
      await world.interrupt();
      await write(() => bucket.put(key, "after"));
      await write(() => bucket.put(born, "1"));
      await write(() => short.put(presence, "here"));
      await waitUntil("all is reported", () => reported.get(key) === "after" && reported.get(born) === "1");
      await waitUntil(
        "presence is reported again, though the bucket in memory was lost",
        async () => {
          await short.put(presence, "here");
          return reported.get(presence) === "here";
        },
        { intervalMs: 100 },
      );
      for (const watch of watching) await watch.stop();
      t.pass();
    },
  );

  await t.test("without a connection no write is decided", async (t) => {
    const lonely = await world.join();
    const bucket = lonely.bucket("PLAIN");
    const key = `key.${freshId()}`;
    await lonely.leave();
    await waitUntil("it is known", () => !lonely.bus.connected());
    t.equal((await bucket.update(key, "1", 0)).status, "unanswered");
    await t.rejects(bucket.get(key), Unavailable);
    await t.rejects(bucket.put(key, "1"), Unavailable);
    await t.rejects(bucket.delete(key), Unavailable);
    await t.rejects(bucket.keys(), Unavailable);
    await t.rejects(
      bucket.watch(() => {}),
      Unavailable,
    );
    t.equal(await peer.bucket("PLAIN").get(key), undefined);
  });
});

/** Registers: entries that people look through, in the order of their writes. In memory and on real servers alike. */
import t from "tap";
import { Unavailable } from "../../src/runtime/ports.ts";
import { waitUntil } from "../support/wait-until.ts";
import { inEveryWorld } from "./worlds.ts";

await inEveryWorld(t, async (t, world) => {
  const peer = await world.join();
  const { register } = peer;
  const bucket = peer.bucket("PLAIN");

  await t.test("an empty register has no entries", async (t) => {
    t.same(await register.list(0, 10), []);
  });

  await t.test("entries are listed in the order of their writes, a page at a time", async (t) => {
    const before = Date.now();
    for (const key of ["b", "c", "a=2e.x"]) {
      t.equal((await register.update(key, `value of ${key}`, 0)).status, "stored");
      t.strictSame(await register.update(key, "again", 0), { status: "conflict" });
    }
    const all = await register.list(0, 10);
    t.same(
      all.map(({ key, value }) => [key, value]),
      [
        ["b", "value of b"],
        ["c", "value of c"],
        ["a=2e.x", "value of a=2e.x"],
      ],
    );
    for (const { at } of all) t.ok(Math.abs(at - before) < 60_000, "server time of the write");
    t.strictSame(await register.list(0, 2), all.slice(0, 2));
    t.strictSame(await register.list(all[1]?.revision ?? 0, 2), all.slice(2));
    t.strictSame(await register.list(all[2]?.revision ?? 0, 2), []);
    t.strictSame((await register.get("c"))?.value, "value of c");
  });

  await t.test("deleted entries are left out, and may be added again at the end", async (t) => {
    await bucket.delete("b");
    t.same(
      (await register.list(0, 10)).map(({ key }) => key),
      ["c", "a=2e.x"],
    );
    t.equal((await register.update("b", "new", 0)).status, "stored");
    t.same(
      (await register.list(0, 2)).map(({ key }) => key),
      ["c", "a=2e.x"],
    );
    t.same(
      (await register.list(0, 10)).map(({ key }) => key),
      ["c", "a=2e.x", "b"],
    );
  });

  await t.test("a reading without an answer is unavailable, and works again later", async (t) => {
    await world.restart();
    await waitUntil("it answers", async () => (await register.list(0, 10)).length === 3);
    await peer.leave();
    await t.rejects(register.list(0, 10), Unavailable);
  });
});

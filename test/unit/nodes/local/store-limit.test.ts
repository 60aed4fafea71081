/** How much a nats-server may store: a share of what its volume has for it. */
import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { loadNatsStoreSettings } from "../../../../config/tool-settings.ts";
import { storeLimit } from "../../../../nodes/local/store-limit.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

/** Others write to the volume meanwhile. */
const TOLERANCE = 0.1;
const isNear = (actual: number, wanted: number) => Math.abs(actual / wanted - 1) < TOLERANCE;
const freeBytes = (folder: string) => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

t.test("four fifths of what is free, also before the folder exists", async (t) => {
  const folder = temporaryFolder(t);
  const wanted = 0.8 * freeBytes(folder);
  t.ok(isNear(storeLimit(folder, 1), wanted));
  t.ok(isNear(storeLimit(join(folder, "not", "there"), 1), wanted));
});

t.test("servers on one volume share what is free", async (t) => {
  const folder = temporaryFolder(t);
  t.ok(isNear(3 * storeLimit(folder, 3), 0.8 * freeBytes(folder)));
});

t.test("what is stored already counts as room, in whatever folder it is", async (t) => {
  const folder = temporaryFolder(t);
  const store = join(folder, "jetstream", "$G", "streams");
  mkdirSync(store, { recursive: true });
  // So many servers that nothing of what is free is left to be seen.
  const servers = 1e9;
  const empty = storeLimit(folder, servers);
  writeFileSync(join(store, "1.blk"), Buffer.alloc(1_000_000));
  writeFileSync(join(folder, "meta.inf"), Buffer.alloc(500_000));
  const gained = storeLimit(folder, servers) - empty;
  t.ok(Math.abs(gained - 1_200_000) < 1000, `${gained} bytes more`);
});

t.test("the settings: a quoted folder, a limit of one's own, how many share the volume", async (t) => {
  t.same(loadNatsStoreSettings({}), { folder: undefined, limit: undefined, stores: 1 });
  t.same(
    loadNatsStoreSettings({
      ORDERLY_NATS_STORE: JSON.stringify('/var/with "marks"'),
      ORDERLY_NATS_MAX_STORE: "50GB",
      ORDERLY_NATS_STORES: "3",
    }),
    { folder: '/var/with "marks"', limit: "50GB", stores: 3 },
  );
  t.same(loadNatsStoreSettings({ ORDERLY_NATS_STORE: "/var/lib/nats" }).folder, "/var/lib/nats");
});

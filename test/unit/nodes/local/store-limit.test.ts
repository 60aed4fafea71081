/** The limit of a nats-server's store: a share of the space that its volume has for it. */
import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { loadNatsStoreSettings } from "../../../../config/tool-settings.ts";
import { storeLimit } from "../../../../nodes/local/store-limit.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

/** Tolerance, since other programs write to the volume meanwhile. */
const TOLERANCE = 0.1;
const isNear = (actual: number, wanted: number) => Math.abs(actual / wanted - 1) < TOLERANCE;
const freeBytes = (folder: string) => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

t.test("the limit is four fifths of the free space, also before the folder exists", async (t) => {
  const folder = temporaryFolder(t);
  const wanted = 0.8 * freeBytes(folder);
  t.ok(isNear(storeLimit(folder, 1), wanted));
  t.ok(isNear(storeLimit(join(folder, "not", "there"), 1), wanted));
});

t.test("servers on one volume share the free space", async (t) => {
  const folder = temporaryFolder(t);
  t.ok(isNear(3 * storeLimit(folder, 3), 0.8 * freeBytes(folder)));
});

t.test("stored data counts as room, in whatever folder it is", async (t) => {
  const folder = temporaryFolder(t);
  const store = join(folder, "jetstream", "$G", "streams");
  mkdirSync(store, { recursive: true });
  // With that many servers each one's share of the free space is negligible.
  const servers = 1e9;
  const empty = storeLimit(folder, servers);
  writeFileSync(join(store, "1.blk"), Buffer.alloc(1_000_000));
  writeFileSync(join(folder, "meta.inf"), Buffer.alloc(500_000));
  const gained = storeLimit(folder, servers) - empty;
  t.ok(Math.abs(gained - 1_200_000) < 1000, `${gained} bytes more`);
});

t.test("a compressed block counts with what it was before, as the server counts it", async (t) => {
  const folder = temporaryFolder(t);
  const servers = 1e9;
  const empty = storeLimit(folder, servers);
  // 8 000 000 as a varint.
  const head = [...Buffer.from("cmp"), 1, 0x80, 0xa4, 0xe8, 0x03];
  writeFileSync(join(folder, "1.blk"), Buffer.concat([Buffer.from(head), Buffer.alloc(1_000_000)]));
  const gained = storeLimit(folder, servers) - empty;
  t.ok(Math.abs(gained - 6_400_000) < 1000, `${gained} bytes more`);
});

t.test(
  "the settings hold a quoted folder, an explicit limit, and the number of servers on the volume",
  async (t) => {
    t.same(loadNatsStoreSettings({}), {
      folder: undefined,
      limit: undefined,
      stores: 1,
      batchesIn: undefined,
      port: 4222,
    });
    t.same(
      loadNatsStoreSettings({
        ORDERLY_NATS_STORE: JSON.stringify('/var/with "marks"'),
        ORDERLY_NATS_MAX_STORE: "50GB",
        ORDERLY_NATS_STORES: "3",
        ORDERLY_NATS_PORT: "4300",
        ORDERLY_NATS_BATCHES: "memory",
      }),
      {
        folder: '/var/with "marks"',
        limit: "50GB",
        stores: 3,
        batchesIn: "memory",
        port: 4300,
      },
    );
    t.same(loadNatsStoreSettings({ ORDERLY_NATS_STORE: "/var/lib/nats" }).folder, "/var/lib/nats");
    const ofCluster = { ORDERLY_NATS_NAME: "nats-1", ORDERLY_NATS_BATCHES: "memory" };
    t.equal(loadNatsStoreSettings(ofCluster).batchesIn, undefined, "a cluster stages in memory by itself");
  },
);

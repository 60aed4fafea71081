/** The links, the folder in memory and the note in the store, without a server. */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { memoryBatches } from "../../../../nodes/local/batches/memory-batches.ts";
import {
  MEMORY_ROOT,
  memoryFolderOf,
  room,
  unusable,
} from "../../../../nodes/local/batches/memory-folder.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const skip = unusable(MEMORY_ROOT, room.toBeginBytes) ?? false;

/** A store with one order stream and a bucket, and a tmpfs of its own. */
function stage(t: Test, free: () => number = () => Number.POSITIVE_INFINITY) {
  const store = temporaryFolder(t);
  const root = mkdtempSync(join(MEMORY_ROOT, "orderly-test-"));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const streams = join(store, "jetstream", "$G", "streams");
  for (const name of ["KV_ORDERS", "KV_FLOORS"]) mkdirSync(join(streams, name), { recursive: true });
  const lines: string[] = [];
  const open = (of = store) =>
    memoryBatches({
      store: of,
      root,
      log: (line) => lines.push(line),
      unusable: (path, bytes) => unusable(path, 0) ?? (free() < bytes ? "it is full" : undefined),
    });
  return {
    store,
    root,
    folder: memoryFolderOf(store, root),
    lines,
    open,
    at: (name: string) => join(streams, name, "batches"),
  };
}

t.test(
  "the folder of an order stream becomes a link into memory, of this user alone; no other stream's",
  { skip },
  (t) => {
    const { at, folder, lines, open } = stage(t);
    mkdirSync(at("KV_ORDERS"));
    const batches = open();
    t.equal(batches.mustRepair(), false);
    batches.check();
    batches.check();
    t.equal(readlinkSync(at("KV_ORDERS")), join(folder, "KV_ORDERS"));
    t.equal(lstatSync(folder).mode & 0o777, 0o700);
    t.notOk(existsSync(at("KV_FLOORS")));
    t.strictSame(lines, [`atomic batches of KV_ORDERS are staged in memory: ${join(folder, "KV_ORDERS")}`]);
    t.equal(open().mustRepair(), false, "a next process finds the folder as it was left");
    batches.leave();
    t.notOk(lstatSync(at("KV_ORDERS"), { throwIfNoEntry: false }));
    t.notOk(existsSync(folder));
    t.equal(open().mustRepair(), false);
    t.end();
  },
);

t.test("while no stream exists nothing is made, and one that is made later is linked", { skip }, (t) => {
  const { at, folder, open, store } = stage(t);
  rmSync(join(store, "jetstream"), { recursive: true });
  const batches = open();
  batches.check();
  t.notOk(existsSync(folder));
  mkdirSync(join(at("KV_ORDERS"), ".."), { recursive: true });
  batches.check();
  t.ok(lstatSync(at("KV_ORDERS")).isSymbolicLink());
  t.end();
});

t.test("a folder on disk is linked only between two batches", { skip }, (t) => {
  const { at, open } = stage(t);
  mkdirSync(join(at("KV_ORDERS"), "staged"), { recursive: true });
  const batches = open();
  batches.check();
  t.ok(lstatSync(at("KV_ORDERS")).isDirectory());
  rmSync(join(at("KV_ORDERS"), "staged"), { recursive: true });
  batches.check();
  t.ok(lstatSync(at("KV_ORDERS")).isSymbolicLink());
  t.end();
});

t.test("a link that the server has dropped is made again", { skip }, (t) => {
  const { at, open } = stage(t);
  const batches = open();
  batches.check();
  rmSync(at("KV_ORDERS"));
  batches.check();
  t.ok(lstatSync(at("KV_ORDERS")).isSymbolicLink());
  t.end();
});

t.test(
  "without a tmpfs, or without room, batches are staged on disk, and the log says why",
  { skip },
  (t) => {
    const none = stage(t);
    rmSync(none.root, { recursive: true });
    const onDisk = temporaryFolder(t);
    t.match(unusable(onDisk, 0), /is no tmpfs/u);
    none.open().check();
    t.strictSame(none.lines, [`atomic batches are staged on disk: there is no ${none.root}`]);
    const full = stage(t, () => room.toBeginBytes - 1);
    const batches = full.open();
    batches.check();
    batches.check();
    t.strictSame(full.lines, ["atomic batches are staged on disk: it is full"], "said once");
    t.notOk(existsSync(full.at("KV_ORDERS")));
    t.equal(full.open().mustRepair(), false);
    t.end();
  },
);

t.test("a tmpfs that fills up is left, and used again when there is room", { skip }, (t) => {
  let free = room.toBeginBytes;
  const { at, lines, open } = stage(t, () => free);
  const batches = open();
  batches.check();
  free = room.toStayBytes - 1;
  batches.check();
  t.notOk(lstatSync(at("KV_ORDERS"), { throwIfNoEntry: false }));
  t.equal(lines.at(-1), "atomic batches are staged on disk: it is full");
  free = room.toStayBytes;
  batches.check();
  t.notOk(lstatSync(at("KV_ORDERS"), { throwIfNoEntry: false }), "not at the limit");
  free = room.toBeginBytes;
  batches.check();
  t.ok(lstatSync(at("KV_ORDERS")).isSymbolicLink());
  t.equal(open().mustRepair(), true, "a batch that was under way may have been lost");
  t.end();
});

t.test("what lies at the folder's place and is not of this user alone is not touched", { skip }, (t) => {
  for (const [what, make] of [
    ["a link", (folder: string, other: string) => symlinkSync(other, folder)],
    ["a file", (folder: string) => writeFileSync(folder, "")],
    [
      "an open folder",
      (folder: string) => {
        mkdirSync(folder);
        chmodSync(folder, 0o755);
      },
    ],
  ] as const) {
    const { at, folder, lines, open } = stage(t);
    const other = temporaryFolder(t);
    writeFileSync(join(other, "mine"), "");
    make(folder, other);
    const batches = open();
    batches.check();
    t.notOk(lstatSync(at("KV_ORDERS"), { throwIfNoEntry: false }), what);
    t.match(lines[0], /^atomic batches are staged on disk: .*orderly-/u);
    batches.leave();
    t.ok(existsSync(join(other, "mine")));
    t.ok(lstatSync(folder), what);
  }
  t.end();
});

t.test(
  "a folder that vanishes is made again at once; the next start then repairs the store",
  { skip },
  (t) => {
    const { at, folder, open } = stage(t);
    const batches = open();
    batches.check();
    rmSync(folder, { recursive: true });
    t.equal(open().mustRepair(), true);
    batches.check();
    t.ok(statSync(at("KV_ORDERS")).isDirectory(), "the link leads somewhere");
    t.equal(open().mustRepair(), true);
    batches.leave();
    t.equal(open().mustRepair(), false, "the server has ended in order, with nothing staged");
    t.end();
  },
);

t.test("a copy of a store is repaired: its note names the folder of the original", { skip }, (t) => {
  const { folder, open, store } = stage(t);
  open().check();
  const copy = join(temporaryFolder(t), "copy");
  cpSync(store, copy, { recursive: true, verbatimSymlinks: true });
  t.equal(open().mustRepair(), false);
  const copied = open(copy);
  t.equal(copied.mustRepair(), true);
  copied.repaired();
  t.equal(copied.mustRepair(), false);
  t.ok(existsSync(folder), "the folder of the original is left alone");
  t.end();
});

t.test("a batch that is still staged at the server's end keeps link, folder and note", { skip }, (t) => {
  const { at, folder, lines, open } = stage(t);
  const batches = open();
  batches.check();
  mkdirSync(join(folder, "KV_ORDERS", "staged"));
  batches.leave();
  t.ok(existsSync(join(at("KV_ORDERS"), "staged")));
  t.match(lines.at(-1), /still staged/u);
  const next = open();
  t.equal(next.mustRepair(), false);
  rmSync(at("KV_ORDERS"));
  next.check();
  t.notOk(existsSync(join(at("KV_ORDERS"), "staged")), "the server has completed it");
  t.end();
});

t.test("a plan that was not carried out, or a note that cannot be read, is a repair", { skip }, (t) => {
  const { open, store } = stage(t);
  const batches = open();
  batches.check();
  const plan = { stream: "KV_ORDERS", first: 3, last: 5, canceled: ["orders.timers.1.a.order.x.1"] };
  batches.keep([plan]);
  const next = open();
  t.equal(next.mustRepair(), true);
  t.strictSame(next.plans(), [plan]);
  next.repaired();
  t.equal(open().mustRepair(), false);
  writeFileSync(join(store, "orderly-batches.json"), "{");
  t.equal(open().mustRepair(), true);
  t.strictSame(open().plans(), []);
  t.end();
});

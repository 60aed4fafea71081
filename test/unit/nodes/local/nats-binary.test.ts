import { chmodSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import t, { type Test } from "tap";
import { locateNatsServer, NatsServerMissing } from "../../../../nodes/local/nats-binary.ts";
import type { NatsSource } from "../../../../nodes/local/nats-sources.ts";
import { isUsable } from "../../../../nodes/local/nats-version.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

/** An executable that answers like a nats-server of this version. */
function fakeServer(folder: string, version: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "nats-server");
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  chmodSync(path, 0o755);
  return path;
}

const source = (name: string, fetch: NatsSource["fetch"]): NatsSource => ({ name, fetch });
const bringing = (version: string) =>
  source(`source of ${version}`, async (folder) => fakeServer(folder, version));
const closed = source("closed source", async () => {
  throw new Error("it is closed");
});

function place(t: Test) {
  const folder = temporaryFolder(t);
  const cache = join(folder, "cache");
  return {
    folder,
    kept: join(cache, "nats-server", `${process.platform}-${process.arch}`),
    settings: { natsServer: undefined as string | undefined, searchPath: "", cache },
  };
}

t.test("a named nats-server is used before all others", async (t) => {
  const { folder, settings } = place(t);
  const named = fakeServer(join(folder, "named"), "2.15.2");
  const searchPath = dirname(fakeServer(join(folder, "path"), "2.16.0"));
  const found = await locateNatsServer({ settings: { ...settings, natsServer: named, searchPath } });
  t.same(found, { path: named, version: "2.15.2", source: "ORDERLY_NATS_SERVER" });
});

t.test(
  "a named nats-server that is too old, missing or another program is refused, whatever else is installed",
  async (t) => {
    const { folder, settings } = place(t);
    const searchPath = dirname(fakeServer(join(folder, "path"), "2.16.0"));
    const refused = (natsServer: string, message: RegExp) =>
      t.rejects(locateNatsServer({ settings: { ...settings, natsServer, searchPath } }), {
        name: "NatsServerMissing",
        message,
      });
    await refused(
      fakeServer(join(folder, "old"), "2.14.8"),
      /old\/nats-server is version 2\.14\.8, older than/u,
    );
    await refused(join(folder, "nowhere"), /ORDERLY_NATS_SERVER: .*nowhere is not installed/u);
    await refused("/bin/echo", /does not answer like a nats-server/u);
  },
);

t.test(
  "the first usable nats-server on PATH is used; older ones before it are passed over and reported",
  async (t) => {
    const { folder, settings } = place(t);
    const old = fakeServer(join(folder, "a"), "2.9.10");
    const good = fakeServer(join(folder, "b"), "2.14.9");
    fakeServer(join(folder, "c"), "2.15.1");
    const searchPath = ["a", "none", "b", "c"].map((name) => join(folder, name)).join(delimiter);
    const lines: string[] = [];
    const found = await locateNatsServer({
      settings: { ...settings, searchPath },
      report: (line) => lines.push(line),
    });
    t.same(found, { path: good, version: "2.14.9", source: "PATH" });
    t.same(lines, [`PATH: ${old} is version 2.9.10, older than 2.14.9: passed over`]);
  },
);

t.test("a fetched nats-server is used from the cache from then on", async (t) => {
  const { kept, settings } = place(t);
  const first = await locateNatsServer({ settings, sources: [closed, bringing("2.15.1")] });
  t.same(first, { path: join(kept, "nats-server"), version: "2.15.1", source: "source of 2.15.1" });
  const second = await locateNatsServer({ settings, sources: [closed] });
  t.same(second, { ...first, source: "cache" });
  t.same(readdirSync(kept), ["nats-server"], "nothing else is kept");
});

t.test("a cached nats-server that is too old is replaced", async (t) => {
  const { kept, settings } = place(t);
  fakeServer(kept, "2.10.0");
  t.match(await locateNatsServer({ settings, sources: [bringing("2.15.1")] }), { version: "2.15.1" });
  t.match(readFileSync(join(kept, "nats-server"), "utf8"), "2.15.1");
});

t.test("several processes that fetch at once all get a whole nats-server", async (t) => {
  const { kept, settings } = place(t);
  const sources = [bringing("2.15.1")];
  const found = await Promise.all(Array.from({ length: 8 }, () => locateNatsServer({ settings, sources })));
  for (const one of found) t.match(one, { path: join(kept, "nats-server"), version: "2.15.1" });
  t.same(readdirSync(kept), ["nats-server"]);
});

t.test("when no source works, the error lists every one that was tried and the remedy", async (t) => {
  const { folder, kept, settings } = place(t);
  const searchPath = dirname(fakeServer(join(folder, "old"), "2.9.10"));
  const error = await locateNatsServer({
    settings: { ...settings, searchPath },
    sources: [closed, bringing("2.10.0")],
  }).catch((thrown: unknown) => thrown);
  t.ok(error instanceof NatsServerMissing);
  t.match((error as Error).message, "PATH: ");
  t.match((error as Error).message, "closed source: it is closed");
  t.match((error as Error).message, "source of 2.10.0: brought version 2.10.0");
  t.match((error as Error).message, "ORDERLY_NATS_SERVER");
  t.same(readdirSync(kept), [], "no file is left");
});

t.test("the folder of a killed fetch is removed after an hour, that of a running one is not", async (t) => {
  const { kept, settings } = place(t);
  mkdirSync(join(kept, ".fetch-old"), { recursive: true });
  mkdirSync(join(kept, ".fetch-now"));
  const old = new Date(Date.now() - 3_700_000);
  utimesSync(join(kept, ".fetch-old"), old, old);
  await locateNatsServer({ settings, sources: [bringing("2.15.1")] });
  t.same(readdirSync(kept).toSorted(), [".fetch-now", "nats-server"]);
});

t.test("an error about a cache that cannot be written names the variable that moves it", async (t) => {
  const { folder, settings } = place(t);
  writeFileSync(join(folder, "file"), "");
  await t.rejects(locateNatsServer({ settings: { ...settings, cache: join(folder, "file") }, sources: [] }), {
    name: "NatsServerMissing",
    message: /set ORDERLY_CACHE/u,
  });
});

t.test("versions compare as numbers", async (t) => {
  for (const version of ["2.14.9", "2.14.10", "2.15.0", "3.0.0"]) t.ok(isUsable(version), version);
  for (const version of ["2.14.8", "2.9.99", "1.99.99"]) t.notOk(isUsable(version), version);
});

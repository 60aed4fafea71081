/** `npm start`: a cluster starts, stops at an interrupt, and keeps its orders; two clusters run side by side. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { MEMORY_ROOT, room, unusable } from "../../nodes/local/batches/memory-folder.ts";
import { storeLimit } from "../../nodes/local/store-limit.ts";
import { findPlace, isListening, launch, startLauncher } from "../support/cluster/local-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const GIB = 2 ** 30;
/** The storage limit that nats-server logs, GiB. */
const loggedLimit = (home: string): number => {
  const log = readFileSync(join(home, "logs", "nats-server.log"), "utf8");
  return Number(/Max Storage:\s+([\d.]+) GB/u.exec(log)?.[1]);
};

/** All files and folders below a folder. */
const filesOf = (home: string): string[] =>
  readdirSync(home, { recursive: true, encoding: "utf8" }).map((path) => join(home, path));

t.test(
  "a cluster that is interrupted stops within 10 s, and has its orders and stock when it starts again",
  async (t) => {
    const place = await findPlace(t, 2);
    const first = await launch(t, place);
    t.match(first.output(), /sample catalogue: 20 items added/u);
    t.match(
      first.output(),
      new RegExp(`kill -9 ${first.pids["node-2"]} `, "u"),
      "the welcome shows how to kill a node",
    );
    const limit = storeLimit(join(place.home, "nats"), 1) / GIB;
    t.ok(Math.abs(loggedLimit(place.home) / limit - 1) < 0.1, "nats-server may fill a share of its volume");
    if (unusable(MEMORY_ROOT, room.toBeginBytes) === undefined) {
      const log = readFileSync(join(place.home, "logs", "nats-server.log"), "utf8");
      t.match(log, /atomic batches of KV_ORDERS are staged in memory/u);
    }
    const url = `http://127.0.0.1:${place.port + 1}/v1/inventory/LIMITED-1`;
    const stock = await (await fetch(url)).json();
    t.match(stock, { sku: "LIMITED-1", onHand: 10 });
    const [, address = "", body = ""] = /curl -s (\S+) .* -d '(.*)'/u.exec(first.output()) ?? [];
    const placed = await fetch(address, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    t.equal(placed.status, 201, "the suggested order is confirmed");
    const order = `http://127.0.0.1:${place.port}${placed.headers.get("location") ?? ""}`;
    const readable = filesOf(place.home).filter(
      (path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0,
    );
    t.same(readable, [], "only the user who started the cluster can read its files");
    t.ok(filesOf(place.home).length > 20, "outboxes, logs and streams are among them");

    const from = performance.now();
    first.send("SIGINT");
    t.equal((await first.ended).code, 0);
    t.ok(performance.now() - from < 10_000);
    t.ok(await first.gone(), "no process is left");

    const second = await launch(t, place);
    t.notMatch(second.output(), /items added/u, "the catalogue is loaded on the first start only");
    t.same(await (await fetch(url)).json(), stock);
    t.match(await (await fetch(order)).json(), { lines: [{ sku: "TSHIRT-M", quantity: 2 }] });
  },
);

t.test(
  "a second cluster in the same folder is refused, and one elsewhere runs beside the first",
  async (t) => {
    const place = await findPlace(t, 1);
    const cluster = await launch(t, place);
    const elsewhere = await findPlace(t, 1);
    const second = await launch(t, elsewhere, { env: { ORDERLY_NATS_MAX_STORE: "2GB" } });
    t.ok(second.running() && cluster.running());
    t.equal(loggedLimit(elsewhere.home), 2, "a setting replaces that share");
    const third = await findPlace(t, 1);
    const refused = startLauncher(t, { ...third, env: { ...third.env, ORDERLY_HOME: place.home } });
    t.equal((await refused.ended).code, 1);
    t.match(
      refused.output(),
      `orderly start: a cluster runs already in ${place.home} (process ${cluster.pids["launcher"]}); stop it`,
    );
    t.ok(second.running() && cluster.running());
  },
);

t.test("a cluster that is interrupted while it starts leaves nothing running", async (t) => {
  const place = await findPlace(t, 2);
  const starting = startLauncher(t, place);
  await waitUntil("nats-server runs", () => isListening(place.natsPort), { timeoutMs: 30_000 });
  starting.send("SIGINT");
  t.equal((await starting.ended).code, 0);
  for (const port of [place.port, place.port + 1, place.port + 900, place.port + 901, place.natsPort])
    t.notOk(await isListening(port), `port ${port} is free`);
});

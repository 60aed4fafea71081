import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { listen } from "../support/free-ports.ts";
import { findPlace, isListening, launch, startLauncher } from "../support/local-cluster.ts";
import type { Launched, Place } from "../support/local-cluster.ts";
import { isAlive } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const gone = (cluster: Launched, place: Place) => async () =>
  !Object.values(cluster.pids).some(isAlive) && !(await isListening(place.natsPort));

t.test(
  "a cluster that is interrupted stops whole within 10 s, and keeps its stock when started again",
  async (t) => {
    const place = await findPlace(t, 2);
    const first = await launch(t, place);
    t.match(first.output(), /sample catalogue: 20 items added/u);
    t.match(
      first.output(),
      new RegExp(`kill -9 ${first.pids["node-2"]} `, "u"),
      "it tells how to kill a node",
    );
    const url = `http://127.0.0.1:${place.port + 1}/v1/inventory/LIMITED-1`;
    const stock = await (await fetch(url)).json();
    t.match(stock, { sku: "LIMITED-1", onHand: 10 });

    const from = performance.now();
    first.send("SIGINT");
    t.equal((await first.ended).code, 0);
    t.ok(performance.now() - from < 10_000);
    t.ok(await gone(first, place)(), "no process is left");

    const second = await launch(t, place);
    t.notMatch(second.output(), /items added/u, "the catalogue is loaded on the first start only");
    t.same(await (await fetch(url)).json(), stock);
  },
);

t.test("nothing is left when the launcher is killed, and the next start waits for that", async (t) => {
  const place = await findPlace(t, 2);
  const cluster = await launch(t, place);
  process.kill(cluster.pids["launcher"]!, "SIGKILL");
  const next = startLauncher(t, place);
  await waitUntil("no process is left", () => !Object.values(cluster.pids).some(isAlive), {
    timeoutMs: 15_000,
  });
  await waitUntil("the next one runs", () => next.output().includes("Stop: Ctrl-C"), { timeoutMs: 90_000 });
  await next.stop();
});

t.test("nothing is left when the command itself is killed", async (t) => {
  const place = await findPlace(t, 1);
  const cluster = await launch(t, place);
  await cluster.kill();
  await waitUntil("no process is left", gone(cluster, place), { timeoutMs: 15_000 });
});

t.test("nothing is left when npm is killed, politely or not", async (t) => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const place = await findPlace(t, 1);
    const cluster = await launch(t, place, { command: ["npm", "start"], env: { ORDERLY_PARENT: "" } });
    cluster.send(signal);
    await waitUntil(`no process is left after ${signal}`, gone(cluster, place), { timeoutMs: 15_000 });
  }
});

t.test("nothing is left when the process that holds its standard input is gone", async (t) => {
  const place = await findPlace(t, 1);
  const cluster = await launch(t, place);
  cluster.closeStdin();
  t.equal((await cluster.ended).code, 0);
  t.ok(await gone(cluster, place)());
});

t.test("a node that is killed is told and not restarted; the others go on", async (t) => {
  const place = await findPlace(t, 2);
  const cluster = await launch(t, place);
  process.kill(cluster.pids["node-2"]!, "SIGKILL");
  await waitUntil("the launcher tells", () =>
    new RegExp(`node-2 \\(process ${cluster.pids["node-2"]}\\) was ended by SIGKILL; its log: `, "u").test(
      cluster.output(),
    ),
  );
  t.ok(cluster.running());
  t.notOk(await isListening(place.port + 1));
  await waitUntil(
    "the other node is ready",
    async () => (await fetch(`http://127.0.0.1:${place.port}/health/ready`)).ok,
    { timeoutMs: 30_000 },
  );
});

t.test("a frozen node does not keep the cluster from stopping within 10 s", async (t) => {
  const place = await findPlace(t, 2);
  const cluster = await launch(t, place);
  process.kill(cluster.pids["node-2"]!, "SIGSTOP");
  const from = performance.now();
  cluster.send("SIGTERM");
  t.equal((await cluster.ended).code, 0);
  t.ok(performance.now() - from < 10_000);
  t.ok(await gone(cluster, place)(), "no process is left");
});

t.test(
  "a second cluster in the same folder is refused, and one elsewhere runs beside the first",
  async (t) => {
    const place = await findPlace(t, 1);
    const cluster = await launch(t, place);
    const elsewhere = await findPlace(t, 1);
    const second = await launch(t, elsewhere);
    t.ok(second.running() && cluster.running());
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

t.test("ports that are taken are named before anything starts", async (t) => {
  const place = await findPlace(t, 2);
  for (const port of [place.port + 1, place.natsPort]) {
    const server = await listen(port);
    t.teardown(() => server.close());
  }
  const refused = startLauncher(t, place);
  t.equal((await refused.ended).code, 1);
  t.equal(
    refused.output(),
    `orderly start: ports ${place.port + 1} (order node 2), ${place.natsPort} (nats-server) on 127.0.0.1 are taken; ` +
      "stop what listens there, or set ORDERLY_PORT and ORDERLY_NATS_PORT to other ports\n",
  );
});

t.test("settings that cannot be used are told all together, and nothing starts", async (t) => {
  const place = await findPlace(t, 1);
  const refused = startLauncher(t, place, {
    env: { ORDERLY_PORT: "eighty", ORDERLY_FULFILLMENT: "perhaps" },
  });
  t.equal((await refused.ended).code, 1);
  t.match(refused.output(), 'ORDERLY_PORT must be integer, but is "eighty"');
  t.match(refused.output(), 'ORDERLY_FULFILLMENT must be one of auto, manual, but is "perhaps"');
  t.notOk(await isListening(place.natsPort));
});

t.test("a nats-server that is too old is refused by name", async (t) => {
  const place = await findPlace(t, 1);
  const old = join(temporaryFolder(t), "nats-server");
  writeFileSync(old, "#!/bin/sh\necho nats-server: v2.9.10\n", { mode: 0o755 });
  const refused = startLauncher(t, place, { env: { ORDERLY_NATS_SERVER: old } });
  t.equal((await refused.ended).code, 1);
  t.match(refused.output(), `${old} is version 2.9.10, older than 2.14.9`);
});

t.test("a cluster that is interrupted while it starts leaves nothing running", async (t) => {
  const place = await findPlace(t, 2);
  const starting = startLauncher(t, place);
  await waitUntil("nats-server runs", () => isListening(place.natsPort), { timeoutMs: 30_000 });
  starting.send("SIGINT");
  t.equal((await starting.ended).code, 0);
  for (const port of [place.port, place.port + 1, place.port + 900, place.port + 901, place.natsPort])
    t.notOk(await isListening(port), `port ${port} is free`);
});

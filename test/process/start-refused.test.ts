/** `npm start` where it cannot start: one report, exit code 1, and no process left. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { listen } from "../support/cluster/free-ports.ts";
import { findPlace, isListening, startLauncher } from "../support/cluster/local-cluster.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

t.test("the launcher names taken ports before anything starts", async (t) => {
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

t.test("the launcher reports all settings that cannot be used together, and starts nothing", async (t) => {
  const place = await findPlace(t, 1);
  const refused = startLauncher(t, place, {
    env: { ORDERLY_PORT: "eighty", ORDERLY_FULFILLMENT: "perhaps" },
  });
  t.equal((await refused.ended).code, 1);
  t.match(refused.output(), 'ORDERLY_PORT must be integer, but is "eighty"');
  t.match(refused.output(), 'ORDERLY_FULFILLMENT must be one of auto, manual, but is "perhaps"');
  t.notOk(await isListening(place.natsPort));
});

t.test("the launcher refuses a nats-server that is too old, by name", async (t) => {
  const place = await findPlace(t, 1);
  const old = join(temporaryFolder(t), "nats-server");
  writeFileSync(old, "#!/bin/sh\necho nats-server: v2.9.10\n", { mode: 0o755 });
  const refused = startLauncher(t, place, { env: { ORDERLY_NATS_SERVER: old } });
  t.equal((await refused.ended).code, 1);
  t.match(refused.output(), `${old} is version 2.9.10, older than 2.14.9`);
});

t.test(
  "the launcher reports a nats-server that does not start, with its log, and leaves no process",
  async (t) => {
    const place = await findPlace(t, 1);
    const broken = join(temporaryFolder(t), "nats-server");
    const version =
      'if [ "$1" = --version ]; then echo nats-server: v2.15.1; else echo no disk left; exit 3; fi';
    writeFileSync(broken, `#!/bin/sh\n${version}\n`, { mode: 0o755 });
    const refused = startLauncher(t, place, { env: { ORDERLY_NATS_SERVER: broken } });
    t.equal((await refused.ended).code, 1);
    t.match(refused.output(), /orderly start: nats-server(:| is not ready:) /u);
    t.match(refused.output(), /logs\/nats-server\.log/u);
    t.match(readFileSync(join(place.home, "logs", "nats-server.log"), "utf8"), "no disk left");
  },
);

t.test(
  "the launcher reports in the nodes' words that NATS cannot be reached, and leaves no process",
  async (t) => {
    const place = await findPlace(t, 2);
    const refused = startLauncher(t, place, { env: { NATS_URL: `nats://127.0.0.1:${place.natsPort}` } });
    t.equal((await refused.ended).code, 1);
    t.match(refused.output(), /orderly start: node-\d: cannot connect to NATS at nats:\/\/127\.0\.0\.1:\d+/u);
    for (const port of [place.port, place.port + 1, place.port + 900, place.port + 901])
      t.notOk(await isListening(port), `port ${port} is free`);
  },
);

/** `npm run start:cluster`: three nats-servers with a copy of everything on each, and the same life as `npm start`. */
import { invoiceStreams } from "../../nodes/order/streams.ts";
import { subjects } from "../../src/services/subjects.ts";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { apiRequest } from "../../src/adapters/nats/jetstream-api.ts";
import { allStreams } from "../../src/adapters/nats/stream-definitions.ts";
import { orderOf, place as placeOrder, read } from "../support/clients/order-client.ts";
import { startLoad } from "../support/load/order-load.ts";
import { findPlace, isListening, launch, orderly, startLauncher } from "../support/cluster/local-cluster.ts";
import { isAlive, startProcess } from "../support/cluster/processes.ts";
import { waitUntil } from "../support/wait-until.ts";

type Info = {
  readonly config: { readonly num_replicas: number };
  readonly cluster: { readonly replicas: readonly object[] };
};

t.test(
  "every stream has three copies; an interrupt stops all, and another start finds the orders",
  async (t) => {
    const place = await findPlace(t, 2, 3);
    const { ORDERLY_NATS_SERVERS: _, ...env } = place.env;
    const byOption = { command: [process.execPath, orderly, "start", "--cluster"] as const };
    const first = await launch(t, { ...place, env }, byOption);
    const servers = [0, 1, 2].map((index) => `127.0.0.1:${place.natsPort + index}`);
    const link = await connectNats({ servers, name: "test", connectTimeoutMs: 10_000 });
    for (const { name } of allStreams({
      replicas: 3,
      partitions: 32,
      streams: 1,
      presenceAgeMs: 3000,
      subjects,
      further: invoiceStreams({ replicas: 3 }),
    })) {
      const { config, cluster } = await apiRequest<Info>(link, `STREAM.INFO.${name}`, undefined, 5_000);
      t.equal(config.num_replicas, 3, name);
      t.equal(cluster.replicas.length, 2, name);
    }
    await link.close();
    const url = `http://127.0.0.1:${place.port + 1}`;
    const placed = await placeOrder(url, orderOf({ method: "cash_on_delivery" }));
    t.equal(placed.status, 201);

    const from = performance.now();
    first.send("SIGINT");
    t.equal((await first.ended).code, 0, first.output());
    t.ok(performance.now() - from < 10_000, `stopped in ${Math.round(performance.now() - from)} ms`);
    t.ok(await first.gone(), "no process is left");

    const second = await launch(t, { ...place, env }, byOption);
    t.notMatch(second.output(), /items added/u);
    t.match((await read(url, placed.body.id)).body, { id: placed.body.id, lines: [{ sku: "TSHIRT-M" }] });

    const lostPort = place.natsPort + 1;
    process.kill(second.pids["nats-2"]!, "SIGKILL");
    await waitUntil("the server has died with its keeper", async () => !(await isListening(lostPort)));
    const command = await waitUntil(
      "the launcher shows how to start the server again",
      () => /start it again: node orderly.mjs (nats --env-file \S+nats-2\S+)/u.exec(second.output())?.[1],
    );
    // If the lost server led the stream, the others elect a leader first: callers get 503 and repeat the request.
    const [two] = await startLoad({
      name: "two-are-enough",
      count: 1,
      callers: 1,
      orderAt: () => orderOf({ method: "cash_on_delivery" }),
      urls: () => [url],
    }).done;
    t.match(two, { status: 201 }, `two are enough, after ${two?.attempts} requests`);
    const byHand = startProcess(t, process.execPath, [orderly, ...command.split(" ")], {
      cwd: dirname(orderly),
    });
    await waitUntil("the server takes connections again", () => isListening(lostPort));
    await byHand.stop();
    t.notOk(await isListening(lostPort), "the server stops at SIGTERM");

    process.kill(second.pid, "SIGKILL");
    await waitUntil(
      "the children have ended after their parent",
      () => !Object.values(second.pids).some(isAlive),
      {
        timeoutMs: 15_000,
      },
    );
    for (let index = 0; index < 3; index++)
      await waitUntil("nats-server has ended", async () => !(await isListening(place.natsPort + index)));
    t.ok(existsSync(join(place.home, "nats-3", "jetstream")), "each server has a folder of its own");

    const single = startLauncher(t, { ...place, env: { ...env, ORDERLY_NATS_SERVERS: "1" } });
    t.equal((await single.ended).code, 1);
    t.match(single.output(), /holds the data of three nats-server\(s\), not of one; set ORDERLY_HOME/u);
  },
);

/**
 * `npm start` with a node that is killed or frozen: the launcher reports it, and the cluster goes on and stops in time.
 */
import { dirname } from "node:path";
import t from "tap";
import { findPlace, isListening, launch, orderly } from "../support/cluster/local-cluster.ts";
import { startProcess } from "../support/cluster/processes.ts";
import { waitUntil } from "../support/wait-until.ts";

t.test(
  "the launcher reports a killed node and does not restart it; the others go on, and it can be started again",
  async (t) => {
    const place = await findPlace(t, 2);
    const cluster = await launch(t, place);
    process.kill(cluster.pids["node-2"]!, "SIGKILL");
    await waitUntil("the launcher reports it", () =>
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
    const again = /start it again: node (.*)$/mu.exec(cluster.output())?.[1] ?? "";
    startProcess(t, process.execPath, again.split(" "), { cwd: dirname(orderly) });
    await waitUntil(
      "the killed node is ready again",
      async () => (await fetch(`http://127.0.0.1:${place.port + 1}/health/ready`)).ok,
      { timeoutMs: 30_000 },
    );
  },
);

t.test("a frozen node does not keep the cluster from stopping within 10 s", async (t) => {
  const place = await findPlace(t, 2);
  const cluster = await launch(t, place);
  process.kill(cluster.pids["node-2"]!, "SIGSTOP");
  const from = performance.now();
  cluster.send("SIGTERM");
  t.equal((await cluster.ended).code, 0);
  t.ok(performance.now() - from < 10_000);
  t.ok(await cluster.gone(), "no process is left");
});

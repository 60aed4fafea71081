/** `npm start` leaves no process running, however its launcher, npm or its terminal ends. */
import t from "tap";
import { findPlace, launch, startLauncher } from "../support/cluster/local-cluster.ts";
import { isAlive } from "../support/cluster/processes.ts";
import { waitUntil } from "../support/wait-until.ts";

t.test("no process is left when the launcher is killed, and the next start waits for that", async (t) => {
  const place = await findPlace(t, 2);
  const cluster = await launch(t, place);
  process.kill(cluster.pids["launcher"]!, "SIGKILL");
  const next = startLauncher(t, place);
  await waitUntil("no process is left", () => !Object.values(cluster.pids).some(isAlive), {
    timeoutMs: 15_000,
  });
  await waitUntil("the next cluster runs", () => next.output().includes("Stop: Ctrl-C"), {
    timeoutMs: 90_000,
  });
  await next.stop();
});

t.test("no process is left when the command itself is killed", async (t) => {
  const place = await findPlace(t, 1);
  const cluster = await launch(t, place);
  await cluster.kill();
  await waitUntil("no process is left", () => cluster.gone(), { timeoutMs: 15_000 });
});

t.test("no process is left when npm gets SIGTERM or SIGKILL", async (t) => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const place = await findPlace(t, 1);
    const cluster = await launch(t, place, { command: ["npm", "start"], env: { ORDERLY_PARENT: "" } });
    cluster.send(signal);
    await waitUntil(`no process is left after ${signal}`, () => cluster.gone(), { timeoutMs: 15_000 });
  }
});

t.test("no process is left when the process that holds its standard input is gone", async (t) => {
  const place = await findPlace(t, 1);
  const cluster = await launch(t, place);
  cluster.closeStdin();
  t.equal((await cluster.ended).code, 0);
  t.ok(await cluster.gone());
});

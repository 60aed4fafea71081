/** The load generator as a benchmark uses it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Lifetime } from "../../test/support/cluster/lifetime.ts";
import { cleanEnvironment } from "../../test/support/cluster/processes.ts";
import type { LoadPlan, Phase, PhaseRequest } from "./load-plan.ts";

const generator = fileURLToPath(new URL("generator.ts", import.meta.url));

/** A running load generator. */
export type LoadGenerator = {
  readonly pid: number;
  /** Runs a phase, one at a time. @throws Error when the generator has ended, most likely after a lost connection */
  run(durationMs: number): Promise<Phase>;
};

/** Starts it; connections are made, no order is placed yet. */
export async function startGenerator(life: Lifetime, plan: LoadPlan): Promise<LoadGenerator> {
  const child = fork(generator, [], {
    env: cleanEnvironment(),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  ended.catch(() => {});
  life.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await ended;
  });
  await once(child, "spawn");
  child.send(plan);
  return {
    pid: child.pid ?? 0,
    async run(durationMs) {
      const request: PhaseRequest = { durationMs };
      const answer = once(child, "message");
      child.send(request);
      const gone = ended.then(() => {
        throw new Error("the load generator ended");
      });
      const [phase] = (await Promise.race([answer, gone])) as [Phase];
      return phase;
    },
  };
}

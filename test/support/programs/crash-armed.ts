/**
 * A failpoint that kills the real process, armed from outside: the file `<home>/crash-at` contains for example
 * `relay.append before 3`. The process reads it at its start and again at SIGUSR2; the workers' threads are notified on
 * a channel. The process removes the file when it reaches the failpoint.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { type Failpoints, failpointNames } from "../../../src/runtime/failpoints.ts";

export const CRASH_FILE = "crash-at";

/** @param home the node's folder */
export function armedCrash(home: string): Failpoints {
  const file = join(home, CRASH_FILE);
  let wanted = "";
  let left = 0;
  const arm = (): void => {
    const [point = "", when = "", hit = "1"] = existsSync(file) ? readFileSync(file, "utf8").split(" ") : [];
    if (point !== "" && !failpointNames.some((known) => known === point))
      throw new Error(`there is no failpoint ${point}`);
    wanted = `${point} ${when}`;
    left = Number(hit);
  };
  arm();
  const channel = new BroadcastChannel("crash-armed");
  channel.unref();
  if (isMainThread)
    process.on("SIGUSR2", () => {
      arm();
      channel.postMessage("arm");
    });
  else channel.addEventListener("message", arm);
  return (point, when) => {
    if (`${point} ${when}` !== wanted || --left !== 0) return;
    rmSync(file, { force: true });
    // The process is gone before the call returns.
    process.kill(process.pid, "SIGKILL");
  };
}

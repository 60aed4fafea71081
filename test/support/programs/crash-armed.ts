/**
 * A crash point that ends the real process, armed from outside: `<home>/crash-at` says `relay.append before 3`. Read
 * when the process starts, and again at SIGUSR2; the threads of the workers hear of it on a channel. The file is gone
 * when the process got there.
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
      throw new Error(`no point ${point}`);
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

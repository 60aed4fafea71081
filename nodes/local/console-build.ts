/** Builds the console before the nodes start, when its sources have changed. A cluster starts without one as well. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const BUILD = fileURLToPath(new URL("../../console/build/run.ts", import.meta.url));

/**
 * Resolves when the console is built, or when it cannot be; `report` gets the lines that say so. About 0.1 s when
 * nothing has changed. An aborted build leaves the former one as it was.
 */
export async function buildConsole({
  signal,
  report,
}: {
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
}): Promise<void> {
  const child = spawn(process.execPath, [BUILD, "--if-possible"], {
    stdio: ["ignore", "pipe", "pipe"],
    signal,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const failure = await new Promise<Error | undefined>((resolve) => {
    child.once("error", resolve);
    child.once("close", () => resolve(undefined));
  });
  for (const line of output.split("\n")) if (line !== "") report(line);
  if (failure !== undefined && !signal.aborted) report(`the console is not built: ${failure.message}`);
}

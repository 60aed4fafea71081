/** Process: prints the path of a nats-server to standard output, and its progress to standard error. */
import { locateNatsServer } from "./nats-binary.ts";

try {
  const found = await locateNatsServer({ report: (line) => process.stderr.write(`${line}\n`) });
  process.stderr.write(`nats-server ${found.version} (${found.source})\n`);
  process.stdout.write(`${found.path}\n`);
} catch (error) {
  process.stderr.write(`orderly: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

/** nats-server built by Go, if Go is installed. Go's checksum database verifies the sources. */
import { join } from "node:path";
import { goModule, type NatsSource } from "./nats-sources.ts";
import { runCommand } from "./run-command.ts";

/** Compiling takes a minute or two on a small machine. */
const BUILD_TIMEOUT_MS = 300_000;

/** Needs Go and its module proxy. */
export const fromGo: NatsSource = {
  name: `go install ${goModule}`,
  async fetch(folder) {
    await runCommand("go", ["install", goModule], {
      timeoutMs: BUILD_TIMEOUT_MS,
      env: { GOBIN: folder, CGO_ENABLED: "0" },
    });
    return join(folder, "nats-server");
  },
};

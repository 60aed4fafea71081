/**
 * nats-server from Debian's forky suite, also on an older Debian. All folders are its own: the system's apt
 * configuration is read, never written, and no privilege is needed. apt checks the signatures.
 */
import { access, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NatsSource } from "./nats-sources.ts";
import { runCommand } from "./run-command.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const STEP_TIMEOUT_MS = 90_000;

/** Needs apt, a Debian keyring and a mirror. */
export const fromDebian: NatsSource = {
  name: "Debian forky",
  async fetch(folder, platform) {
    if (!platform.startsWith("linux-")) throw new Error("this is not Debian");
    await access(KEYRING).catch(() => {
      throw new Error("this is not Debian");
    });
    const mirror = await mainMirror();
    const list = join(folder, "forky.list");
    await writeFile(list, `deb [signed-by=${KEYRING}] ${mirror} forky main\n`);
    await mkdir(join(folder, "lists", "partial"), { recursive: true });
    await mkdir(join(folder, "cache", "archives", "partial"), { recursive: true });
    const apt = (...args: string[]) =>
      runCommand("apt-get", [...ownFolders(folder, list), ...args], {
        timeoutMs: STEP_TIMEOUT_MS,
        cwd: folder,
      });
    await apt("update");
    await apt("download", "nats-server");
    const name = (await readdir(folder)).find((entry) => entry.endsWith(".deb"));
    if (name === undefined) throw new Error("apt-get left no package");
    const unpacked = join(folder, "unpacked");
    await runCommand("dpkg-deb", ["-x", join(folder, name), unpacked], { timeoutMs: STEP_TIMEOUT_MS });
    return join(unpacked, "usr", "sbin", "nats-server");
  },
};

/** The mirror of this machine's apt: the first target is the main one, not the security one. */
async function mainMirror(): Promise<string> {
  const targets = await runCommand(
    "apt-get",
    ["indextargets", "--format", "$(REPO_URI)|$(LABEL)|$(ORIGIN)", "Created-By: Packages"],
    { timeoutMs: STEP_TIMEOUT_MS },
  );
  const lines = targets.split("\n").map((line) => line.split("|"));
  const debian = lines.find(([, label, origin]) => label === "Debian" && origin === "Debian");
  const mirror = debian?.[0] ?? lines[0]?.[0];
  if (mirror === undefined || mirror === "") throw new Error("apt has no mirror configured");
  return mirror;
}

function ownFolders(folder: string, list: string): string[] {
  return [
    `Dir::Etc::sourcelist=${list}`,
    "Dir::Etc::sourceparts=/dev/null",
    `Dir::State::Lists=${join(folder, "lists")}`,
    `Dir::Cache=${join(folder, "cache")}`,
    "Acquire::Languages=none",
    "Acquire::http::Timeout=10",
    "Acquire::Retries=1",
    // apt's sandbox user could not write to these folders.
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
}

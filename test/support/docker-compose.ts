/** The real Docker Compose, where this machine has one; no daemon is needed to read a file. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { cleanEnvironment } from "./processes.ts";

const TIMEOUT_MS = 60_000;
const root = fileURLToPath(new URL("../../", import.meta.url));
/** The plugin of today, and the program of its own that Debian has. */
const commands = [["docker", "compose"], ["docker-compose"]] as const;

/**
 * Runs a command on the project's docker-compose.yml: what it printed, standard error included.
 * @throws Error when it fails
 */
export type DockerCompose = (...args: readonly string[]) => string;

/** `undefined` where there is none. */
export function dockerCompose(): DockerCompose | undefined {
  const found = commands.find(([program, ...args]) => run(program, [...args, "version"]).status === 0);
  if (found === undefined) return undefined;
  const [program, ...first] = found;
  return (...args) => {
    const { status, stdout, stderr } = run(program, [...first, "--file", "docker-compose.yml", ...args]);
    if (status !== 0)
      throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stdout}${stderr}`);
    return stdout + stderr;
  };
}

function run(program: string, args: readonly string[]) {
  // What is set here for Orderly would show up in the file.
  const env = cleanEnvironment() as NodeJS.ProcessEnv;
  return spawnSync(program, [...args], { cwd: root, env, encoding: "utf8", timeout: TIMEOUT_MS });
}

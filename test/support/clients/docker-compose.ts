/** The real Docker Compose, where this machine has one of version 2 or newer; no daemon is needed to read a file. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { cleanEnvironment } from "../cluster/processes.ts";

const TIMEOUT_MS = 60_000;
const root = fileURLToPath(new URL("../../..", import.meta.url));
/** The plugin, and the same as a program of its own. The first version, in Python, does not know `name`. */
const commands = [["docker", "compose"], ["docker-compose"]] as const;

/**
 * Runs a command on the project's docker-compose.yml and returns its output, standard error included.
 * @throws Error when it fails
 */
export type DockerCompose = (...args: readonly string[]) => string;

const TOO_OLD = /^v?1\./u;

/** `undefined` where there is none, or only an older one. */
export function dockerCompose(): DockerCompose | undefined {
  const found = commands.find(([program, ...args]) => {
    const { status, stdout } = run(program, [...args, "version", "--short"]);
    return status === 0 && !TOO_OLD.test(stdout);
  });
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
  // Orderly's settings in this environment would appear in the file.
  const env = cleanEnvironment() as NodeJS.ProcessEnv;
  return spawnSync(program, [...args], { cwd: root, env, encoding: "utf8", timeout: TIMEOUT_MS });
}

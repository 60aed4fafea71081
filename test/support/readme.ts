/**
 * README.md as its reader uses it: the text under a heading, with the ports and the folder of the test's own cluster.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Place } from "./cluster/local-cluster.ts";
import { cleanEnvironment } from "./cluster/processes.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const RUN_TIMEOUT_MS = 60_000;
/** As README.md has them. */
const FIRST_PORT = 3000;
const PORTS_ABOVE = 1000;
const NATS_PORT = 4222;

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** The text under a heading, up to the next one; for "" all before the first heading. @throws without such a heading */
export function section(heading: string): string {
  const parts = README.split(/^#{2,3} /mu);
  const found = heading === "" ? parts[0] : parts.find((part) => part.startsWith(`${heading}\n`));
  if (found === undefined) throw new Error(`README.md has no "${heading}"`);
  return found;
}

/** The blocks of a language, without their fences; "" for blocks that name none. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gmu)].flatMap(([, named, body = ""]) =>
    named === language ? [body] : [],
  );
}

/** The commands of a block of shell, without comments; one that quotes over several lines is one. */
export function commands(block: string): string[] {
  const found: string[] = [];
  let open = "";
  for (const line of block.split("\n")) {
    const text = open === "" ? line.replace(/\s+#.*$|^#.*$/u, "") : `${open}\n${line}`;
    const quotes = text.split("'").length - 1;
    open = quotes % 2 === 1 ? text : "";
    if (open === "" && text.trim() !== "") found.push(text);
  }
  if (open !== "") throw new Error(`a quote is not closed: ${open}`);
  return found;
}

/** The same text for a cluster elsewhere: its ports and its folder. */
export function at({ port, natsPort, home }: Place, text: string): string {
  return text
    .replaceAll(/(127\.0\.0\.1:)(\d+)/gu, (_, host: string, digits: string) => {
      const written = Number(digits);
      const isOurs = written >= FIRST_PORT && written < FIRST_PORT + PORTS_ABOVE;
      return `${host}${isOurs ? port + written - FIRST_PORT : natsPort + written - NATS_PORT}`;
    })
    .replaceAll(".orderly/", `${home}/`);
}

/** Runs shell in the project's folder. @param env settings, for commands that README.md gives without addresses */
export function shell(text: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      "bash",
      ["-c", text],
      { cwd: root, env: { ...cleanEnvironment(), ...env }, timeout: RUN_TIMEOUT_MS },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}

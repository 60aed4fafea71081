/** Which sources a build is of: a build with the hash of today's sources need not be made again. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DIST, ROOT } from "./paths.ts";

/** Everything that decides what is built. The schemas of the API are types only and decide nothing. */
const SOURCES = [
  "console/index.html",
  "console/{src,build}/**/*.*",
  "machines/*.{ts,json}",
  "package-lock.json",
  // The machines as charts, with the hashes that nodes answer.
  "src/runtime/actor/{chart,edges,fingerprint,machine}.ts",
  "src/services/machines/order-machines.ts",
  "src/services/orders/{definition,order-id,payment-migrations}.ts",
];

/** Hash of the sources as they are now: names and contents. */
export function hashOfSources(root: string = ROOT): string {
  const hash = createHash("sha256");
  const paths = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: root })).toSorted();
  for (const path of paths)
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update("\0");
  return hash.digest("hex");
}

/** Hash of the sources that the present build is of; `undefined` without a build. */
export function hashOfBuild(dist: string = DIST): string | undefined {
  try {
    return readFileSync(join(dist, ".hash"), "utf8").trim();
  } catch {
    return undefined;
  }
}

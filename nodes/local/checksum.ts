/** Checks a download before any part of it runs. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";

/** Compares a file with its sha256 (lower-case hex). @throws Error when they differ */
export async function assertChecksum(path: string, sha256: string): Promise<void> {
  const found = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  if (found !== sha256) throw new Error(`${basename(path)} has sha256 ${found}, expected ${sha256}`);
}

/** Checks what was downloaded before anything of it runs. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";

/** @throws Error when the file's sha256 (lower-case hex) is another one */
export async function assertChecksum(path: string, sha256: string): Promise<void> {
  const found = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  if (found !== sha256) throw new Error(`${basename(path)} has sha256 ${found}, expected ${sha256}`);
}

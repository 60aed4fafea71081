/** The console as it was built: its page, with what the node says about itself. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the page shows about the node that serves it. */
export type ConsoleFacts = {
  readonly version: string;
  readonly environment: "development" | "production";
};

/** The page that every address of the console answers with. */
export type ConsolePage = {
  readonly html: string;
  /** Entity tag, with its quotes. */
  readonly etag: string;
};

const FACTS = '<meta name="orderly" content="{}"';

/**
 * Reads the page of a build.
 * @returns undefined where there is no build
 * @throws Error when the page has no place for the facts (programmer fault)
 */
export function readConsolePage(folder: string, facts: ConsoleFacts): ConsolePage | undefined {
  const built = readIfThere(join(folder, "index.html"));
  if (built === undefined) return undefined;
  if (!built.includes(FACTS)) throw new Error(`the console in ${folder} has no place for the node's facts`);
  const content = JSON.stringify(facts).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  // A function: in a text, `$` would have a meaning of its own.
  const html = built.replace(FACTS, () => `<meta name="orderly" content="${content}"`);
  return { html, etag: `"${createHash("sha256").update(html).digest("base64url").slice(0, 22)}"` };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

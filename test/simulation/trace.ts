/** What happened in a run, line by line: the newest lines for a reader, and a digest of all of them. */
import { createHash } from "node:crypto";

/** Lines that are kept for a reader. */
const KEPT = 400;
const HASHED_AT_ONCE = 64 * 1024;

/** See the top of the file. */
export class Trace {
  private readonly now: () => number;
  private readonly kept: number;
  private readonly hash = createHash("sha256");
  private unhashed = "";
  private readonly ring: string[] = [];
  private count = 0;

  /** @param now ms of virtual time. @param kept number of the newest lines that are kept */
  constructor(now: () => number, kept = KEPT) {
    this.now = now;
    this.kept = kept;
  }

  /** Adds a line. @param hidden belongs to the digest and not to the line */
  say(who: string, what: string, hidden = ""): void {
    const line = `${String(this.now()).padStart(7)} ${who.padEnd(10)} ${what}`;
    this.ring[this.count++ % this.kept] = line;
    this.unhashed += `${line}\n${hidden}\n`;
    if (this.unhashed.length < HASHED_AT_ONCE) return;
    this.hash.update(this.unhashed);
    this.unhashed = "";
  }

  /** The newest lines, oldest first. */
  lines(): string[] {
    const at = this.count % this.kept;
    return this.count <= this.kept ? [...this.ring] : [...this.ring.slice(at), ...this.ring.slice(0, at)];
  }

  /** Of everything that was said: equal for equal runs. Called once, at the end. */
  digest(): string {
    return this.hash.update(this.unhashed).digest("hex").slice(0, 16);
  }
}

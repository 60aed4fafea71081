/** The file of a simulator. */
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const CHUNK_BYTES = 1024 * 1024;

/**
 * A simulator's memory on disk: one JSON line per event, appended and never changed. A line is in the file before its
 * client is answered. It survives the end of the process. A power failure may lose the newest lines, which is good
 * enough for a simulator.
 */
export class LineFile<Line> {
  private readonly file: number;
  private bytes = 0;

  /**
   * Opens the file, making it and its folder if they are absent, and calls `onLine` for every stored line in order.
   * A last line without an end (the process ended while it wrote) is removed: its client was not answered.
   * @param what the file is, for people
   * @throws Error when another line is not JSON: an operator has changed the file
   */
  constructor(path: string, what: string, onLine: (line: Line) => void) {
    mkdirSync(dirname(path), { recursive: true });
    this.file = openSync(path, existsSync(path) ? "r+" : "w+");
    this.bytes = readLines(this.file, (line, number) =>
      onLine(parse(line, `${path}:${number}`, what) as Line),
    );
    ftruncateSync(this.file, this.bytes);
  }

  /** One write for all lines. @throws the system's error (disk full ...); the file is then as it was before */
  append(lines: readonly Line[]): void {
    const line = Buffer.from(lines.map((one) => `${JSON.stringify(one)}\n`).join(""));
    try {
      let written = 0;
      while (written < line.length) {
        written += writeSync(this.file, line, written, line.length - written, this.bytes + written);
      }
    } catch (error) {
      ftruncateSync(this.file, this.bytes);
      throw error;
    }
    this.bytes += line.length;
  }

  close(): void {
    closeSync(this.file);
  }
}

/** Calls `onLine` with every complete line; returns the number of bytes that they take. */
function readLines(file: number, onLine: (line: string, number: number) => void): number {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  let position = 0;
  let number = 0;
  for (;;) {
    const read = readSync(file, chunk, 0, CHUNK_BYTES, position);
    if (read === 0) return position - rest.length;
    position += read;
    const data = Buffer.concat([rest, chunk.subarray(0, read)]);
    let start = 0;
    for (let end = data.indexOf(10); end !== -1; end = data.indexOf(10, start)) {
      onLine(data.toString("utf8", start, end), ++number);
      start = end + 1;
    }
    rest = data.subarray(start);
  }
}

function parse(line: string, place: string, what: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new Error(`${place} is not a line of ${what}; move the file away to start afresh`, { cause });
  }
}

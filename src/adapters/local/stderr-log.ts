/** A log for programs that bring none: one line of JSON on standard error for each warning and error. */
import type { Log } from "../../runtime/ports.ts";

/** A log whose warnings and errors are lines on standard error. @param fields part of every line */
export function stderrLog(fields: object = {}): Log {
  const write = (level: "warn" | "error", more: object, message: string): void => {
    const entries = Object.entries({ ...fields, ...more }).map(([name, value]) => [name, plain(value)]);
    const line = { time: new Date().toISOString(), level, ...Object.fromEntries(entries), message };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
  return {
    debug: () => {},
    info: () => {},
    warn: (more, message) => write("warn", more, message),
    error: (more, message) => write("error", more, message),
    child: (more) => stderrLog({ ...fields, ...more }),
  };
}

/** Errors have no fields of their own in JSON. */
const plain = (value: unknown): unknown =>
  value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;

/** A log that writes nothing. */
import type { Log } from "../../../src/runtime/ports.ts";

/** Drops every line. */
export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quietLog,
};

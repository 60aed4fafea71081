/** Writes transactions of two rows to the outbox at argv[2], argv[3] times, and prints a line after each. */
import { writeSync } from "node:fs";
import { sqliteOutbox } from "../../../src/adapters/local/sqlite-outbox.ts";

const outbox = sqliteOutbox({ path: process.argv[2]! });
for (let n = 0; n < Number(process.argv[3]); n++) {
  outbox.write(
    [2 * n, 2 * n + 1].map((k) => ({
      commit: `c-${k}`,
      locks: [],
      messages: [{ subject: "orders.journal.1.a", payload: "{}" }],
    })),
  );
  writeSync(1, `written ${n + 1}\n`);
}
outbox.close();

/** The outbox: which rows it keeps, in which order, and that a transaction is all or nothing. */
import { join } from "node:path";
import t, { type Test } from "tap";
import { memoryOutbox } from "../../src/adapters/memory/outbox.ts";
import { sqliteOutbox } from "../../src/adapters/local/sqlite-outbox.ts";
import type { Outbox, OutboxRow } from "../../src/runtime/ports.ts";

type Opened = { readonly outbox: Outbox; readonly reopen: () => Outbox };

const kinds: Readonly<Record<string, (t: Test) => Opened>> = {
  memory: () => {
    const outbox = memoryOutbox();
    return { outbox, reopen: () => outbox };
  },
  SQLite: (t) => {
    const path = join(t.testdir(), "outbox.db");
    let open = sqliteOutbox({ path });
    t.teardown(() => open.close());
    return {
      outbox: open,
      reopen: () => {
        open.close();
        return (open = sqliteOutbox({ path }));
      },
    };
  },
};

const row = (commit: string): OutboxRow => ({
  commit,
  messages: [
    { subject: `orders.journal.1.${commit}`, payload: '{"größe":"✓"}' },
    { subject: "orders.timers.1.a.b.c.1", payload: "" },
  ],
});

for (const [kind, open] of Object.entries(kinds)) {
  await t.test(kind, async (t) => {
    await t.test("rows are left over in the order in which they were written", async (t) => {
      const { outbox, reopen } = open(t);
      outbox.write([row("c"), row("a")]);
      outbox.write([row("b")]);
      t.equal(outbox.depth(), 3);
      const again = reopen();
      t.strictSame(again.leftover(), ["c", "a", "b"]);
      t.equal(again.depth(), 3);
    });

    await t.test("rows are removed in any order, and unknown commits are no fault", async (t) => {
      const { outbox, reopen } = open(t);
      outbox.write(["a", "b", "c", "d", "e", "f"].map(row));
      outbox.remove(["f", "a", "c", "unknown", "b"]);
      t.equal(outbox.depth(), 2);
      t.strictSame(reopen().leftover(), ["d", "e"]);
    });

    await t.test("the rows of an earlier run are removed like all others", async (t) => {
      const { outbox, reopen } = open(t);
      outbox.write([row("a"), row("b")]);
      const again = reopen();
      again.write([row("c")]);
      again.remove(["a", "c"]);
      t.strictSame(again.leftover(), ["b"]);
    });

    await t.test("a write that fails leaves no row", async (t) => {
      const { outbox, reopen } = open(t);
      outbox.write([row("a")]);
      t.throws(() => outbox.write([row("b"), row("a")]));
      t.throws(() => outbox.write([row("b"), row("b")]));
      t.equal(outbox.depth(), 1);
      t.strictSame(reopen().leftover(), ["a"]);
    });

    await t.test("an empty write and an empty removal are no fault", async (t) => {
      const { outbox } = open(t);
      outbox.write([]);
      outbox.remove([]);
      t.strictSame(outbox.leftover(), []);
      t.equal(outbox.depth(), 0);
    });
  });
}

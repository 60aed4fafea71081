/** The outbox: what it keeps, in what order, and that a transaction is all or nothing. */
import { join } from "node:path";
import t from "tap";
import type { Test } from "tap";
import { memoryOutbox } from "../../src/adapters/outbox.memory.ts";
import { sqliteOutbox } from "../../src/adapters/outbox.sqlite.ts";
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

const row = (commit: string, actor?: string, version = 1): OutboxRow => ({
  commit,
  locks: [{ subject: "$KV.ORDERS.partition.1", epoch: 7 }],
  messages: [
    {
      subject: `orders.journal.1.${commit}`,
      payload: '{"größe":"✓"}',
      headers: { "Orderly-Commit": commit },
      fence: { subject: `orders.journal.1.${commit}`, sequence: 3 },
    },
    { subject: "orders.timers.1.a.b.c.1", payload: "", schedule: { at: 5, target: "orders.inbox.1.a" } },
  ],
  ...(actor === undefined ? {} : { snapshot: { actor, version, record: `record ${version}` } }),
});

for (const [kind, open] of Object.entries(kinds)) {
  await t.test(kind, async (t) => {
    await t.test("rows are left over as they were written, in order", async (t) => {
      const { outbox, reopen } = open(t);
      outbox.write([row("c"), row("a", "order-1")]);
      outbox.write([row("b", "order-1", 2)]);
      t.equal(outbox.depth(), 3);
      const again = reopen();
      t.strictSame(again.leftover(), [row("c"), row("a", "order-1"), row("b", "order-1", 2)]);
      t.equal(again.depth(), 3);
    });

    await t.test("settled rows are gone, unknown commits are no fault", async (t) => {
      const { outbox, reopen } = open(t);
      outbox.write([row("a", "order-1"), row("b"), row("c")]);
      outbox.settle(["a", "c", "unknown"], ["order-1", "order-2"]);
      t.equal(outbox.depth(), 1);
      t.strictSame(reopen().leftover(), [row("b")]);
    });

    await t.test("a write that fails leaves nothing behind", async (t) => {
      const { outbox, reopen } = open(t);
      outbox.write([row("a")]);
      t.throws(() => outbox.write([row("b"), row("a")]));
      t.equal(outbox.depth(), 1);
      t.strictSame(reopen().leftover(), [row("a")]);
    });

    await t.test("nothing written, nothing settled: no fault", async (t) => {
      const { outbox } = open(t);
      outbox.write([]);
      outbox.settle([], []);
      t.strictSame(outbox.leftover(), []);
      t.equal(outbox.depth(), 0);
    });
  });
}

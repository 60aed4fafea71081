/** Planted bugs of the outbox writer, and of the relays of several streams. */
import type { Mutant } from "./mutant.ts";

const WRITER = "src/runtime/commit/outbox-writer.ts";
const RELAYS = "src/runtime/commit/relays.ts";
const WRITER_TEST = "test/unit/runtime/commit/outbox-writer.test.ts";
const RELAYS_TEST = "test/unit/runtime/commit/relays.test.ts";

export const outboxMutants: readonly Mutant[] = [
  {
    id: "outbox-written-while-refusing",
    does: "Rows are written while the store refuses, before what could not be deleted is deleted.",
    file: WRITER,
    find: `if (this.refusing) return false;
`,
    replace: "",
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-refused-write-is-accepted",
    does: "A refused write counts as written.",
    file: WRITER,
    find: `this.refused(error, rows.length);
      return false;`,
    replace: `this.refused(error, rows.length);
      return true;`,
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-refusal-not-remembered",
    does: "The store is asked again with every new write set while it refuses.",
    file: WRITER,
    find: `this.refused(error, rows.length);
      return false;`,
    replace: "return false;",
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-deletion-forgotten",
    does: "A deletion that is asked for while the store refuses is never made.",
    file: WRITER,
    find: `this.rows.push(...commits);
    if (this.refusing) return;`,
    replace: `if (this.refusing) return;
    this.rows.push(...commits);`,
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-refused-deletion-forgotten",
    does: "A deletion that the store refused is not repeated.",
    file: WRITER,
    find: `this.outbox.remove(this.rows);
    this.rows = [];`,
    replace: `const rows = this.rows;
    this.rows = [];
    this.outbox.remove(rows);`,
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-deletions-repeated",
    does: "Rows are deleted again with every later deletion.",
    file: WRITER,
    find: `    this.rows = [];
  }`,
    replace: "  }",
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-deletion-refused-silently",
    does: "A refused deletion is not noticed until the next write.",
    file: WRITER,
    find: "this.refused(error, commits.length);",
    replace: 'this.log.debug({ err: error }, "not deleted");',
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-one-probe",
    does: "A store that refuses one probe is never probed again.",
    file: WRITER,
    find: `        this.probeLater();
        return;`,
    replace: "        return;",
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-probe-after-stop",
    does: "A stopped writer goes on probing.",
    file: WRITER,
    find: `      if (this.stopped) return;
`,
    replace: `      if (this.stopped && !this.refusing) return;
`,
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-small-probe",
    does: "A few free bytes pass for room.",
    file: WRITER,
    find: '"x".repeat(PROBE_BYTES)',
    replace: '"x".repeat(PROBE_BYTES / 1024)',
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-probe-left",
    does: "The probe stays in the outbox.",
    file: WRITER,
    find: `        this.rows.push(PROBE);
`,
    replace: "",
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-probe-kept-as-a-row",
    does: "A probe whose deletion failed is not deleted by the next one.",
    file: WRITER,
    find: `        this.rows.push(PROBE);
        this.clear();`,
    replace: "        this.outbox.remove([PROBE]);",
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-probe-before-deletions",
    does: "A probe is written before what could not be deleted is deleted.",
    file: WRITER,
    find: `        this.clear();
        this.outbox.write([probeRow()]);`,
    replace: "        this.outbox.write([probeRow()]);",
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-first-relay-notified",
    does: "Only the first relay is notified when the store accepts writes again.",
    file: WRITER,
    find: "for (const listener of this.listeners) listener();",
    replace: "this.listeners[0]?.();",
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-notified-too-early",
    does: "The relays are notified while the store still counts as refusing.",
    file: WRITER,
    find: `      this.refusing = false;
      this.log.info({}, "local store accepts writes again");
      for (const listener of this.listeners) listener();`,
    replace: `      for (const listener of this.listeners) listener();
      this.refusing = false;
      this.log.info({}, "local store accepts writes again");`,
    tests: [WRITER_TEST],
  },
  {
    id: "outbox-write-sets-of-two-streams",
    does: "A write set with locks in two streams goes to the first of them.",
    file: RELAYS,
    find: "if (streams.size !== 1 || !relay) {",
    replace: "if (!relay) {",
    tests: [RELAYS_TEST],
  },
  {
    id: "outbox-every-stream-to-the-first",
    does: "All write sets go to the first stream.",
    file: RELAYS,
    find: "stream === undefined ? undefined : this.all[stream]",
    replace: "stream === undefined ? undefined : this.all[0]",
    tests: [RELAYS_TEST],
  },
  {
    id: "outbox-writer-per-stream",
    does: "Each stream has its own writer, so that a refusal to one does not count for the node.",
    file: RELAYS,
    find: "onStored, journal, store }));",
    replace: "onStored, journal, store: new OutboxWriter(options) }));",
    tests: [RELAYS_TEST],
  },
  {
    id: "outbox-age-of-the-youngest-stream",
    does: "The age of the oldest write set is that of the stream which is best off.",
    file: RELAYS,
    find: "Math.max(...states",
    replace: "Math.min(...states",
    tests: [RELAYS_TEST],
  },
  {
    id: "outbox-one-stream-answers",
    does: "One stream that answers hides another that does not.",
    file: RELAYS,
    find: "states.every(({ answered }) => answered)",
    replace: "states.some(({ answered }) => answered)",
    tests: [RELAYS_TEST],
  },
  {
    id: "outbox-room-of-the-first-stream",
    does: "That a further stream has no room is not reported.",
    file: RELAYS,
    find: "states.find(({ noRoom }) => noRoom !== undefined)?.noRoom",
    replace: "states[0]?.noRoom",
    tests: [RELAYS_TEST],
  },
  {
    id: "outbox-first-stream-stopped",
    does: "Only the first relay is stopped.",
    file: RELAYS,
    find: "for (const relay of this.all) relay.stop();",
    replace: "this.all[0]?.stop();",
    tests: [RELAYS_TEST],
  },
  {
    id: "outbox-probes-after-stop",
    does: "The store is probed after the relays were stopped.",
    file: RELAYS,
    find: `    this.store.stop();
`,
    replace: "",
    tests: [RELAYS_TEST],
  },
  {
    id: "outbox-depth-of-the-first-stream",
    does: "The depth counts the first stream only.",
    file: RELAYS,
    find: "depth: sum(({ depth }) => depth),",
    replace: "depth: states[0]?.depth ?? 0,",
    tests: [RELAYS_TEST],
  },
];

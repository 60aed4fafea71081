import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { memoryOutbox } from "../../../../src/adapters/memory/outbox.ts";
import { OutboxWriter } from "../../../../src/runtime/commit/outbox-writer.ts";
import type { Outbox, OutboxRow } from "../../../../src/runtime/ports.ts";
import { relayStage, silent } from "./relay-stage.ts";

const row = (commit: string): OutboxRow => ({ commit, messages: [] });

function stage() {
  const clock = new VirtualClock();
  const outbox = memoryOutbox();
  let writes = 0;
  const counted: Outbox = {
    ...outbox,
    write: (rows) => {
      writes++;
      outbox.write(rows);
    },
  };
  const store = new OutboxWriter({ outbox: counted, clock, log: silent });
  let writable = 0;
  store.onWritable(() => writable++);
  const commits = () => outbox.leftover();
  return { clock, outbox, store, commits, writes: () => writes, writable: () => writable };
}

t.test("a store that refuses is probed until it accepts writes, without a request", async (t) => {
  const { clock, outbox, store, commits, writes, writable } = stage();
  t.equal(store.write([row("a")]), true);
  outbox.failWith("disk full");
  t.equal(store.write([row("b"), row("c")]), false);
  for (let n = 0; n < 100; n++) t.equal(store.write([row(`d${n}`)]), false);
  t.equal(writes(), 2, "while it refuses, nothing is written to it");
  await clock.advance(5000);
  t.equal(store.isRefusing(), true);
  t.same([commits(), writable()], [["a"], 0]);
  outbox.failWith(undefined);
  await clock.advance(600);
  t.equal(store.isRefusing(), false);
  t.same([commits(), writable()], [["a"], 1], "and the probe has left nothing");
  t.equal(store.write([row("b")]), true);
});

t.test("the log counts the refused write sets in the field `units`", async (t) => {
  const { clock, outbox } = stage();
  const logged: object[] = [];
  const log = { ...silent, error: (fields: object) => void logged.push(fields) };
  const store = new OutboxWriter({ outbox, clock, log });
  outbox.failWith("disk full");
  store.write([row("a"), row("b")]);
  t.match(logged, [{ units: 2 }]);
});

t.test("rows whose deletion was refused are deleted as soon as the store accepts it", async (t) => {
  const { clock, outbox, store, commits } = stage();
  store.write([row("a"), row("b")]);
  outbox.failWith("disk full");
  store.forget(["a"]);
  t.equal(store.isRefusing(), true);
  store.forget(["b"]);
  t.same(commits(), ["a", "b"]);
  outbox.failWith(undefined);
  await clock.advance(600);
  t.same(commits(), []);
});

t.test("a stopped store is not probed any more", async (t) => {
  const { clock, outbox, store } = stage();
  outbox.failWith("disk full");
  store.write([row("a")]);
  store.stop();
  outbox.failWith(undefined);
  await clock.advance(2000);
  t.equal(store.isRefusing(), true);
});

t.test(
  "a write set submitted while the store refuses waits, and is stored when it accepts writes",
  async (t) => {
    const stage = relayStage();
    const locks = [stage.lock("partition.0")];
    stage.outbox.failWith("disk full");
    stage.submit({ commit: "a1", actor: "a", sequence: 0, locks });
    await stage.clock.advance(10);
    t.equal(stage.status("a1"), "store_unavailable", "the first one refused is resolved");
    stage.submit({ commit: "b1", actor: "b", sequence: 0, locks });
    await stage.clock.advance(3000);
    t.equal(stage.status("b1"), "unresolved");
    stage.outbox.failWith(undefined);
    await stage.clock.advance(1000);
    t.equal(stage.status("b1"), "stored");
  },
);

t.test("a server without room is reported as such, and its batch is neither split nor dropped", async (t) => {
  const stage = relayStage();
  const locks = [stage.lock("partition.0")];
  let full = true;
  stage.refusals.push(() =>
    full ? { status: "unanswered", reason: "insufficient resources (10023)", noRoom: true } : undefined,
  );
  for (const actor of ["a", "b"]) stage.submit({ commit: `${actor}1`, actor, sequence: 0, locks });
  await stage.clock.advance(5000);
  t.equal(stage.relay.state().noRoom, "insufficient resources (10023)");
  t.same(["a1", "b1"].map(stage.status), ["unresolved", "unresolved"]);
  full = false;
  await stage.clock.advance(1000);
  t.same(["a1", "b1"].map(stage.status), ["stored", "stored"]);
  t.equal(stage.relay.state().noRoom, undefined);
});

import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { memoryOutbox } from "../../../../src/adapters/memory/outbox.ts";
import { OutboxWriter } from "../../../../src/runtime/commit/outbox-writer.ts";
import { type Outbox, type OutboxRow, StoreUnavailable } from "../../../../src/runtime/ports.ts";
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

/** An outbox that refuses single calls, and says what it was asked for. */
function recorded(refuse: (call: string, number: number) => boolean) {
  const clock = new VirtualClock();
  const outbox = memoryOutbox();
  const calls: string[] = [];
  const asked = (call: string): void => {
    calls.push(call);
    if (refuse(call, calls.length)) throw new StoreUnavailable("database or disk is full");
  };
  const rows: OutboxRow[] = [];
  const watched: Outbox = {
    ...outbox,
    write: (added) => {
      asked(`write ${added.map(({ commit }) => commit).join(" ")}`);
      rows.push(...added);
      outbox.write(added);
    },
    remove: (commits) => {
      asked(`remove ${commits.join(" ")}`.trim());
      outbox.remove(commits);
    },
  };
  const store = new OutboxWriter({ outbox: watched, clock, log: silent });
  return { clock, outbox, store, calls, rows };
}

t.test("the store is asked twice a second while it refuses, and by nothing else", async (t) => {
  const { clock, store, calls } = recorded((call) => call === "write a" || call === "write probe");
  store.write([row("a")]);
  calls.length = 0;
  await clock.advance(499);
  t.same(calls, []);
  await clock.advance(1);
  t.same(calls, ["remove", "write probe"]);
  store.write([row("b")]);
  store.forget(["c"]);
  store.forget(["d"]);
  await clock.advance(499);
  t.equal(calls.length, 2, "neither new rows nor deletions");
  await clock.advance(1);
  t.same(calls.slice(2), ["remove c d", "write probe"]);
  await clock.advance(5000);
  t.equal(calls.length, 4 + 20, "one probe at a time");
});

t.test("a probe deletes first what could not be deleted, and itself last", async (t) => {
  let full = true;
  const { clock, store, calls, rows } = recorded((call) => full && call !== "write a b");
  store.write([row("a"), row("b")]);
  store.forget(["a"]);
  store.forget(["b"]);
  full = false;
  calls.length = 0;
  await clock.advance(500);
  t.same(calls, ["remove a b", "write probe", "remove probe"]);
  t.equal(store.isRefusing(), false);
  const probe = rows.find(({ commit }) => commit === "probe");
  t.ok((probe?.messages[0]?.payload.length ?? 0) >= 64 * 1024, "as large as a large write set");
  await clock.advance(5000);
  t.equal(calls.length, 3, "no probe while the store accepts writes");
  store.write([row("c")]);
  store.forget(["c"]);
  t.same(calls.slice(3), ["write c", "remove c"], "what is deleted is not deleted again");
});

t.test(
  "a store that takes the probe and refuses its deletion still refuses, and the next probe deletes it",
  async (t) => {
    let refusals = 1;
    const { clock, outbox, store, calls } = recorded(
      (call) => call === "write a" || (call === "remove probe" && refusals-- > 0),
    );
    let writable = 0;
    store.onWritable(() => writable++);
    store.write([row("a")]);
    await clock.advance(500);
    t.same([store.isRefusing(), writable, outbox.leftover()], [true, 0, ["probe"]]);
    t.equal(store.write([row("b")]), false);
    await clock.advance(500);
    t.same([store.isRefusing(), writable, outbox.leftover()], [false, 1, []]);
    t.same(calls.slice(-3), ["remove probe", "write probe", "remove probe"]);
  },
);

t.test("a failed deletion alone makes the store refuse, and is repeated", async (t) => {
  let refusals = 2;
  const { clock, outbox, store } = recorded((call) => call === "remove a" && refusals-- > 0);
  const writable: number[] = [];
  store.onWritable(() => writable.push(1));
  store.onWritable(() => writable.push(2));
  store.write([row("a"), row("b")]);
  store.forget(["a"]);
  t.equal(store.isRefusing(), true);
  await clock.advance(500);
  t.same([store.isRefusing(), outbox.leftover()], [true, ["a", "b"]]);
  await clock.advance(500);
  t.same([store.isRefusing(), outbox.leftover()], [false, ["b"]]);
  t.same(writable, [1, 2], "every relay is notified");
  t.equal(store.write([row("c")]), true);
});

t.test("what is notified that the store accepts writes can write at once", async (t) => {
  const { clock, outbox, store } = stage();
  const written: boolean[] = [];
  store.onWritable(() => void written.push(store.write([row("b")])));
  outbox.failWith("disk full");
  store.write([row("a")]);
  outbox.failWith(undefined);
  await clock.advance(600);
  t.same([written, outbox.leftover()], [[true], ["b"]]);
});

t.test("a refused write leaves none of its rows, and they may be written again", async (t) => {
  let full = true;
  const { clock, outbox, store } = recorded((call) => full && call === "write a b");
  t.equal(store.write([row("a"), row("b")]), false);
  t.same(outbox.leftover(), []);
  full = false;
  await clock.advance(500);
  t.equal(store.write([row("a"), row("b")]), true);
  t.same(outbox.leftover(), ["a", "b"]);
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

/** Actors that an input has parked: over several owners, resumed, skipped, and with faults in between. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import type { MachineEntry } from "../../../../src/runtime/definition.ts";
import type { Parking, Unparking } from "../../../../src/runtime/actor/parking-record.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { byHand, diary, diaryMachine, fixedDiary, notes, NOW, worked } from "./tenure-stage.ts";

/** One actor `d`, parked by the first of its three inbox inputs. */
async function parkedDiary(definition = diary()) {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", definition);
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  cluster.inbox(0, "d", "diary", "note.0", "e0");
  cluster.inbox(0, "d", "diary", "poison", "e1");
  cluster.inbox(0, "d", "diary", "note.1", "e2");
  cluster.inbox(0, "d", "diary", "note.2", "e3");
  await cluster.clock.advance(100);
  const log = cluster.server.log("KV_ORDERS");
  const entries = () =>
    log.all(subjects.parked(0, "d")).map(({ payload }) => JSON.parse(payload) as Parking | Unparking);
  return { cluster, one, entries };
}

t.test("a poisonous input parks its actor, with reason, time and input, and nothing else", async (t) => {
  const { cluster, one } = await parkedDiary();
  await cluster.done(one.actors.start("e", {}, NOW));
  const [parking, ...others] = await cluster.done(one.parked.list());
  t.same(others, []);
  t.match(parking, { actor: "d", name: "inbox:poison", version: 2, input: { kind: "event", id: "e1" } });
  t.match(parking?.reason, /poison/);
  t.ok((parking?.since ?? 0) > 0);
  const read = cluster.ok(await cluster.done(one.actors.read("d")));
  t.same(notes(read.snapshot), ["note.0"], "its last good state is read");
  const command = await cluster.done(
    one.actors.command("d", "diary", { type: "note.3" }, { commandId: "c", waitMs: 0 }),
  );
  t.match(command, { status: "refused", code: "actor_parked" });
});

t.test("a parked actor stays parked from owner to owner, and no owner tries its input again", async (t) => {
  const { cluster, one, entries } = await parkedDiary();
  one.kill();
  for (const name of ["two", "three"]) {
    const next = await cluster.start(name, fixedDiary());
    await cluster.settled();
    await cluster.clock.advance(3000);
    t.match(next.node.status().partitions[0], { parked: 1, lag: 0 });
    t.equal(cluster.records(0, "d").length, 2, "nothing is applied");
    next.kill();
  }
  t.equal(entries().length, 1);
});

t.test(
  "a resume under a definition that takes the input applies all waiting inputs in order, once",
  async (t) => {
    const { cluster, one } = await parkedDiary();
    await cluster.clock.advance(5000);
    one.kill();
    const two = await cluster.start("two", fixedDiary());
    await cluster.settled();
    cluster.inbox(0, "d", "diary", "note.3", "e4");
    const { snapshot } = cluster.ok(await cluster.done(two.parked.resume("d")));
    t.same(notes(snapshot), ["note.0", "poison", "note.1", "note.2", "note.3"]);
    t.same(await cluster.done(two.parked.list()), []);
    t.equal(two.node.status().partitions[0]?.parked, 0);
    cluster.ok(await cluster.done(two.parked.resume("d")));
    t.equal(cluster.records(0, "d").length, 6, "a second resume changes nothing");
  },
);

t.test("a resume under the same definition parks the actor again, by a new parking", async (t) => {
  const { cluster, one, entries } = await parkedDiary();
  const again = await cluster.done(one.parked.resume("d"));
  t.match(again, { status: "refused", code: "actor_parked" });
  await cluster.clock.advance(100);
  t.same(
    entries().map(({ status }) => status),
    ["parked", "resumed", "parked"],
  );
  t.equal((await cluster.done(one.parked.list())).length, 1);
});

t.test("two operators who resume an actor at once end one parking", async (t) => {
  const { cluster, one, entries } = await parkedDiary();
  one.kill();
  const two = await cluster.start("two", fixedDiary());
  await cluster.settled();
  const both = await cluster.done(Promise.all([two.parked.resume("d"), two.parked.resume("d")]));
  t.same(
    both.map(({ status }) => status),
    ["ok", "ok"],
  );
  t.same(
    entries().map(({ status }) => status),
    ["parked", "resumed"],
  );
});

t.test("a skip drops the poisonous input alone and goes on with the later ones", async (t) => {
  const { cluster, one, entries } = await parkedDiary();
  const [parking] = await cluster.done(one.parked.list());
  const id = parking?.id ?? "";
  t.match(await cluster.done(one.parked.skip("d", "another")), { code: "parked_otherwise" });
  const { snapshot } = cluster.ok(await cluster.done(one.parked.skip("d", id)));
  t.same(notes(snapshot), ["note.0", "note.1", "note.2"]);
  t.same(
    cluster.records(0, "d").map(({ input }) => input),
    ["start", "inbox:note.0", "skip:inbox:poison", "inbox:note.1", "inbox:note.2"],
  );
  t.same(
    entries().map(({ status }) => status),
    ["parked", "skipped"],
  );
  cluster.ok(await cluster.done(one.parked.skip("d", id)));
  t.equal(cluster.records(0, "d").length, 5, "a repetition changes nothing");
  t.match(await cluster.done(one.parked.skip("d", "another")), { code: "not_parked" });
  t.equal((await cluster.done(one.parked.skip("none", "x"))).status, "not_found");
  t.equal((await cluster.done(one.parked.resume("none"))).status, "not_found");
});

t.test(
  "the outcome of an effect parks its actor; after a resume the effect runs again under its key",
  async (t) => {
    const keys: string[] = [];
    const answer = ({ key }: { readonly key: string }) => {
      keys.push(key);
      return Promise.resolve("poison");
    };
    const { cluster, one } = await parkedDiary(diary(answer));
    const [before] = await cluster.done(one.parked.list());
    await cluster.done(one.parked.skip("d", before?.id ?? ""));
    await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c", waitMs: 0 }));
    await cluster.clock.advance(100);
    const [parking] = await cluster.done(one.parked.list());
    t.match(parking, { name: "effect:diary.job", input: { kind: "effect", id: "diary.job" } });
    one.kill();
    const two = await cluster.start("two", fixedDiary(answer));
    await cluster.settled();
    t.equal(keys.length, 1, "a parked actor's effects are not started by the next owner");
    cluster.ok(await cluster.done(two.parked.resume("d")));
    await cluster.clock.advance(1000);
    t.equal(new Set(keys).size, 1);
    const { snapshot } = cluster.ok(await cluster.done(two.actors.read("d")));
    t.same(worked(snapshot), ["poison"]);
  },
);

t.test("a skipped outcome closes its effect", async (t) => {
  const { cluster, one } = await parkedDiary(diary(() => Promise.resolve("poison")));
  const skip = async () => {
    const [parking] = await cluster.done(one.parked.list());
    return cluster.ok(await cluster.done(one.parked.skip("d", parking?.id ?? ""))).snapshot;
  };
  await skip();
  await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c", waitMs: 0 }));
  await cluster.clock.advance(100);
  const { effects } = await skip();
  t.same(effects, []);
  await cluster.clock.advance(3000);
  t.same(cluster.checkpoint(0)?.open, []);
});

t.test(
  "an owner that dies right after a resume is stored leaves the waiting inputs to the next owner",
  async (t) => {
    for (const diesAfterMs of [1, 2, 3, 4, 5, 6, 8, 12]) {
      const { cluster, one } = await parkedDiary();
      await cluster.clock.advance(5000);
      one.kill();
      const two = await cluster.start("two", fixedDiary());
      await cluster.settled();
      await cluster.clock.advance(3000);
      void two.parked.resume("d");
      await cluster.clock.advance(diesAfterMs);
      two.kill();
      const three = await cluster.start("three", fixedDiary());
      await cluster.settled();
      await cluster.clock.advance(1000);
      const { snapshot } = cluster.ok(await cluster.done(three.parked.resume("d")));
      t.same(notes(snapshot), ["note.0", "poison", "note.1", "note.2"], `after ${diesAfterMs} ms`);
    }
  },
);

t.test(
  "a parking that the server does not answer holds the checkpoint back until it is stored",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    const one = await cluster.start("one", diary());
    await cluster.settled();
    await cluster.done(one.actors.start("d", {}, NOW));
    cluster.faults.push(({ kind, subject }) =>
      kind === "read" && subject === subjects.parked(0, "d") ? { lose: "request" } : undefined,
    );
    const poison = cluster.inbox(0, "d", "diary", "poison", "e1");
    for (let i = 0; i < 3; i++) {
      await cluster.done(one.actors.start(`other${i}`, {}, NOW));
      await cluster.clock.advance(1500);
    }
    t.ok((cluster.checkpoint(0)?.through ?? 0) < poison);
    one.kill();
    cluster.faults.length = 0;
    const two = await cluster.start("two", diary());
    await cluster.settled();
    await cluster.clock.advance(1000);
    t.equal((await cluster.done(two.parked.list())).length, 1, "the next owner met the input and parked it");
  },
);

t.test("an input after a poisonous one is not evaluated before that one is certain", async (t) => {
  const { tenure, writeSets, clock, start, send, store } = await byHand();
  start();
  await store();
  send("note.1", 10);
  send("poison", 11);
  send("note.2", 12);
  t.equal(writeSets.length, 1, "the second note waits for the poison, the poison for the first note");
  await store();
  await clock.advance(10);
  t.equal(writeSets.length, 1, "the parking");
  t.equal(writeSets[0]?.preconditions[0]?.subject, subjects.parked(0, "d"));
  t.equal(tenure.counts().parked, 1);
  t.equal(tenure.backlog(), 2, "both inputs hold the checkpoint until the parking is stored");
  writeSets.shift()?.resolved({ status: "stored", sequences: new Map(), lastSequence: 50 });
  await clock.advance(1);
  t.equal(tenure.backlog(), 0);
});

const second = (migrations?: MachineEntry["migrations"]) => ({
  ...diary(),
  machines: { diary: { machine: diaryMachine, version: 2, ...(migrations ? { migrations } : {}) } },
});

/** Version 0.1.0 parked an actor whose state it could not read, with this message. */
const parkedUnread: Parking = {
  status: "parked",
  id: "p1",
  actor: "d",
  since: 1000,
  reason: "machine diary: no migration from version 1",
  name: null,
  input: null,
  inbox: 0,
  version: 0,
  record: 0,
};

t.test(
  "an actor that 0.1.0 parked because it could not read it stays parked until it is resumed",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    const one = await cluster.start("one", diary());
    await cluster.settled();
    await cluster.done(one.actors.start("d", {}, NOW));
    one.kill();
    const payload = JSON.stringify(parkedUnread);
    cluster.server.log("KV_ORDERS").propose([{ subject: subjects.parked(0, "d"), payload }], () => {});
    const two = await cluster.start("two", second());
    await cluster.settled();
    t.match(await cluster.done(two.actors.read("d")), { status: "unavailable", unreadable: "unreadable" });
    t.match(await cluster.done(two.parked.list()), [{ actor: "d", name: null, input: null }]);
    t.match(await cluster.done(two.parked.skip("d", "p1")), { code: "nothing_to_skip" });
    two.kill();
    const three = await cluster.start("three", second({ 1: (state) => state }));
    await cluster.settled();
    cluster.inbox(0, "d", "diary", "note.1", "e1");
    t.equal((await cluster.done(three.actors.read("d"))).status, "ok", "its last good state is read");
    const { snapshot } = cluster.ok(await cluster.done(three.parked.resume("d")));
    t.same(notes(snapshot), ["note.1"]);
    t.same(await cluster.done(three.parked.list()), []);
  },
);

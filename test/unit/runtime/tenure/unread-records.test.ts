/** Actors whose record a program does not know, under an unchanged version: they wait, and go on by themselves. */
import t from "tap";
import type { ActorDefinition } from "../../../../src/runtime/definition.ts";
import { limits } from "../../../../src/runtime/limits.ts";
import {
  decodeUnreadable,
  encodeUnreadable,
  UNREADABLE_REQUEST,
} from "../../../../src/runtime/routing/unreadable-codec.ts";
import type { Bus } from "../../../../src/runtime/ports.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, fixedDiary, notes, NOW, renamed, worked } from "./tenure-stage.ts";

type Cluster = ReturnType<typeof memoryCluster>;

/** Two programs with one version meet only where the bucket of definitions has no entry, as 0.1.0 leaves it. */
async function start(cluster: Cluster, name: string, definition: ActorDefinition) {
  const definitions = memoryNode(cluster.server, "operator").bucket("DEFINITIONS");
  for (const key of await cluster.done(definitions.keys())) await cluster.done(definitions.delete(key));
  return await cluster.start(name, definition);
}

const stored = (cluster: Cluster): number =>
  cluster.server.log("KV_ORDERS").all(subjects.parked(0, "d")).length;

/** Actor `d`, with one note, and `other`; their owner is gone. */
async function written() {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await start(cluster, "one", diary());
  await cluster.settled();
  for (const actor of ["d", "other"]) await cluster.done(one.actors.start(actor, {}, NOW));
  cluster.inbox(0, "d", "diary", "note.0", "e0");
  await cluster.clock.advance(3000);
  one.kill();
  return cluster;
}

t.test("a read of an actor whose state is unknown is answered unreadable, and writes nothing", async (t) => {
  const cluster = await written();
  const two = await start(cluster, "two", renamed());
  await cluster.settled();
  const before = cluster.server.log("KV_ORDERS").all(subjects.record(0, "d")).length;
  const unread = { status: "unavailable", unreadable: "unreadable", reason: /idle/u };
  t.match(await cluster.done(two.actors.read("d")), unread);
  t.match(
    await cluster.done(two.actors.command("d", "diary", { type: "note.1" }, { commandId: "c", waitMs: 0 })),
    unread,
  );
  t.same([stored(cluster), cluster.records(0, "d").length], [0, before]);
  t.same(await cluster.done(two.parked.list()), []);
  t.match(two.node.status().partitions[0], { open: true, parked: 0, newer: 0, unreadable: 1 });
});

t.test("a roll-back heals it without a call, and every input that waited is applied once", async (t) => {
  const cluster = await written();
  const two = await start(cluster, "two", renamed());
  await cluster.settled();
  await cluster.done(two.actors.read("d"));
  cluster.inbox(0, "d", "diary", "note.1", "e1");
  cluster.inbox(0, "d", "diary", "note.2", "e2");
  await cluster.clock.advance(3000);
  t.same(cluster.checkpoint(0)?.behind, ["d"], "the checkpoint has passed its inputs, and names it");
  t.ok((cluster.checkpoint(0)?.through ?? 0) >= cluster.server.log("KV_ORDERS").lastSequence - 3);
  two.kill();
  const three = await start(cluster, "three", diary());
  await cluster.settled();
  await cluster.clock.advance(3000);
  const { snapshot } = cluster.ok(await cluster.done(three.actors.read("d")));
  t.same(notes(snapshot), ["note.0", "note.1", "note.2"]);
  t.same([cluster.checkpoint(0)?.behind, stored(cluster)], [[], 0]);
  t.match(three.node.status().partitions[0], { unreadable: 0 });
});

t.test("an owner that dies at any moment after it found an unreadable actor loses no input", async (t) => {
  for (const diesAfterMs of [0, 1, 2, 3, 5, 8, 400, 1000, 1003, 2500]) {
    const cluster = await written();
    const two = await start(cluster, "two", renamed());
    await cluster.settled();
    cluster.inbox(0, "d", "diary", "note.1", "e1");
    await cluster.clock.advance(diesAfterMs);
    cluster.inbox(0, "d", "diary", "note.2", "e2");
    await cluster.clock.advance(diesAfterMs);
    two.kill();
    const again = await start(cluster, "again", renamed());
    await cluster.settled();
    await cluster.clock.advance(diesAfterMs);
    again.kill();
    const three = await start(cluster, "three", diary());
    await cluster.settled();
    await cluster.clock.advance(1000);
    const { snapshot } = cluster.ok(await cluster.done(three.actors.read("d")));
    t.same(notes(snapshot), ["note.0", "note.1", "note.2"], `${diesAfterMs} ms`);
  }
});

t.test("the partition goes to a present node that can read the actor, and stays there", async (t) => {
  const cluster = await written();
  const two = await start(cluster, "two", renamed());
  await cluster.settled();
  const old = await start(cluster, "old", diary());
  const reply = await cluster.done(two.actors.read("d"));
  t.equal(reply.status, "ok", "the router waits for the hand-over");
  t.equal(old.node.status().partitions[0]?.open, true);
  const epoch = cluster.epoch(0);
  await cluster.clock.advance(20_000);
  t.equal(cluster.epoch(0), epoch, "the lock does not move again");
  t.same(await cluster.done(two.parked.unreadable()), { actors: [], unanswered: [], unlisted: 0 });
});

t.test("two nodes that cannot read it keep the partition where it is, and reply at once", async (t) => {
  const cluster = await written();
  const two = await start(cluster, "two", renamed());
  await start(cluster, "three", renamed());
  await cluster.settled();
  await cluster.done(two.actors.read("d"));
  await cluster.clock.advance(20_000);
  const epoch = cluster.epoch(0);
  const begun = cluster.clock.monotonic();
  t.match(await cluster.done(two.actors.read("d")), { unreadable: "unreadable", lasts: true });
  t.ok(cluster.clock.monotonic() - begun < 100, "no caller waits for what will not come");
  await cluster.clock.advance(20_000);
  t.equal(cluster.epoch(0), epoch);
});

t.test("an open effect of an actor that was unreadable goes on under its key", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const keys: string[] = [];
  const never = ({ key }: { readonly key: string }) => {
    keys.push(key);
    return new Promise<string>(() => {});
  };
  const one = await start(cluster, "one", diary(never));
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c", waitMs: 0 }));
  await cluster.clock.advance(3000);
  one.kill();
  const two = await start(cluster, "two", renamed());
  await cluster.settled();
  await cluster.clock.advance(3000);
  t.match(two.node.status().partitions[0], { unreadable: 1 }, "the takeover resumes what is open");
  t.equal(keys.length, 1);
  two.kill();
  const three = await start(
    cluster,
    "three",
    fixedDiary(({ key }) => {
      keys.push(key);
      return Promise.resolve("done");
    }),
  );
  await cluster.settled();
  await cluster.clock.advance(1000);
  t.same(worked(cluster.ok(await cluster.done(three.actors.read("d"))).snapshot), ["done"]);
  t.equal(new Set(keys).size, 1);
});

t.test(
  "an actor that an input has parked and that its owner cannot read is answered unreadable",
  async (t) => {
    const cluster = await written();
    const one = await start(cluster, "one", diary());
    await cluster.settled();
    cluster.inbox(0, "d", "diary", "poison", "e1");
    await cluster.clock.advance(3000);
    const [parking] = await cluster.done(one.parked.list());
    one.kill();
    const two = await start(cluster, "two", renamed());
    await cluster.settled();
    const unread = { status: "unavailable", unreadable: "unreadable" };
    t.match(await cluster.done(two.actors.read("d")), unread);
    t.match(await cluster.done(two.parked.skip("d", parking?.id ?? "")), unread);
    t.match(two.node.status().partitions[0], { parked: 1, unreadable: 0 }, "it stays parked");
    t.match(await cluster.done(two.parked.resume("d")), unread, "resumed, it waits for another program");
    t.same(await cluster.done(two.parked.list()), []);
    two.kill();
    const three = await start(cluster, "three", fixedDiary());
    await cluster.settled();
    await cluster.clock.advance(1000);
    t.same(notes(cluster.ok(await cluster.done(three.actors.read("d"))).snapshot), ["note.0", "poison"]);
  },
);

/** A node that asks gets what an owner of version 0.1.0 answers. */
const answersAsBefore = (bus: Bus): Bus => ({
  ...bus,
  request: async (subject, payload, timeoutMs) =>
    payload === UNREADABLE_REQUEST
      ? { status: "answered", payload: '{"status":"unavailable","reason":"does not know this request"}' }
      : await bus.request(subject, payload, timeoutMs),
});

t.test("every node lists what the owners cannot read, and which partitions did not say", async (t) => {
  const cluster = await written();
  const two = await start(cluster, "two", renamed());
  await cluster.settled();
  await cluster.done(two.actors.read("d"));
  await cluster.done(two.actors.read("other"));
  const three = await start(cluster, "three", renamed());
  await cluster.clock.advance(5000);
  const { actors, unanswered } = await cluster.done(three.parked.unreadable());
  t.same(actors.map(({ actor, kind }) => `${actor} ${kind}`).toSorted(), [
    "d unreadable",
    "other unreadable",
  ]);
  t.match(actors[0], { reason: /idle/u });
  t.same(unanswered, []);
  const four = await cluster.start("four", renamed(), answersAsBefore);
  t.same(await cluster.done(four.parked.unreadable()), { actors: [], unanswered: [0], unlisted: 0 });
});

t.test("a list names a bounded number of actors and counts the others", async (t) => {
  const actors = Array.from({ length: limits.unreadableListed + 7 }, (_, index) => ({
    actor: `a${index}`,
    kind: "newer" as const,
    since: index,
    reason: "x".repeat(2000),
  }));
  const payload = encodeUnreadable(actors);
  t.ok(payload.length < 500_000);
  const list = decodeUnreadable(payload);
  t.same([list?.actors.length, list?.total], [limits.unreadableListed, limits.unreadableListed + 7]);
  t.equal(
    decodeUnreadable('{"status":"unavailable","reason":"the owner does not know this request"}'),
    undefined,
  );
  t.equal(decodeUnreadable("no json"), undefined);
  t.same(decodeUnreadable('{"status":"unreadable","actors":[1,{"actor":2}],"total":2}')?.actors, []);
  t.equal(JSON.parse(UNREADABLE_REQUEST).op, "unreadable");
});

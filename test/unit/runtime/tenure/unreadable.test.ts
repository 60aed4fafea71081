/** Unreadable messages in every place that a node reads: none of them ends a process or stops a partition. */
import t from "tap";
import { limits } from "../../../../src/runtime/limits.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { decodeReply } from "../../../../src/runtime/routing/request-codec.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, fixedDiary, notes, NOW, worked } from "./tenure-stage.ts";

const GARBAGE = ["", "no json", "null", "1", "[]", "{}", '{"snapshot":null}', '{"snapshot":{"version":2}}'];

async function started() {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  const log = cluster.server.log("KV_ORDERS");
  return {
    cluster,
    one,
    log,
    /** Writes a message, as any client with access to the server can. */
    put: (subject: string, payload: string, headers = {}): number => {
      log.propose([{ subject, payload, headers }], () => {});
      return log.lastSequence;
    },
    inbox: (type: string, id: string) => cluster.inbox(0, "d", "diary", type, id),
  };
}

t.test(
  "an unreadable record after the checkpoint sets its one actor apart; the takeover goes on",
  async (t) => {
    for (const payload of [
      ...GARBAGE,
      JSON.stringify({ snapshot: { machines: null, effects: [], inbox: 0 } }),
    ]) {
      const { cluster, one, put, inbox } = await started();
      for (const actor of ["d", "e"]) await cluster.done(one.actors.start(actor, {}, NOW));
      await cluster.done(one.actors.command("e", "diary", { type: "work" }, { commandId: "c", waitMs: 0 }));
      one.kill();
      put(subjects.record(0, "d"), payload);
      inbox("note.1", "e1");
      const two = await cluster.start("two", diary());
      await cluster.settled();
      await cluster.clock.advance(1000);
      t.same(await cluster.done(two.parked.list()), [], payload);
      const { actors, unanswered } = await cluster.done(two.parked.unreadable());
      t.match(actors, [{ actor: "d", kind: "unreadable" }], payload);
      t.same([actors.length, unanswered], [1, []]);
      const apart = { status: "unavailable", unreadable: "unreadable" };
      t.match(await cluster.done(two.actors.read("d")), apart, payload);
      t.equal(
        worked(cluster.ok(await cluster.done(two.actors.read("e"))).snapshot).length,
        1,
        "others go on",
      );
      t.match(await cluster.done(two.parked.resume("d")), apart, "no node can read it now");
      t.match(await cluster.done(two.parked.skip("d", "p")), apart);
      t.same(cluster.server.log("KV_ORDERS").all(subjects.parked(0, "d")), [], "nothing is stored about it");
      two.kill();
    }
  },
);

t.test("an unreadable message about a parking keeps its actor parked until it is resumed", async (t) => {
  for (const payload of GARBAGE) {
    const { cluster, one, put, inbox } = await started();
    for (const actor of ["d", "e"]) await cluster.done(one.actors.start(actor, {}, NOW));
    await cluster.clock.advance(3000);
    one.kill();
    put(subjects.parked(0, "d"), payload);
    const two = await cluster.start("two", fixedDiary());
    await cluster.settled();
    inbox("note.1", "e1");
    await cluster.clock.advance(1000);
    const [parking] = await cluster.done(two.parked.list());
    t.match(parking, { actor: "d", status: "parked", name: null, reason: /parking/ }, payload);
    cluster.ok(await cluster.done(two.actors.read("e")));
    t.match(await cluster.done(two.parked.skip("d", parking?.id ?? "")), { code: "nothing_to_skip" });
    const { snapshot } = cluster.ok(await cluster.done(two.parked.resume("d")));
    t.same(notes(snapshot), ["note.1"], payload);
    t.same(await cluster.done(two.parked.list()), []);
    two.kill();
  }
});

t.test("an unreadable request is answered unavailable", async (t) => {
  const { cluster, one } = await started();
  await cluster.done(one.actors.start("d", {}, NOW));
  const { bus } = memoryNode(cluster.server, "another");
  const requests: unknown[] = [
    { op: "forget", actor: "d" },
    { op: "read" },
    { op: "read", actor: "*" },
    { op: "read", actor: "d.e" },
    { op: "skip", actor: "d" },
    { op: "command", actor: "d", machine: "diary", commandId: "c1", waitMs: 0 },
    { op: "command", actor: "d", machine: "diary", event: null, commandId: "c1", waitMs: 0 },
    { op: "command", actor: "d", machine: "diary", event: { type: "note.1" }, waitMs: 0 },
    { op: "start", actor: "x", input: null, waitMs: 0, mayExist: false },
  ];
  for (const payload of [...GARBAGE, ...requests.map((request) => JSON.stringify(request))]) {
    const answer = await cluster.done(bus.request(subjects.command(0), payload, 1000));
    if (answer.status !== "answered") throw new Error(`${payload}: ${answer.status}`);
    t.match(decodeReply(answer.payload), { status: "unavailable" }, payload);
  }
  t.same(notes(cluster.ok(await cluster.done(one.actors.read("d"))).snapshot), []);
});

t.test("an inbox message that is not an input is passed over, the next one is applied", async (t) => {
  const { cluster, one, put, inbox } = await started();
  await cluster.done(one.actors.start("d", {}, NOW));
  const messages: unknown[] = [
    { kind: "start", input: {} },
    { kind: "event", machine: "diary", id: "e1" },
    { kind: "event", machine: "diary", event: null, id: "e1" },
    { kind: "event", machine: "diary", event: { type: "poison" } },
    { kind: "timer", machine: "diary" },
  ];
  for (const payload of [...GARBAGE, ...messages.map((message) => JSON.stringify(message))]) {
    put(subjects.inbox(0, "d"), payload);
  }
  inbox("note.1", "e2");
  await cluster.clock.advance(1000);
  t.same(notes(cluster.ok(await cluster.done(one.actors.read("d"))).snapshot), ["note.1"]);
  t.same(await cluster.done(one.parked.list()), []);
});

t.test("a lock entry that is unreadable or deleted is claimed anew", async (t) => {
  for (const [payload, headers] of [
    ...GARBAGE.map((payload) => [payload, {}] as const),
    ["", { "KV-Operation": "DEL" }] as const,
  ]) {
    const { cluster, one, put } = await started();
    await cluster.done(one.actors.start("d", {}, NOW));
    const before = put(subjects.lock("partition.0"), payload, headers);
    await cluster.until("it is owned again", () => cluster.epoch(0) > before);
    await cluster.settled();
    cluster.ok(await cluster.done(one.actors.read("d")));
    one.kill();
    put(subjects.lock("partition.0"), payload, headers);
    const two = await cluster.start("two", diary());
    await cluster.settled();
    t.equal((await cluster.done(two.actors.read("d"))).status, "ok", payload);
    two.kill();
  }
});

t.test("an unreadable entry of a node counts as no node", async (t) => {
  const { cluster, one } = await started();
  const nodes = memoryNode(cluster.server, "another").bucket("NODES");
  for (const [index, payload] of GARBAGE.entries()) await cluster.done(nodes.put(`n${index}`, payload));
  await cluster.clock.advance(1000);
  t.same(
    one.node.status().entries.map(({ id }) => id),
    ["one"],
  );
  t.equal(one.node.status().partitions[0]?.open, true, "nothing is handed over to it");
});

t.test("an unreadable checkpoint counts as none: everything is replayed", async (t) => {
  for (const payload of GARBAGE) {
    const { cluster, one, inbox } = await started();
    await cluster.done(one.actors.start("d", {}, NOW));
    await cluster.clock.advance(3000);
    const checkpoints = memoryNode(cluster.server, "another").bucket("FLOORS");
    await cluster.done(checkpoints.put("partition.0", payload));
    await cluster.clock.advance(3000);
    one.kill();
    inbox("note.1", "e1");
    const two = await cluster.start("two", diary());
    await cluster.settled();
    await cluster.clock.advance(3000);
    t.same(notes(cluster.ok(await cluster.done(two.actors.read("d"))).snapshot), ["note.1"]);
    t.ok((cluster.checkpoint(0)?.through ?? 0) > 0, "and a new one is written");
    two.kill();
  }
});

t.test(
  "a skip whose record would be too large is refused; the actor stays parked, the node goes on",
  async (t) => {
    const { cluster, one, inbox } = await started();
    await cluster.done(one.actors.start("d", {}, NOW));
    const piece = "x".repeat(limits.messageBytes / 32);
    for (let n = 0; n < 28; n++) inbox(`note.${n}${piece}`, `e${n}`);
    await cluster.clock.advance(1000);
    // Skipped, it is one of the ids that a record remembers.
    inbox("poison", `e${piece.repeat(5)}`);
    await cluster.clock.advance(1000);
    const [parking] = await cluster.done(one.parked.list());
    const skip = () => cluster.done(one.parked.skip("d", parking?.id ?? ""));
    t.match(await skip(), { status: "refused", code: "input_refused", reason: /bytes/ });
    t.match(await skip(), { status: "refused", code: "input_refused" }, "however often");
    t.equal((await cluster.done(one.parked.list()))[0]?.id, parking?.id);
    cluster.ok(await cluster.done(one.actors.start("e", {}, NOW)));
  },
);

t.test(
  "a skip that the server refuses is answered as refused, not as something to be repeated",
  async (t) => {
    const { cluster, one, inbox } = await started();
    await cluster.done(one.actors.start("d", {}, NOW));
    inbox("note.1".padEnd(4000, "x"), "e0");
    inbox("poison", "e1");
    await cluster.clock.advance(1000);
    const [parking] = await cluster.done(one.parked.list());
    one.kill();
    // The same server, configured to take less.
    Object.assign(cluster.server.options, { maxPayload: 3000 });
    const two = await cluster.start("two", diary());
    await cluster.settled();
    const reply = await cluster.done(two.parked.skip("d", parking?.id ?? ""));
    t.match(reply, { status: "refused", code: "input_refused", reason: /10054/ });
  },
);

/** What is too large to be stored: refused or parked before it reaches a batch, and alone where the server takes less. */
import t from "tap";
import { limits } from "../../../../src/runtime/limits.ts";
import { subjects } from "../../../../src/runtime/subjects.ts";
import { httpLimits } from "../../../../src/http/protocol/limits.ts";
import type { Cascade } from "../../../../src/runtime/actor/cascade.ts";
import { cascadeWriteSet, RecordTooLarge } from "../../../../src/runtime/commit/cascade-write-set.ts";
import type { Joined } from "../../../../src/runtime/definition.ts";
import { parkingOf } from "../../../../src/runtime/actor/parking-record.ts";
import { begin, jobs } from "../actor/cascade-stage.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { silent } from "./relay-stage.ts";
import { diary, notes, NOW } from "../tenure/tenure-stage.ts";

/** Of two bytes each, and twice in its record: in UTF-16 units that would fit, in bytes it does not. */
const HUGE = `note.${"ö".repeat(limits.messageBytes / 4)}`;
/** More than a server takes that takes 16 KiB; its inbox message is not. */
const LARGE = `note.${"x".repeat(12 * 1024)}`;
const SMALL_SERVER = 16 * 1024;

async function started(maxPayload?: number) {
  const warnings: string[] = [];
  const cluster = memoryCluster({
    partitions: 1,
    ...(maxPayload ? { maxPayload } : {}),
    log: () => ({ ...silent, warn: (_, message) => void warnings.push(message) }),
  });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  for (const actor of ["d", "e", "f"]) await cluster.done(one.actors.start(actor, {}, NOW));
  return {
    cluster,
    one,
    warnings,
    tell: (actor: string, type: string, commandId = type.slice(0, 20)) =>
      one.actors.command(actor, "diary", { type }, { commandId, waitMs: 0 }),
    inbox: (actor: string, type: string, id: string) => cluster.inbox(0, actor, "diary", type, id),
    read: async (actor: string) => cluster.ok(await cluster.done(one.actors.read(actor))).snapshot,
    parked: () => cluster.done(one.parked.list()),
  };
}

t.test("a command that makes its record too large is refused, and the order goes on", async (t) => {
  const { cluster, read, tell, parked } = await started();
  const batches = cluster.server.log("KV_ORDERS").lastSequence;
  const reply = await cluster.done(tell("d", HUGE, "c1"));
  t.match(reply, { status: "refused", code: "input_refused", reason: /bytes/ });
  t.equal(cluster.server.log("KV_ORDERS").lastSequence, batches, "nothing reached the server");
  cluster.ok(await cluster.done(tell("d", "note.1")));
  t.same(notes(await read("d")), ["note.1"]);
  t.same(await parked(), []);
});

t.test("an inbox input that does parks its one order; a neighbour is stored", async (t) => {
  const { cluster, inbox, read, parked } = await started();
  inbox("d", "note.0", "e0");
  inbox("d", HUGE, "e1");
  inbox("e", "note.1", "e2");
  inbox("d", "note.2", "e3");
  await cluster.clock.advance(2000);
  t.same(notes(await read("d")), ["note.0"]);
  t.same(notes(await read("e")), ["note.1"]);
  const [parking, ...others] = await parked();
  t.same(others, []);
  t.match(parking, { actor: "d", version: 2, input: { kind: "event", id: "e1" }, reason: /bytes/ });
});

const joined = (payload: string, headers = {}): Joined => ({
  output: 1,
  lock: { subject: subjects.lock("inventory.0"), epoch: 1 },
  messages: [{ subject: subjects.hold("a"), payload, headers }],
  resolved: () => {},
});

t.test("the rules are about every message of the unit, headers included, and about their number", (t) => {
  const { messages } = unitOf(begin(jobs));
  t.equal(messages.length, 1, "one that fits is taken");
  const text = "x".repeat(limits.messageBytes);
  const tooLarge: Readonly<Record<string, Partial<Cascade>>> = {
    "an event": { events: [{ type: "said", text } as { type: string }] },
    "a message that joins": { joined: [joined(text)] },
    "headers of one that joins": { joined: [joined("", { Note: text })] },
    "too many events": {
      events: Array.from({ length: limits.writeSetMessages }, () => ({ type: "said" })),
    },
  };
  for (const [what, part] of Object.entries(tooLarge)) {
    t.throws(() => unitOf({ ...begin(jobs), ...part }), RecordTooLarge, what);
  }
  t.ok(
    // The stock of every line, and two locks.
    limits.writeSetMessages + httpLimits.lines + 2 <= limits.batchMessages,
    "whatever a batch adds to one unit, it stays below the server's limit",
  );
  t.end();
});

function unitOf(result: Cascade) {
  return cascadeWriteSet(
    result,
    { kind: "start", input: {} },
    {
      commit: "c",
      actor: "a",
      partition: 0,
      node: "one",
      lock: { subject: subjects.lock("partition.0"), epoch: 1 },
      sequence: 0,
      resolved: () => {},
    },
  );
}

t.test("what a server refuses that takes less than we do is alone in the end", async (t) => {
  const { cluster, one, warnings, inbox, read, tell, parked } = await started(SMALL_SERVER);
  // All at once, so that they meet in one batch: a culprit that somebody waits for, one that nobody waits for, and
  // neighbours in front, between and behind, of the culprits' own orders too.
  inbox("d", "note.0", "e0");
  inbox("d", LARGE, "e1");
  inbox("d", "note.1", "e2");
  inbox("e", "note.0", "e3");
  await cluster.clock.advance(0);
  const replies = cluster.done(
    Promise.all([
      tell("f", "note.0", "c0"),
      tell("f", LARGE, "c1"),
      tell("f", "note.2", "c2"),
      tell("e", "note.3"),
    ]),
  );
  const [before, culprit, behind, neighbour] = await replies;
  t.match(culprit, { status: "refused", code: "input_refused", reason: /refused the record: 10054/ });
  for (const reply of [before, behind, neighbour]) cluster.ok(reply ?? { status: "not_found" });
  await cluster.clock.advance(3000);
  t.same(notes(await read("f")), ["note.0", "note.2"]);
  t.same(notes(await read("e")).toSorted(), ["note.0", "note.3"]);
  t.same(notes(await read("d")), ["note.0"], "its last good state");
  const [parking, ...others] = await parked();
  t.same(others, []);
  t.match(parking, { actor: "d", version: 2, input: { kind: "event", id: "e1" }, reason: /10054/ });
  t.ok((parking?.record ?? 0) > 0, "and where that stands");

  cluster.ok(await cluster.done(one.parked.skip("d", parking?.id ?? "")));
  t.same(notes(await read("d")), ["note.0", "note.1"], "what waited behind it is applied");
  t.equal(one.outbox.depth(), 0);
  t.equal(one.node.status().partitions[0]?.lag, 0);
  t.ok(warnings.includes("batch refused: split"), "they did meet in a batch");
});

t.test("a parking fits beside the input that it tells of, however long that is", (t) => {
  const event = { type: "x".repeat(limits.messageBytes) };
  const cause = { input: { kind: "event", machine: "m", event, id: "e" }, inbox: 7 } as const;
  const what = { actor: "a", reason: "r".repeat(5000), version: 1, record: 1 };
  t.ok(JSON.stringify(parkingOf(what, cause, 0, "p")).length < 2000);
  t.end();
});

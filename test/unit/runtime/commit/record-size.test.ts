/**
 * A write set that is too large is rejected, or parks its actor, before it reaches a batch. Where the server accepts
 * less than the runtime, it is rejected alone.
 */
import t from "tap";
import { limits } from "../../../../src/runtime/limits.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { httpLimits } from "../../../../src/http/protocol/limits.ts";
import type { Cascade } from "../../../../src/runtime/actor/cascade.ts";
import { cascadeWriteSet, RecordTooLarge } from "../../../../src/runtime/commit/cascade-write-set.ts";
import type { Joined } from "../../../../src/runtime/definition.ts";
import { parkingOf } from "../../../../src/runtime/actor/parking-record.ts";
import { begin, jobs } from "../actor/cascade-stage.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { silent } from "./relay-stage.ts";
import { diary, notes, NOW } from "../tenure/tenure-stage.ts";

/** Two bytes for each character, and twice in the record: in UTF-16 code units it would fit, in bytes it does not. */
const HUGE = `note.${"ö".repeat(limits.messageBytes / 4)}`;
/** Too large for a server with a limit of 16 KiB; its inbox message is not. */
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
    send: (actor: string, type: string, commandId = type.slice(0, 20)) =>
      one.actors.command(actor, "diary", { type }, { commandId, waitMs: 0 }),
    inbox: (actor: string, type: string, id: string) => cluster.inbox(0, actor, "diary", type, id),
    read: async (actor: string) => cluster.ok(await cluster.done(one.actors.read(actor))).snapshot,
    parked: () => cluster.done(one.parked.list()),
  };
}

t.test("a command that makes its record too large is rejected, and the order continues", async (t) => {
  const { cluster, read, send, parked } = await started();
  const batches = cluster.server.log("KV_ORDERS").lastSequence;
  const reply = await cluster.done(send("d", HUGE, "c1"));
  t.match(reply, { status: "refused", code: "input_refused", reason: /bytes/ });
  t.equal(cluster.server.log("KV_ORDERS").lastSequence, batches, "nothing reached the server");
  cluster.ok(await cluster.done(send("d", "note.1")));
  t.same(notes(await read("d")), ["note.1"]);
  t.same(await parked(), []);
});

t.test("an inbox input that makes its record too large parks only its order", async (t) => {
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
  messages: [{ subject: inventorySubjects.hold("a"), payload, headers }],
  resolved: () => {},
});

t.test("the limits cover every message of the write set, headers included, and their number", (t) => {
  const { messages } = unitOf(begin(jobs));
  t.equal(messages.length, 1, "a write set that fits is accepted");
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
    "whatever a batch adds to one write set, it stays below the limit of the server",
  );
  t.end();
});

function unitOf(result: Cascade) {
  return cascadeWriteSet(
    result,
    { kind: "start", input: {} },
    {
      subjects,
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

t.test("a write set that only the server rejects is alone in its batch in the end", async (t) => {
  const { cluster, one, warnings, inbox, read, send, parked } = await started(SMALL_SERVER);
  // All at once, so that they share one batch: a write set with a waiting caller that the server rejects, one without a
  // caller, and accepted ones before, between and after them, of the same orders too.
  inbox("d", "note.0", "e0");
  inbox("d", LARGE, "e1");
  inbox("d", "note.1", "e2");
  inbox("e", "note.0", "e3");
  await cluster.clock.advance(0);
  const replies = cluster.done(
    Promise.all([
      send("f", "note.0", "c0"),
      send("f", LARGE, "c1"),
      send("f", "note.2", "c2"),
      send("e", "note.3"),
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
  t.ok((parking?.record ?? 0) > 0, "and the sequence of its record");

  cluster.ok(await cluster.done(one.parked.skip("d", parking?.id ?? "")));
  t.same(notes(await read("d")), ["note.0", "note.1"], "the input that waited after it is applied");
  t.equal(one.outbox.depth(), 0);
  t.equal(one.node.status().partitions[0]?.lag, 0);
  t.ok(warnings.includes("batch refused: split"), "they shared a batch");
});

t.test("a parking stays small, however long the names and the reason of its input are", (t) => {
  const event = { type: "x".repeat(limits.messageBytes) };
  const cause = { input: { kind: "event", machine: "m", event, id: "e" }, inbox: 7 } as const;
  const what = { actor: "a", reason: "r".repeat(5000), version: 1, record: 1 };
  t.ok(JSON.stringify(parkingOf(what, cause, 0, "p")).length < 2000);
  t.end();
});

/** External references are unique: reservations on a log in memory, with orders that exist or do not. */
import t from "tap";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { type AppendResult, type Message, Unavailable } from "../../../../src/runtime/ports.ts";
import { GRACE_MS, HOLDS_MS, References } from "../../../../src/services/orders/references.ts";
import { OrderWorld } from "./order-world.ts";

function stage() {
  let now = 1_000_000;
  const log: (Message & { sequence: number; at: number })[] = [];
  const replies = new Map<string, ActorReply>();
  const last = (subject: string) => log.findLast((message) => message.subject === subject);
  const store = (message: Message): AppendResult => {
    const { fence } = message;
    if (fence && (last(fence.subject)?.sequence ?? 0) !== fence.sequence)
      return { status: "rejected", code: 10_071, reason: "wrong last sequence" };
    log.push({ ...message, sequence: log.length + 1, at: now });
    return { status: "stored", lastSequence: log.length };
  };
  const references = new References({
    journal: {
      append: async ([message]) => {
        return store(message!);
      },
      readLast: async (subject) => {
        const found = last(subject);
        return found && { headers: {}, ...found };
      },
    },
    actors: { read: async (id) => replies.get(id) ?? { status: "not_found" } },
    clock: { now: () => now },
  });
  return {
    references,
    log,
    replies,
    pass: (ms: number) => void (now += ms),
  };
}

function existing(reference: string | undefined, rejected = false): ActorReply {
  const world = new OrderWorld();
  world.start();
  const { snapshot } = world;
  const facts = {
    ...snapshot.facts?.data,
    ...(reference && { annotations: { externalReference: reference } }),
  };
  const machines = rejected
    ? { ...snapshot.machines, order: { ...snapshot.machines["order"]!, value: "rejected" } }
    : snapshot.machines;
  return {
    status: "ok",
    snapshot: { ...snapshot, machines, facts: { version: 1, data: facts } },
    settled: true,
    repeated: false,
  };
}

t.test("a reference belongs to the first order that reserves it, whatever characters it has", async (t) => {
  const { references, replies } = stage();
  for (const reference of ["shop-1", "Größe *.> 7", "a".repeat(128)]) {
    t.match(await references.reserve(reference, "ord_1"), { status: "reserved" });
    t.strictSame(await references.reserve(reference, "ord_2"), { status: "taken", orderId: "ord_1" });
    replies.set("ord_1", existing(reference));
    t.match(await references.reserve(reference, "ord_1"), { status: "reserved" }, "its own");
    t.equal(await references.takenBy(reference, "ord_2"), "ord_1");
    t.equal(await references.takenBy(reference, "ord_1"), undefined);
    t.equal(await references.takenBy(`${reference}!`, "ord_2"), undefined);
    replies.clear();
  }
});

t.test("two orders that reserve at the same moment: one of them gets it", async (t) => {
  const { log, references } = stage();
  const both = await Promise.all(["ord_1", "ord_2"].map((id) => references.reserve("r", id)));
  t.strictSame(both.map(({ status }) => status).toSorted(), ["reserved", "taken"]);
  t.equal(log.length, 1, "both had found no entry");
});

t.test("a reservation whose order was never stored is free after the grace, and not before", async (t) => {
  const { pass, references } = stage();
  const reservation = await references.reserve("r", "ord_1");
  if (reservation.status !== "reserved") throw new Error(reservation.status);
  pass(HOLDS_MS - 1);
  t.ok(reservation.isHeld());
  pass(1);
  t.notOk(reservation.isHeld(), "too late to store an order with it");
  pass(GRACE_MS - HOLDS_MS - 1);
  t.match(await references.reserve("r", "ord_2"), { status: "taken", orderId: "ord_1" });
  pass(1);
  t.match(await references.reserve("r", "ord_2"), { status: "reserved" });
  t.match(await references.reserve("r", "ord_1"), { status: "taken", orderId: "ord_2" });
});

t.test("an order keeps its reference permanently, and a rejected one gives it back at once", async (t) => {
  const { pass, references, replies } = stage();
  await references.reserve("r", "ord_1");
  replies.set("ord_1", existing("r"));
  pass(100 * GRACE_MS);
  t.match(await references.reserve("r", "ord_2"), { status: "taken", orderId: "ord_1" });
  replies.set("ord_1", existing("another"));
  t.match(await references.reserve("r", "ord_2"), { status: "reserved" }, "it has another one now");
  replies.set("ord_2", existing("r", true));
  t.match(await references.reserve("r", "ord_3"), { status: "reserved" });
});

t.test("nothing is decided while an order cannot be read, or the entry cannot be written", async (t) => {
  const { references, replies } = stage();
  await references.reserve("r", "ord_1");
  replies.set("ord_1", { status: "unavailable", reason: "no owner" });
  await t.rejects(references.reserve("r", "ord_2"), Unavailable);
  const broken = new References({
    journal: {
      append: async () => ({ status: "unanswered", reason: "silence" }),
      readLast: async () => undefined,
    },
    actors: { read: async () => ({ status: "not_found" }) },
    clock: { now: () => 0 },
  });
  await t.rejects(broken.reserve("r", "ord_1"), Unavailable);
});

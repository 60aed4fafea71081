/** Faults of the server in memory that a simulation draws: one-way partitions, late and repeated answers, old reads. */
import t from "tap";
import { subjects } from "../../../src/services/subjects.ts";
import { memoryNode } from "../../../src/adapters/memory/connection.ts";
import { type Fault, MemoryServer, type Operation } from "../../../src/adapters/memory/server.ts";
import { VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import { MemoryWorkQueues } from "../../../src/adapters/memory/work-queue.ts";
import { type Message, ReplicaLagging, type StoredMessage } from "../../../src/runtime/ports.ts";
import type { WorkItem } from "../../../src/runtime/workers/work-queue.ts";

const stock = (sku: string): string => `$KV.ORDERS.stock.${sku}`;
const put = (sku: string, payload: string): Message => ({ subject: stock(sku), payload });
const event: Message = { subject: subjects.event(1, "order.ready"), payload: "{}" };

/** A server, its clock, and the fault of the next operation of a kind. */
function world() {
  const clock = new VirtualClock();
  let fault: { readonly kind: Operation["kind"]; readonly fault: Fault } | undefined;
  const operations: Operation[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    latencyMs: () => 1,
    faults: (operation) => {
      operations.push(operation);
      if (operation.kind !== fault?.kind) return undefined;
      const found = fault.fault;
      fault = undefined;
      return found;
    },
  });
  const run = async <T>(promise: Promise<T>): Promise<T> => {
    let over = false;
    promise.then(
      () => (over = true),
      () => (over = true),
    );
    await clock.advanceUntil(() => over, 10_000);
    return promise;
  };
  const next = (kind: Operation["kind"], one: Fault): void => {
    fault = { kind, fault: one };
  };
  return { clock, server, run, next, operations };
}

t.test("what a deaf node sends is stored, and neither answers nor messages reach it", async (t) => {
  const { clock, server, run } = world();
  const node = memoryNode(server, "a");
  const other = memoryNode(server, "b");
  const heard: StoredMessage[] = [];
  await node.journal.consume({ filters: [stock("x")], fromSequence: 1 }, (message) => {
    heard.push(message);
  });
  await run(node.bus.serve("cmd.1", async () => "pong"));
  await clock.advance(10);
  node.link.cutOneWay("hearing");
  t.ok(node.bus.connected(), "it has not noticed");
  t.match(await run(node.journal.append([put("x", "1")], 200)), { status: "unanswered" });
  t.equal(server.log("KV_ORDERS").last(stock("x"))?.payload, "1");
  t.match(await run(other.bus.request("cmd.1", "", 200)), { status: "unanswered" });
  t.equal(heard.length, 0);
  node.link.reconnect();
  await clock.advance(10);
  t.equal(heard.length, 1, "nothing was lost");
  const inFlight = node.journal.append([put("x", "2")], 200);
  await clock.advance(1);
  t.equal(server.log("KV_ORDERS").last(stock("x"))?.payload, "2", "its answer is in flight");
  node.link.cutOneWay("hearing");
  t.match(await run(inFlight), { status: "unanswered" });
});

t.test("a node that is not heard gets messages, and stores and answers nothing", async (t) => {
  const { clock, server, run } = world();
  const node = memoryNode(server, "a");
  const other = memoryNode(server, "b");
  const heard: StoredMessage[] = [];
  let asked = 0;
  await node.journal.consume({ filters: [stock("x")], fromSequence: 1 }, (message) => {
    heard.push(message);
  });
  await run(node.bus.serve("cmd.1", async () => `pong ${++asked}`));
  await clock.advance(10);
  node.link.cutOneWay("sending");
  t.ok(node.bus.connected(), "it has not noticed");
  t.match(await run(node.journal.append([put("x", "1")], 200)), { status: "unanswered" });
  t.equal(server.log("KV_ORDERS").last(stock("x")), undefined);
  await run(other.journal.append([put("x", "2")], 200));
  await clock.advance(10);
  t.equal(heard.length, 1);
  t.match(await run(other.bus.request("cmd.1", "", 200)), { status: "unanswered" });
  t.equal(asked, 1, "the request has reached it");
  await t.rejects(run(node.journal.readLast(stock("x"))), { name: "Unavailable" });
});

t.test(
  "a late answer is about what is stored already, and comes when its sender has stopped waiting",
  async (t) => {
    const { clock, server, run, next } = world();
    const { journal } = memoryNode(server, "a");
    next("append", { answerDelayMs: 300 });
    t.match(await run(journal.append([put("x", "1")], 200)), { status: "unanswered" });
    t.equal(server.log("KV_ORDERS").last(stock("x"))?.payload, "1");
    next("append", { answerDelayMs: 100 });
    const late = journal.append([put("x", "2")], 200);
    t.match(await run(journal.append([put("x", "3")], 200)), { status: "stored", lastSequence: 3 });
    t.match(await run(late), { status: "stored", lastSequence: 2 });
    await clock.advance(1000);
  },
);

t.test("an answer that comes twice changes nothing", async (t) => {
  const { clock, server, run, next } = world();
  const { journal } = memoryNode(server, "a");
  next("append", { repeatMs: 50 });
  t.match(await run(journal.append([put("x", "1")], 200)), { status: "stored", lastSequence: 1 });
  await clock.advance(100);
  t.match(await run(journal.append([put("x", "2")], 200)), { status: "stored", lastSequence: 2 });
});

t.test("what a consumer gets late comes in order, and the others do not wait for it", async (t) => {
  const clock = new VirtualClock();
  const server = new MemoryServer({
    subjects,
    clock,
    latencyMs: () => 1,
    deliveryDelayMs: (node) => (node === "late" ? 300 : 0),
  });
  const heard: string[] = [];
  for (const name of ["late", "ready"]) {
    const { journal } = memoryNode(server, name);
    await journal.consume({ filters: [stock("x")], fromSequence: 1 }, ({ payload }) => {
      heard.push(`${name} ${payload}`);
    });
  }
  await clock.advance(1000);
  const { journal } = memoryNode(server, "writer");
  void journal.append([put("x", "1")], 500);
  await clock.advance(100);
  void journal.append([put("x", "2")], 500);
  await clock.advance(100);
  t.same(heard, ["ready 1", "ready 2"]);
  await clock.advance(1000);
  t.same(heard.slice(2), ["late 1", "late 2"]);
});

t.test("an operation names the number of its messages", async (t) => {
  const { server, run, operations } = world();
  const { journal } = memoryNode(server, "a");
  await run(journal.append([put("x", "1"), put("y", "1")], 200));
  await run(journal.readLast(stock("x")));
  t.match(operations, [{ kind: "append", messages: 2 }, { kind: "read" }]);
  t.equal(operations[1]?.messages, undefined);
});

t.test("of a reading of all subjects some may be old, and the others new", async (t) => {
  const { server, run, next } = world();
  const { journal } = memoryNode(server, "a");
  for (const [sku, payload] of [
    ["x", "1"],
    ["y", "1"],
    ["x", "2"],
    ["y", "2"],
    ["z", "1"],
  ] as const)
    await run(journal.append([put(sku, payload)], 200));
  const filter = "$KV.ORDERS.stock.>";
  const read = async (fault: Fault, through?: number) => {
    next("read", fault);
    const found = await run(journal.readLastPerSubject(filter, through));
    return found.map(({ subject, payload }) => `${subject.slice(-1)}${payload}`).toSorted();
  };
  t.same(await read({}), ["x2", "y2", "z1"]);
  t.same(await read({ staleBy: 3 }), ["x1", "y1"]);
  t.same(await read({ staleBy: 3, isStale: (subject) => subject === stock("x") }), ["x1", "y2", "z1"]);
  t.same(await read({ staleBy: 3, isStale: (subject) => subject === stock("z") }), ["x2", "y2"]);
  t.same(await read({ staleBy: 2, isStale: (subject) => subject === stock("x") }, 5), ["x2", "y2", "z1"]);
  await t.rejects(read({ staleBy: 3 }, 3), ReplicaLagging, "the list ends before it");
  t.same(await read({ staleBy: 3 }, 2), ["x1", "y1"]);
  await t.rejects(read({ staleBy: 3, isStale: (subject) => subject === stock("z") }, 1), ReplicaLagging);
  t.same(await read({ staleBy: 100 }), [], "an empty replica");
});

t.test(
  "a work queue gives nothing to a node that hears nothing, and hears no lost acknowledgement",
  async (t) => {
    const { clock, server, run } = world();
    const [one, two] = [memoryNode(server, "one"), memoryNode(server, "two")];
    let loses = false;
    const queues = new MemoryWorkQueues(memoryNode(server, "itself").journals, clock, () => loses);
    const options = { name: "w", filters: [subjects.events("order.ready")], maxInFlight: 1, ackWaitMs: 500 };
    const got: string[] = [];
    const items: WorkItem[] = [];
    for (const node of [one, two])
      await run(
        queues.queue(node.link).consume(options, async (item) => {
          got.push(node.link.node);
          items.push(item);
        }),
      );
    one.link.cutOneWay("hearing");
    await run(two.journal.append([event], 200));
    await clock.advance(10);
    t.same(got, ["two"]);
    two.link.cutOneWay("sending");
    items[0]?.ack();
    await clock.advance(600);
    t.same(got, ["two", "two"], "its acknowledgement was lost");
    two.link.reconnect();
    loses = true;
    items[1]?.ack();
    await clock.advance(500);
    t.equal(got.length, 3, "so was this one");
    loses = false;
    items[2]?.ack();
    await clock.advance(2000);
    t.equal(got.length, 3);
    two.link.disconnect();
    await run(memoryNode(server, "three").journal.append([event], 200));
    await clock.advance(10);
    t.equal(got.length, 3, "no node hears");
    one.link.reconnect();
    await clock.advance(10);
    t.same(got.slice(3), ["one"]);
  },
);

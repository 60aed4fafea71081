/** The faults of the server in memory, and behavior that takes minutes to show on a real one. */
import t from "tap";
import { subjects } from "../../../src/services/subjects.ts";
import { VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import { memoryNode } from "../../../src/adapters/memory/connection.ts";
import {
  type Fault,
  MemoryServer,
  type MemoryServerOptions,
  type Operation,
} from "../../../src/adapters/memory/server.ts";
import { type AppendResult, type Message, ServerCode, Unavailable } from "../../../src/runtime/ports.ts";

function world(options: Partial<MemoryServerOptions> = {}) {
  const clock = new VirtualClock();
  let fault: Fault | undefined;
  const operations: Operation[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    faults: (operation) => {
      operations.push(operation);
      const now = fault;
      fault = undefined;
      return now;
    },
    ...options,
  });
  /** Lets time pass until the promise is settled. */
  const run = async <T>(promise: Promise<T>, limitMs = 60_000): Promise<T> => {
    const settled = { yes: false };
    const mark = () => void (settled.yes = true);
    promise.then(mark, mark);
    await clock.advanceUntil(() => settled.yes, limitMs);
    return promise;
  };
  return { clock, server, operations, run, next: (wanted: Fault) => void (fault = wanted) };
}

const record = (id: string, sequence = 0): Message => {
  const subject = subjects.record(1, id);
  return { subject, payload: "{}", fence: { subject, sequence } };
};

t.test("a lost request stores nothing and ends at its time limit", async (t) => {
  const { clock, server, run, next } = world();
  const { journal } = memoryNode(server, "a");
  next({ lose: "request" });
  t.equal((await run(journal.append([record("x")], 500))).status, "unanswered");
  t.equal(clock.monotonic(), 500);
  t.equal(await run(journal.readLast(subjects.record(1, "x"))), undefined);
});

t.test("a lost answer has stored everything", async (t) => {
  const { server, run, next } = world();
  const { journal } = memoryNode(server, "a");
  next({ lose: "answer" });
  t.equal((await run(journal.append([record("x")], 500))).status, "unanswered");
  t.match(await run(journal.append([record("x")], 500)), { code: ServerCode.wrongLastSequence });
  t.equal((await run(journal.readAll(subjects.record(1, "x")))).length, 1);
});

t.test(
  "a late request lands after its sender stopped waiting, unless another write was faster",
  async (t) => {
    const { clock, server, run, next } = world();
    const { journal } = memoryNode(server, "a");
    next({ delayMs: 1_000 });
    t.equal((await run(journal.append([record("x")], 500))).status, "unanswered");
    t.equal(await run(journal.readLast(subjects.record(1, "x"))), undefined);
    await clock.advance(1_000);
    t.equal((await run(journal.readLast(subjects.record(1, "x"))))?.sequence, 1);

    next({ delayMs: 1_000 });
    t.equal((await run(journal.append([record("y")], 500))).status, "unanswered");
    t.equal((await run(journal.append([record("y")], 500))).status, "stored");
    await clock.advance(1_000);
    t.equal((await run(journal.readAll(subjects.record(1, "y")))).length, 1);
  },
);

t.test("a stale replica misses the newest messages", async (t) => {
  const { server, run, next } = world();
  const { journal } = memoryNode(server, "a");
  await run(journal.append([record("x")], 500));
  await run(journal.append([record("x", 1)], 500));
  next({ staleBy: 1 });
  t.equal((await run(journal.readLast(subjects.record(1, "x"))))?.sequence, 1);
  t.equal((await run(journal.readLast(subjects.record(1, "x"))))?.sequence, 2);
});

t.test("between check and storing, a check of the same subject is refused as in flight", async (t) => {
  const { clock, server, run } = world({ replicas: 3, replicationMs: () => 10 });
  const [a, b] = [memoryNode(server, "a").journal, memoryNode(server, "b").journal];
  const first = a.append([record("x"), { subject: subjects.event(1, "e"), payload: "" }], 500);
  await clock.advance(5);
  t.match(await run(b.append([record("x")], 500)), { code: ServerCode.subjectInFlight });
  t.match(await run(first), { status: "stored", lastSequence: 2 });
  t.match(await run(b.append([record("x", 1)], 500)), { status: "stored", lastSequence: 3 });
});

t.test("writes that replicate at different speeds are stored in the order of their checks", async (t) => {
  let delayMs = 50;
  const { server, run } = world({ replicas: 3, replicationMs: () => (delayMs -= 20) });
  const { journal } = memoryNode(server, "a");
  const results = await run(Promise.all(["x", "y", "z"].map((id) => journal.append([record(id)], 500))));
  t.strictSame(
    results.map((result) => result.status === "stored" && result.lastSequence),
    [1, 2, 3],
  );
});

t.test("a message id is known for two minutes, then the fence alone protects", async (t) => {
  const { clock, server, run } = world();
  const { journal } = memoryNode(server, "a");
  const input: Message = { subject: subjects.inbox(1, "x"), payload: "{}", messageId: "m" };
  const event: Message = { subject: subjects.event(1, "e"), payload: "" };
  await run(journal.append([input, event], 500));
  await clock.advance(119_000);
  t.match(await run(journal.append([input, event], 500)), { code: ServerCode.duplicateMessageId });
  await clock.advance(2_000);
  t.match(await run(journal.append([input, event], 500)), { status: "stored" });
});

t.test("a cut connection loses everything in silence; a lost one is known", async (t) => {
  const { server, run } = world();
  const a = memoryNode(server, "a");
  const b = memoryNode(server, "b");
  await run(b.bus.serve("cmd.1", async () => "pong"));
  await run(b.bus.flush());
  t.match(await run(a.bus.request("cmd.1", "", 500)), { status: "answered", payload: "pong" });
  b.link.cut();
  t.ok(b.bus.connected());
  t.match(await run(a.bus.request("cmd.1", "", 500)), { status: "unanswered" });
  t.match(await run(b.journal.append([record("x")], 500)), { status: "unanswered" });
  b.link.disconnect();
  t.match(await run(a.bus.request("cmd.1", "", 500)), { status: "no_responders" });
  await t.rejects(b.journal.readLast("orders.journal.1.x"), Unavailable);
  b.link.reconnect();
  await run(b.bus.flush());
  t.match(await run(a.bus.request("cmd.1", "", 500)), { status: "answered" });
  t.equal(await run(a.journal.readLast(subjects.record(1, "x"))), undefined);
});

t.test(
  "an append in flight when the connection is lost is unanswered at once, but may have landed",
  async (t) => {
    const { clock, server, run } = world({ latencyMs: () => 10 });
    const a = memoryNode(server, "a");
    const pending = a.journal.append([record("x")], 60_000);
    await clock.advance(15);
    a.link.disconnect();
    t.equal((await run(pending, 1)).status, "unanswered");
    const b = memoryNode(server, "b");
    t.equal((await run(b.journal.readLast(subjects.record(1, "x"))))?.sequence, 1);
  },
);

t.test(
  "a paused node receives nothing until it resumes; then it is fenced as on a real server",
  async (t) => {
    const { clock, server, run } = world();
    const clockOfA = clock.process();
    const a = memoryNode(server, "a", clockOfA);
    const b = memoryNode(server, "b");
    const heard: string[] = [];
    await a.journal.consume({ filters: ["orders.>"], fromSequence: 1 }, (message) => {
      heard.push(message.subject);
    });
    clockOfA.pause();
    await run(b.journal.append([record("x")], 500));
    const asking = run(b.bus.request("cmd.1", "", 500));
    await clock.advance(1_000);
    await asking;
    t.strictSame(heard, []);
    clockOfA.resume();
    t.match(await run(a.journal.append([record("x")], 500)), { code: ServerCode.wrongLastSequence });
    t.strictSame(heard, [subjects.record(1, "x")]);
  },
);

t.test("schedules fire late, and in the order in which they are due", async (t) => {
  const { clock, server, run } = world({ latenessMs: () => 150 });
  const { journal } = memoryNode(server, "a");
  const arm = (generation: number, afterMs: number): Message => ({
    subject: subjects.timer(1, "x", "m", "t", generation),
    payload: String(generation),
    schedule: { at: clock.now() + afterMs, target: subjects.inbox(1, "x") },
  });
  await run(journal.append([arm(1, 60_000), arm(2, 30_000)], 500));
  await clock.advance(30_100);
  t.strictSame(await run(journal.readAll(subjects.inbox(1, "x"))), []);
  await clock.advance(60_000);
  const fired = await run(journal.readAll(subjects.inbox(1, "x")));
  t.strictSame(
    fired.map((message) => message.payload),
    ["2", "1"],
  );
});

t.test("entries of a bucket with an age expire by the clock", async (t) => {
  const { clock, server, run } = world({ bucketAgeMs: { NODES: 3_000 } });
  const nodes = memoryNode(server, "a").bucket("NODES");
  await run(nodes.put("a", "1"));
  await clock.advance(2_000);
  const at = clock.now();
  const revision = await run(nodes.put("a", "2"));
  await clock.advance(2_000);
  t.strictSame(await run(nodes.get("a")), { key: "a", value: "2", revision, at });
  await clock.advance(1_100);
  t.equal(await run(nodes.get("a")), undefined);
  t.match(await run(nodes.update("a", "3", 0)), { status: "stored" });
});

/** 200 appends of three nodes with every kind of fault; returns what each node saw, and when. */
async function play(): Promise<string[]> {
  let draw = 1;
  const next = () => (draw = (draw * 48_271) % 2_147_483_647);
  const { clock, server } = world({
    replicas: 3,
    replicationMs: () => next() % 20,
    latencyMs: () => next() % 10,
    faults: () => ({ delayMs: next() % 50, ...(next() % 5 === 0 ? { lose: "answer" as const } : {}) }),
  });
  const trace: string[] = [];
  const nodes = ["a", "b", "c"].map((name) => memoryNode(server, name, clock.process()));
  for (const [index, node] of nodes.entries()) {
    await node.journal.consume({ filters: ["orders.>"], fromSequence: 1 }, (message) => {
      trace.push(`${index} saw ${message.sequence} at ${clock.monotonic()}`);
    });
  }
  const noteOf = (index: number) => (result: AppendResult) =>
    trace.push(`${index} ${JSON.stringify(result)} at ${clock.monotonic()}`);
  for (let n = 0; n < 200; n++) {
    const index = next() % 3;
    void nodes[index]!.journal.append([record(`o-${next() % 5}`, n % 3)], 100).then(noteOf(index));
    await clock.advance(next() % 15);
  }
  await clock.advance(1_000);
  return trace;
}

t.test("the same calls give the same run", async (t) => {
  const [first, second] = [await play(), await play()];
  t.ok(first.length > 200);
  for (const status of ["stored", "rejected", "unanswered"])
    t.ok(
      first.some((line) => line.includes(status)),
      status,
    );
  t.strictSame(first, second);
});

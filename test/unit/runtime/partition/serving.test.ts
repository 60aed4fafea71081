/** A partition that is open: its consumer's bound, its checkpoint, the loss of its lock, and its hand-over. */
import t from "tap";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { limits, stopping } from "../../../../src/runtime/limits.ts";
import type { ActorRequest } from "../../../../src/runtime/routing/request-codec.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { diary, notes, record } from "../tenure/tenure-stage.ts";
import { type PartitionStage, partitionStage } from "./partition-stage.ts";

const BOUND = 3;
/** The server takes no record of the actor until the result is called. */
function holdWrites(stage: PartitionStage, actor = "d"): () => void {
  let held = true;
  stage.faults.push(({ kind, subject }) =>
    held && kind === "append" && subject === record(actor) ? { lose: "request" } : undefined,
  );
  return () => (held = false);
}
async function opened(definition = diary()): Promise<PartitionStage> {
  const stage = partitionStage({ definition, inboxBound: BOUND });
  await stage.open();
  await stage.start();
  return stage;
}

t.test(
  "the consumer waits while as many inputs are under way as the bound says, and goes on below it",
  async (t) => {
    const stage = await opened();
    const release = holdWrites(stage);
    for (let i = 1; i <= 8; i++) stage.inbox(`note.${i}`);
    await stage.clock.advance(100);
    t.equal(stage.partition.lag(), BOUND);
    release();
    await stage.clock.advance(5000);
    t.equal(stage.partition.lag(), 0);
    const reply = await stage.read();
    t.same(
      reply.status === "ok" && notes(reply.snapshot),
      [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `note.${i}`),
    );
  },
);

t.test("a consumer that waits for room ends with its tenure", async (t) => {
  const stage = await opened();
  holdWrites(stage);
  for (let i = 1; i <= 8; i++) stage.inbox(`note.${i}`);
  await stage.clock.advance(100);
  stage.partition.revoke();
  let asked = 0;
  const sleep = stage.clock.sleep.bind(stage.clock);
  stage.clock.sleep = (ms) => {
    // The pause of a consumer that waits for room.
    if (ms === 5) asked++;
    return sleep(ms);
  };
  await stage.clock.advance(1000);
  t.ok(asked <= 1, `asked ${asked} times`);
  t.equal(stage.consumers.size, 0);
});

t.test("a mark of the relay moves the checkpoint as an inbox input does", async (t) => {
  const stage = await opened();
  const mark = stage.put(subjects.fence("partition.0"), "");
  await stage.clock.advance(10);
  // The relay has resolved everything of its own, and says so with its own marks.
  await stage.clock.advance(3000);
  await stage.start("e");
  await stage.clock.advance(3000);
  t.ok(await stage.done(stage.partition.writeCheckpoint()));
  t.ok((stage.checkpoint()?.through ?? 0) >= mark);
});

t.test("the checkpoint lists open effects and holds below an input that is not acknowledged", async (t) => {
  const stage = await opened(diary(() => new Promise(() => {})));
  await stage.command("work");
  const release = holdWrites(stage);
  const input = stage.inbox("note.1");
  await stage.clock.advance(100);
  await stage.done(stage.partition.writeCheckpoint());
  t.same(stage.checkpoint()?.open, ["d"]);
  t.ok((stage.checkpoint()?.through ?? 0) < input);
  release();
  await stage.clock.advance(3000);
  await stage.start("f");
  await stage.clock.advance(3000);
  await stage.done(stage.partition.writeCheckpoint());
  t.ok((stage.checkpoint()?.through ?? 0) >= input);
});

t.test("the checkpoint of a tenure that knows less states what the earlier one has stated", async (t) => {
  const stage = await opened();
  stage.partition.revoke();
  const epoch = stage.acquireLock();
  // The earlier owner, which did not know that it was deposed, has come further than the lock of the next one.
  for (let n = 0; n < 5; n++) stage.put(subjects.fence("partition.1"), "");
  const through = stage.log.lastSequence;
  stage.state({ through });
  void stage.partition.acquire(epoch);
  t.ok(await stage.clock.advanceUntil(() => stage.partition.isOpen(), 5000));
  await stage.done(stage.partition.writeCheckpoint());
  t.equal(stage.checkpoint()?.through, through);
});

t.test(
  "a write of the checkpoint whose answer was lost is read back; one of another owner is not",
  async (t) => {
    const stage = await opened();
    await stage.clock.advance(2000);
    let lose = 1;
    stage.faults.push(({ kind }) => (kind === "bucket_write" && lose-- > 0 ? { lose: "answer" } : undefined));
    await stage.command("note.1");
    await stage.clock.advance(2000);
    t.equal(await stage.done(stage.partition.writeCheckpoint()), true);
    await stage.command("note.2");
    await stage.clock.advance(2000);
    t.equal(await stage.done(stage.partition.writeCheckpoint()), true);
    const { through } = stage.checkpoint() ?? {};
    stage.state({ through: 5, epoch: 9_999_999 });
    await stage.command("note.3");
    await stage.clock.advance(2000);
    t.equal(await stage.done(stage.partition.writeCheckpoint()), false);
    t.match(stage.checkpoint(), { through: 5, epoch: 9_999_999 }, `not ${through}`);
  },
);

t.test("a partition that is not owned takes nothing, counts nothing, and writes no checkpoint", async (t) => {
  const { partition, done, start } = partitionStage();
  t.same(
    [partition.isOpen(), partition.lag(), partition.counts()],
    [false, 0, { actors: 0, parked: 0, newer: 0, unreadable: 0, inputs: { events: {}, ignored: 0 } }],
  );
  t.equal((await start()).status, "unavailable");
  t.equal(await done(partition.writeCheckpoint()), false);
  await done(partition.drain());
});

t.test(
  "the loss of the lock answers every caller that waits, and ends subscriptions and effects",
  async (t) => {
    const stage = await opened(diary(() => new Promise(() => {})));
    await stage.command("work");
    t.equal(stage.effects.count(), 1);
    const { partition, clock } = stage;
    stage.faults.push(({ kind, subject }) =>
      kind === "read" && subject === record("x") ? { lose: "request" } : undefined,
    );
    const waiting = partition.handle({
      op: "command",
      actor: "x",
      machine: "diary",
      event: { type: "note.1" },
      commandId: "c",
      waitMs: 0,
    });
    await clock.advance(10);
    partition.revoke();
    t.match(await stage.done(waiting), { status: "unavailable", reason: /own/ });
    await clock.advance(1);
    t.same([stage.consumers.size, stage.served(), stage.effects.count()], [0, 0, 0]);
    t.equal((await stage.read()).status, "unavailable");
    t.notOk(partition.isOpen());
  },
);

t.test(
  "a hand-over takes no new request, waits for the last write set, writes the checkpoint, and closes",
  async (t) => {
    const stage = await opened();
    const release = holdWrites(stage);
    const last = stage.partition.handle({
      op: "command",
      actor: "d",
      machine: "diary",
      event: { type: "note.1" },
      commandId: "c",
      waitMs: 0,
    });
    await stage.clock.advance(10);
    let drained = false;
    void stage.partition.drain().then(() => (drained = true));
    t.notOk(stage.partition.isOpen());
    t.equal((await stage.read()).status, "unavailable", "at once");
    t.equal(stage.served(), 0);
    await stage.clock.advance(300);
    t.notOk(drained, "a write set has no answer");
    release();
    t.equal((await stage.done(last)).status, "ok");
    await stage.clock.advance(300);
    t.ok(drained);
    t.equal(stage.partition.counts().actors, 0);
    t.equal(stage.checkpoint()?.epoch, 1);
  },
);

t.test("a hand-over does not wait longer than its time for a write set without an answer", async (t) => {
  const stage = await opened();
  holdWrites(stage);
  const last = stage.partition.handle({
    op: "command",
    actor: "d",
    machine: "diary",
    event: { type: "note.1" },
    commandId: "c",
    waitMs: 0,
  });
  await stage.clock.advance(10);
  let drained = false;
  void stage.partition.drain().then(() => (drained = true));
  await stage.clock.advance(stopping.idleMs - 50);
  t.notOk(drained);
  await stage.clock.advance(100);
  t.ok(drained);
  t.notOk(stage.partition.isOpen());
  void last;
});

t.test("a newer machine's actor is reported with the name of its partition", async (t) => {
  const stage = await opened();
  stage.partition.revoke();
  const newer = { machines: {}, version: 2, inbox: 0, commands: [], effects: [], timers: [], definition: 9 };
  stage.put(record("d"), JSON.stringify({ snapshot: newer }));
  await stage.open();
  t.equal((await stage.read()).status, "unavailable");
  t.same(stage.unreadable, ["partition.0"]);
});

t.test("a request that the node refuses reaches no actor, whatever it asks for", async (t) => {
  let refused: ActorReply | undefined;
  const asked: string[] = [];
  const stage = partitionStage({
    refusal: (op, lock) => {
      asked.push(`${op} ${lock}`);
      return refused;
    },
  });
  await stage.open();
  await stage.start();
  const { lastSequence } = stage.log;
  refused = { status: "overloaded", retryAfterMs: 1 };
  const requests: ActorRequest[] = [
    { op: "read", actor: "d" },
    { op: "start", actor: "e", input: {}, waitMs: 0, mayExist: false },
    { op: "command", actor: "d", machine: "diary", event: { type: "note.1" }, commandId: "c", waitMs: 0 },
    { op: "resume", actor: "d" },
    { op: "skip", actor: "d", parking: "p" },
  ];
  for (const request of requests) {
    t.same(await stage.done(stage.partition.handle(request)), refused, request.op);
    t.equal(asked.at(-1), `${request.op} ${subjects.lock("partition.0")}`);
  }
  t.equal(stage.log.lastSequence, lastSequence);
});

t.test("a command is recognized after the record has forgotten its id", async (t) => {
  const stage = await opened();
  await stage.command("note.1", { commandId: "first" });
  for (let i = 0; i < limits.recentCommands; i++) await stage.command("note.2", { commandId: `c${i}` });
  t.notOk(stage.records().at(-1)?.snapshot.commands.includes("first"));
  t.match(await stage.command("note.1", { commandId: "first" }), { status: "ok", repeated: true });
  const reply = await stage.read();
  t.equal(reply.status === "ok" && notes(reply.snapshot).length, limits.recentCommands + 1);
});

t.test(
  "a start keeps the hash of its request, and is compared with a later one without a write",
  async (t) => {
    const stage = partitionStage();
    await stage.open();
    const start = (request: string): Promise<ActorReply> =>
      stage.done(
        stage.partition.handle({ op: "start", actor: "d", input: {}, request, waitMs: 0, mayExist: true }),
      );
    t.match(await start("r"), { status: "ok", repeated: false, snapshot: { request: "r" } });
    stage.partition.revoke();
    await stage.open();
    let appends = 0;
    stage.faults.push(({ kind, subject }) => {
      if (kind === "append" && subject === record("d")) appends++;
      return undefined;
    });
    t.match(await start("r"), { status: "ok", repeated: true });
    t.match(await start("other"), { status: "request_mismatch" });
    t.equal(appends, 0);
  },
);

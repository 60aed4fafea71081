/** A node that was isolated answers nothing from memory before it has verified its locks. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import type { AppendResult, Journal, StoredMessage } from "../../../../src/runtime/ports.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { LockVerification } from "../../../../src/runtime/cluster/lock-verification.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { ownershipStage } from "./ownership-stage.ts";
import { diary } from "../tenure/tenure-stage.ts";

const NAME = "partition.0";
const LOCK = subjects.lock(NAME);
const FENCE = subjects.fence(NAME);

/** A journal whose consumers can be delayed: their messages are in flight. */
function slowNews() {
  let late = false;
  const waiting: (() => void)[] = [];
  const wrap = (journal: Journal): Journal => ({
    ...journal,
    append: (messages, timeoutMs) => journal.append(messages, timeoutMs),
    readLast: (subject) => journal.readLast(subject),
    consume: (options, onMessage) =>
      journal.consume(options, (message: StoredMessage) => {
        if (!late) return onMessage(message);
        waiting.push(() => void onMessage(message));
        return undefined;
      }),
  });
  return {
    wrap,
    hold: () => {
      late = true;
    },
    tell: () => {
      late = false;
      for (const one of waiting.splice(0)) one();
    },
  };
}

t.test("a lock that another node took meanwhile is known to be lost before the watch shows it", async (t) => {
  const stage = ownershipStage([NAME]);
  const news = slowNews();
  const one = await stage.node("one", news.wrap);
  await stage.until("one holds it", () => one.ownership.held().includes(NAME));
  t.ok(one.ownership.isVerified(LOCK));
  news.hold();
  one.link.disconnect();
  const two = await stage.node("two");
  await stage.until("two has taken it", () => two.ownership.held().includes(NAME));
  t.ok(two.ownership.isVerified(LOCK));
  one.link.reconnect();
  await stage.until(
    "the first node is visible again",
    () => one.presence.valid() && two.presence.present().includes("one"),
  );
  t.notOk(
    one.ownership.held().includes(NAME) && one.ownership.isVerified(LOCK),
    "a lost lock is never verified",
  );
  await stage.until("one knows", () => !one.ownership.held().includes(NAME));
  news.tell();
  t.notOk(one.ownership.held().includes(NAME), "late messages do not restore it");
});

t.test("a lock that is still held is verified again as soon as the server has stored a fence", async (t) => {
  const stage = ownershipStage([NAME]);
  const one = await stage.node("one");
  await stage.until("one holds it", () => one.ownership.held().includes(NAME));
  let away = true;
  stage.faults.push(({ kind, subject }) =>
    away && kind === "append" && subject === FENCE ? { lose: "request" } : undefined,
  );
  one.ownership.verifyLocks();
  await stage.clock.advance(5000);
  t.notOk(one.ownership.isVerified(LOCK), "nothing was verified");
  away = false;
  await stage.until("certain", () => one.ownership.isVerified(LOCK));
  t.same(one.ownership.held(), [NAME]);
});

t.test("a fence that was sent before verification last began verifies nothing", async (t) => {
  const stage = ownershipStage([NAME]);
  const one = await stage.node("one");
  await stage.until("one holds it", () => one.ownership.held().includes(NAME));
  let slow = true;
  stage.faults.push(({ kind, subject }) =>
    slow && kind === "append" && subject === FENCE ? { delayMs: 50 } : undefined,
  );
  one.ownership.verifyLocks();
  await stage.clock.advance(10);
  slow = false;
  one.ownership.verifyLocks();
  stage.faults.push(({ kind, subject }) =>
    kind === "append" && subject === FENCE ? { lose: "request" } : undefined,
  );
  await stage.clock.advance(2000);
  t.notOk(one.ownership.isVerified(LOCK));
});

t.test("a node that was isolated answers nothing from memory before its locks are verified", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("a", {}, { waitMs: 0, mayExist: false }));
  let away = true;
  cluster.faults.push(({ kind, subject }) =>
    away && kind === "append" && subject === FENCE ? { lose: "request" } : undefined,
  );
  one.link.disconnect();
  one.link.reconnect();
  const answered: string[] = [];
  const ask = async (what: string, asked: Promise<ActorReply>): Promise<ActorReply> => {
    const reply = await asked;
    answered.push(what);
    return reply;
  };
  // Those after the first are no reads, and need no write that the server would check.
  const asked = [
    ask("a reading", one.actors.read("a")),
    ask("a repeated start", one.actors.start("a", {}, { waitMs: 0, mayExist: true })),
    ask("an illegal command", one.actors.command("a", "diary", { type: "x" }, { commandId: "c", waitMs: 0 })),
    ask("of none", one.actors.command("b", "diary", { type: "x" }, { commandId: "c", waitMs: 0 })),
  ];
  await cluster.clock.advance(2000);
  t.same(answered, [], "it verifies first");
  away = false;
  t.match(await cluster.done(Promise.all(asked)), [
    { status: "ok" },
    { status: "ok" },
    { status: "illegal" },
    { status: "not_found" },
  ]);
  one.kill();
});

t.test("a lock whose takeover was in progress when the node was isolated is unverified too", async (t) => {
  const stage = ownershipStage([NAME]);
  const one = await stage.node("one");
  await stage.until("one holds it", () => one.ownership.held().includes(NAME));
  const work = Promise.withResolvers<void>();
  one.resources[0]?.acquisitions.push(() => work.promise);
  one.ownership.moved({ subject: LOCK, epoch: stage.revision(NAME) });
  await stage.until("acquiring", () => one.resources[0]?.open === true);
  let away = true;
  stage.faults.push(({ kind, subject }) =>
    away && kind === "append" && subject === FENCE ? { lose: "request" } : undefined,
  );
  one.ownership.verifyLocks();
  work.resolve();
  await stage.until("one holds it again", () => one.ownership.held().includes(NAME));
  t.notOk(one.ownership.isVerified(LOCK), "the server has not confirmed it since");
  await stage.clock.advance(2000);
  t.notOk(one.ownership.isVerified(LOCK));
  away = false;
  await stage.until("certain", () => one.ownership.isVerified(LOCK));
});

t.test("a claim that was sent before the node was isolated verifies nothing", async (t) => {
  const stage = ownershipStage([NAME]);
  const one = await stage.node("one");
  await stage.until("one holds it", () => one.ownership.held().includes(NAME));
  let sent = false;
  stage.faults.push(({ kind, subject }) => {
    if (kind !== "append" || subject !== LOCK) return undefined;
    sent = true;
    return { delayMs: 50 };
  });
  let away = true;
  stage.faults.push(({ kind, subject }) =>
    away && kind === "append" && subject === FENCE ? { lose: "request" } : undefined,
  );
  one.ownership.moved({ subject: LOCK, epoch: stage.revision(NAME) });
  await stage.until("the claim is in flight", () => sent);
  one.ownership.verifyLocks();
  await stage.until("one holds it again", () => one.ownership.held().includes(NAME));
  t.notOk(one.ownership.isVerified(LOCK), "another node may have taken it since the claim");
  away = false;
  await stage.until("certain", () => one.ownership.isVerified(LOCK));
  t.same(one.ownership.held(), [NAME]);
});

t.test("a claim that was sent after the node was isolated verifies the lock", async (t) => {
  const stage = ownershipStage([NAME]);
  const one = await stage.node("one");
  await stage.until("one holds it", () => one.ownership.held().includes(NAME));
  stage.faults.push(({ kind, subject }) =>
    kind === "append" && subject === FENCE ? { lose: "request" } : undefined,
  );
  one.ownership.verifyLocks();
  t.notOk(one.ownership.isVerified(LOCK));
  one.ownership.moved({ subject: LOCK, epoch: stage.revision(NAME) });
  await stage.until("one holds it again", () => one.ownership.held().includes(NAME));
  t.ok(one.ownership.isVerified(LOCK));
});

t.test("a lock that is lost is not verified, although nothing has isolated the node", async (t) => {
  const stage = ownershipStage([NAME]);
  const one = await stage.node("one");
  await stage.until("one holds it", () => one.ownership.held().includes(NAME));
  t.ok(one.ownership.isVerified(LOCK));
  stage.faults.push(({ kind, subject }) =>
    kind === "append" && subject === LOCK ? { lose: "request" } : undefined,
  );
  one.ownership.moved({ subject: LOCK, epoch: stage.revision(NAME) });
  t.notOk(one.ownership.isVerified(LOCK));
  await stage.clock.advance(1000);
  t.notOk(one.ownership.isVerified(LOCK), "nor while it is claimed again");
});

t.test("more locks than one batch takes are verified, and the one that has moved is found", async (t) => {
  const clock = new VirtualClock();
  const names = Array.from({ length: 1001 }, (_, n) => subjects.lock(`partition.${n}`));
  const moved = subjects.lock("partition.7");
  let held = names.map((subject, n) => ({ subject, epoch: n + 1 }));
  const sizes: number[] = [];
  const journal: Pick<Journal, "append" | "readLast"> = {
    append: async (messages) => {
      sizes.push(messages.length);
      for (const { fence, subject } of messages) {
        const epoch = names.indexOf(fence?.subject ?? "") + 1;
        if (fence?.sequence !== epoch || subject !== subjects.fence(`partition.${epoch - 1}`))
          t.fail(`${subject} checks ${fence?.subject} ${fence?.sequence}`);
      }
      const isRefused = messages.some(({ fence }) => fence?.subject === moved);
      return isRefused
        ? { status: "rejected", code: 10071, reason: "wrong last sequence" }
        : { status: "stored", lastSequence: 1 };
    },
    readLast: async (subject) => ({ subject, sequence: 5000, at: 0, headers: {}, payload: "{}" }),
  };
  const verification = new LockVerification({
    subjects,
    clock,
    commitTimeoutMs: 100,
    held: () => held.map((lock) => ({ ...lock, journal: journal as Journal })),
    saw: ({ subject }) => {
      if (subject === moved) held = held.filter((lock) => lock.subject !== moved);
    },
  });
  verification.begin();
  await clock.advance(1000);
  t.ok(
    sizes.every((size) => size <= 1000),
    sizes.join(),
  );
  t.equal(held.length, names.length - 1);
  t.ok(held.every((lock) => verification.isVerified(lock)));
  t.notOk(verification.isVerified({ subject: moved, epoch: 8 }));
});

t.test("a node that has stopped sends no more fences, whatever the server does", async (t) => {
  const stage = ownershipStage([NAME]);
  const one = await stage.node("one");
  await stage.until("one holds it", () => one.ownership.held().includes(NAME));
  let fences = 0;
  stage.faults.push(({ kind, subject }) => {
    if (kind === "append" && subject === FENCE) fences++;
    return kind === "append" ? { lose: "request" } : undefined;
  });
  one.ownership.verifyLocks();
  await stage.clock.advance(1000);
  t.ok(fences > 1);
  let isStopped = false;
  void one.ownership.stop().finally(() => {
    isStopped = true;
  });
  const before = fences;
  await stage.until("stopped", () => isStopped);
  await stage.clock.advance(5000);
  t.ok(fences <= before + 1, `${fences - before} more`);
});

t.test(
  "a stream that confirms its locks does not spare another one the pause between attempts",
  async (t) => {
    const clock = new VirtualClock();
    const sent = { good: 0, silent: 0 };
    const answering = (name: keyof typeof sent, result: AppendResult): Journal =>
      ({
        append: () => {
          sent[name]++;
          return Promise.resolve(result);
        },
      }) as unknown as Journal;
    const held = [
      { subject: LOCK, epoch: 1, journal: answering("good", { status: "stored", lastSequence: 1 }) },
      {
        subject: subjects.lock("partition.1"),
        epoch: 1,
        journal: answering("silent", { status: "unanswered", reason: "no answer" }),
      },
    ];
    const verification = new LockVerification({
      subjects,
      clock,
      commitTimeoutMs: 100,
      held: () => held,
      saw: () => {},
    });
    verification.begin();
    await clock.advance(0);
    t.same(sent, { good: 1, silent: 1 }, "the second attempt waits");
    await clock.advance(350);
    t.same(sent, { good: 1, silent: 4 });
    verification.stop();
  },
);

/** Whether a stream still holds the log that was read: proofs, no false alarms, and what may be appended meanwhile. */
import t from "tap";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { type Fault, MemoryServer, type Operation } from "../../../../src/adapters/memory/server.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { LogWatch } from "../../../../src/runtime/cluster/log-watch.ts";
import type { AppendResult } from "../../../../src/runtime/ports.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { firstOf } from "../../../support/faults/first-fault.ts";
import { silent } from "../commit/relay-stage.ts";

const CHECK_MS = 500;

const isProbe = ({ subject }: Operation) => subject === subjects.fence("partition.0");

async function stage({ streams = 1, messages = 10 } = {}) {
  const clock = new VirtualClock();
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    layout: { partitions: 4, streams },
    latencyMs: () => 1,
    faults: firstOf(faults),
  });
  const logs = subjects.streams(streams).map((name) => server.log(name));
  const grow = (count: number, stream = 0): void => {
    for (let n = 0; n < count; n++) {
      logs[stream]!.propose([{ subject: subjects.fence(`partition.${stream}`), payload: "" }], () => {});
    }
  };
  for (const stream of logs.keys()) grow(messages, stream);
  const one = memoryNode(server, "one");
  const lost: string[] = [];
  const lines: string[] = [];
  const watch = new LogWatch({
    subjects,
    journals: one.journals,
    clock,
    log: { ...silent, error: (_fields: object, message: string) => void lines.push(message) },
    checkMs: CHECK_MS,
    commitTimeoutMs: 500,
    onLost: (reason) => lost.push(reason),
  });
  const starting = watch.start();
  await clock.advance(100);
  await starting;
  return { clock, server, faults, logs, grow, link: one.link, watch, lost, lines };
}

t.test("a log that goes back is lost within two checks, with both sequences in one line", async (t) => {
  const s = await stage({ messages: 97 });
  await s.clock.advance(5 * CHECK_MS);
  t.equal(s.watch.lost(), undefined);
  s.logs[0]!.goBack(23);
  await s.clock.advance(2 * CHECK_MS);
  t.match(s.watch.lost(), /the log KV_ORDERS went back from 97 to 23: .*restart the nodes after/u);
  t.same(s.lost, [s.watch.lost()]);
  t.same(s.lines, [s.watch.lost()], "one line");
  await s.clock.advance(60_000);
  t.equal(s.lost.length, 1, "once");
});

t.test("a log that went back and has grown past what was seen is lost too", async (t) => {
  const s = await stage();
  await s.clock.advance(2 * CHECK_MS);
  s.logs[0]!.goBack(5);
  s.grow(100);
  await s.clock.advance(2 * CHECK_MS);
  t.match(s.watch.lost(), /went back below 10 and has grown again to 105/u);
});

t.test("a log with another id, and one that was made at another time, is lost", async (t) => {
  const other = await stage();
  other.logs[0]!.replace("another");
  other.grow(50);
  await other.clock.advance(2 * CHECK_MS);
  t.match(other.watch.lost(), /is another one: its id was log-KV_ORDERS and is another/u);
  const same = await stage();
  await same.clock.advance(CHECK_MS);
  same.logs[0]!.replace("log-KV_ORDERS");
  same.grow(50);
  await same.clock.advance(2 * CHECK_MS);
  t.match(same.watch.lost(), /is another one: it was made at 20.*, now at 20/u);
});

t.test("of several logs each is watched", async (t) => {
  for (const stream of [0, 1, 2]) {
    const s = await stage({ streams: 3 });
    await s.clock.advance(2 * CHECK_MS);
    s.logs[stream]!.goBack(4);
    await s.clock.advance(2 * CHECK_MS);
    t.match(s.watch.lost(), new RegExp(`the log ${subjects.stream(stream)} went back from 10 to 4`, "u"));
  }
});

t.test("answers of a leader that is not as far as the one before are no proof", async (t) => {
  const s = await stage();
  let lagging = true;
  s.faults.push(({ kind }) => (kind === "read" && lagging ? { staleBy: 7 } : undefined));
  for (let n = 0; n < 20; n++) {
    s.grow(1);
    await s.clock.advance(CHECK_MS);
  }
  t.equal(s.watch.lost(), undefined);
  lagging = false;
  await s.clock.advance(5 * CHECK_MS);
  t.equal(s.watch.lost(), undefined);
});

t.test("a log that goes back while its leader answers nothing is lost when it answers", async (t) => {
  const s = await stage();
  let silentServer = true;
  s.faults.push(() => (silentServer ? { lose: "answer" } : undefined));
  s.logs[0]!.goBack(5);
  await s.clock.advance(60_000);
  t.equal(s.watch.lost(), undefined, "no answer is no proof");
  silentServer = false;
  await s.clock.advance(10_000);
  t.match(s.watch.lost(), /went back/u);
});

t.test("messages that were removed from the log are no proof", async (t) => {
  const s = await stage();
  const timer = subjects.timer(0, "a", "m", "t", 1);
  const target = subjects.inbox(0, "a");
  for (let n = 0; n < 20; n++) {
    const schedule = { at: s.clock.now() + 3_600_000, target };
    s.logs[0]!.propose([{ subject: timer, payload: "{}", schedule }], () => {});
    await s.clock.advance(CHECK_MS);
  }
  t.equal(s.watch.lost(), undefined);
});

t.test("after an interruption nothing is appended before the log was checked", async (t) => {
  const s = await stage();
  const [journal] = s.watch.guarded();
  const message = { subject: subjects.record(0, "a"), payload: "{}" };
  await s.clock.advance(CHECK_MS);
  s.link.disconnect();
  s.watch.interrupted(false);
  s.logs[0]!.goBack(5);
  await s.clock.advance(CHECK_MS);
  s.link.reconnect();
  s.watch.interrupted(true);
  const result: AppendResult[] = [];
  void journal!.append([message], 2_000).then((found) => result.push(found));
  await s.clock.advance(10_000);
  t.match(result, [{ status: "unanswered", reason: /went back from 10 to 5/u }]);
  t.equal(s.logs[0]!.last(message.subject), undefined, "the log has nothing of the memory of before");
});

t.test("after an interruption of a log that is the same, appends wait for its check and go on", async (t) => {
  const s = await stage();
  const [journal] = s.watch.guarded();
  const message = { subject: subjects.record(0, "a"), payload: "{}" };
  s.link.disconnect();
  s.watch.interrupted(false);
  await s.clock.advance(3 * CHECK_MS);
  s.link.reconnect();
  s.watch.interrupted(true);
  const result: AppendResult[] = [];
  void journal!.append([message], 2_000).then((found) => result.push(found));
  await s.clock.advance(20);
  t.match(result, [{ status: "stored" }]);
});

t.test("an append that the check keeps waiting ends at its time limit", async (t) => {
  const s = await stage();
  const [journal] = s.watch.guarded();
  s.faults.push(({ kind }) => (kind === "read" ? { lose: "request" } : undefined));
  s.watch.interrupted(true);
  const result: AppendResult[] = [];
  const message = { subject: subjects.record(0, "a"), payload: "{}" };
  void journal!.append([message], 700).then((found) => result.push(found));
  await s.clock.advance(690);
  t.same(result, []);
  await s.clock.advance(20);
  t.match(result, [{ status: "unanswered", reason: /not checked/u }]);
  t.equal(s.logs[0]!.last(message.subject), undefined);
});

t.test("once a log is lost, nothing is appended to any", async (t) => {
  const s = await stage({ streams: 2 });
  s.logs[1]!.goBack(1);
  await s.clock.advance(2 * CHECK_MS);
  const result: AppendResult[] = [];
  for (const [stream, journal] of s.watch.guarded().entries()) {
    const message = { subject: subjects.record(stream, "a"), payload: "{}" };
    void journal.append([message], 500).then((found) => result.push(found));
  }
  await s.clock.advance(1_000);
  t.match(result, [
    { status: "unanswered", reason: /KV_ORDERS_1 went back/u },
    { status: "unanswered", reason: /KV_ORDERS_1 went back/u },
  ]);
});

t.test("a stamp of this log is recognized, one of another id or with another message is not", async (t) => {
  const s = await stage();
  await s.clock.advance(2 * CHECK_MS);
  const history = s.watch.history(0);
  const stamp = history.stamp();
  t.match(stamp, { log: "log-KV_ORDERS", mark: { sequence: 10 } });
  const asked = async (other: object): Promise<string | undefined> => {
    const answer = history.contradicts(other);
    await s.clock.advance(10);
    return await answer;
  };
  t.equal(await asked(stamp), undefined);
  t.equal(await asked({}), undefined, "an entry of version 0.1.0 has none");
  t.match(await asked({ ...stamp, log: "other" }), /about the log other/u);
  const { sequence, at } = stamp.mark!;
  t.match(await asked({ ...stamp, mark: { sequence, at: at + 1 } }), /message 10/u);
  t.equal(
    await asked({ ...stamp, mark: { sequence: 5_000, at } }),
    undefined,
    "what is not there proves nothing",
  );
});

t.test(
  "a probe without an answer proves nothing: the log stays unchecked, and nothing is appended",
  async (t) => {
    const s = await stage();
    const [journal] = s.watch.guarded();
    await s.clock.advance(CHECK_MS);
    const message = { subject: subjects.record(0, "a"), payload: "{}" };
    s.faults.push((operation) => (isProbe(operation) ? { lose: "request" } : undefined));
    s.logs[0]!.goBack(5);
    s.watch.interrupted(true);
    const result: AppendResult[] = [];
    for (let n = 0; n < 5; n++) {
      void journal!.append([message], 900).then((found) => result.push(found));
      await s.clock.advance(2_000);
    }
    t.equal(s.watch.lost(), undefined);
    t.same(
      result.map(({ status }) => status),
      Array.from({ length: 5 }, () => "unanswered"),
    );
    t.equal(s.logs[0]!.last(message.subject), undefined);
    s.faults.length = 0;
    await s.clock.advance(3_000);
    t.match(s.watch.lost(), /went back/u);
  },
);

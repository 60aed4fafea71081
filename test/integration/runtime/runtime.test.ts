/**
 * The runtime on a real server, hosting a machine that is not an order. A node crashes by losing all that it has in
 * memory.
 */
import t from "tap";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { natsJournal } from "../../../src/adapters/nats/journal.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { PARTITIONS, startRuntime } from "../../support/cluster/runtime-node.ts";
import { badCoin, turnstile } from "../../../examples/turnstile/turnstile.ts";
import { waitUntil } from "../../support/wait-until.ts";

const okCoin = (key: string): Promise<{ receipt: string }> => Promise.resolve({ receipt: key });

t.test("a turnstile is started, takes a coin, lets one pass and is counted", async (t) => {
  const server = await startNatsServer(t);
  const { node, link } = await startRuntime(t, server.url, "one", turnstile(okCoin));
  const started = await node.actors.start(
    "gate_1",
    { lockAfterMs: 60_000 },
    { waitMs: 5000, mayExist: false },
  );
  t.match(started, { status: "ok", settled: true, snapshot: { version: 1 } });
  const coin = await node.actors.command(
    "gate_1",
    "turnstile",
    { type: "coin" },
    { commandId: "c1", waitMs: 5000 },
  );
  t.match(coin, {
    status: "ok",
    settled: true,
    snapshot: { machines: { turnstile: { value: "unlocked" } } },
  });
  const again = await node.actors.command(
    "gate_1",
    "turnstile",
    { type: "coin" },
    { commandId: "c1", waitMs: 0 },
  );
  t.match(
    again,
    { status: "ok", repeated: true, snapshot: { version: 3 } },
    "a repeated command changes nothing",
  );
  const push = await node.actors.command(
    "gate_1",
    "turnstile",
    { type: "push" },
    { commandId: "c2", waitMs: 0 },
  );
  t.match(push, {
    status: "ok",
    snapshot: { machines: { counter: { context: { passed: 1 } } }, timers: [] },
  });
  const illegal = await node.actors.command(
    "gate_1",
    "turnstile",
    { type: "push" },
    { commandId: "c3", waitMs: 0 },
  );
  t.equal(illegal.status, "illegal");
  t.equal((await node.actors.read("gate_none")).status, "not_found");
  const partition = partitionOf("gate_1", PARTITIONS);
  const records = await natsJournal(link, subjects.stream(0)).readAll(subjects.record(partition, "gate_1"));
  t.same(
    records.map((record) => readRecord(record)?.input),
    ["start", "command:coin", "effect:turnstile.checkCoin", "command:push"],
  );
  const event = await natsJournal(link, subjects.stream(0)).readLast(
    subjects.event(partition, "turnstile.passed"),
  );
  t.equal(event?.headers["ce-id"], "gate_1.4.0");
});

t.test("an `after` timer fires from the log when its owner has crashed", async (t) => {
  const server = await startNatsServer(t);
  const one = await startRuntime(t, server.url, "one", turnstile(okCoin));
  await one.node.actors.start("gate_2", { lockAfterMs: 1500 }, { waitMs: 0, mayExist: false });
  await one.node.actors.command("gate_2", "turnstile", { type: "coin" }, { commandId: "c1", waitMs: 5000 });
  await one.crash();
  const two = await startRuntime(t, server.url, "two", turnstile(okCoin));
  await waitUntil("the turnstile has locked itself", async () => {
    const reply = await two.node.actors.read("gate_2");
    return reply.status === "ok" && reply.snapshot.machines["turnstile"]?.value === "locked";
  });
});

t.test(
  "an `invoke` goes on under its key when its owner has crashed in the middle of the call",
  async (t) => {
    const server = await startNatsServer(t);
    const keys: string[] = [];
    let reached: (() => void) | undefined;
    const called = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const hanging = turnstile((key) => {
      keys.push(key);
      reached?.();
      return new Promise(() => {});
    });
    const one = await startRuntime(t, server.url, "one", hanging);
    await one.node.actors.start("gate_3", { lockAfterMs: 60_000 }, { waitMs: 0, mayExist: false });
    await one.node.actors.command("gate_3", "turnstile", { type: "coin" }, { commandId: "c1", waitMs: 0 });
    await called;
    await one.crash();
    const resumed: boolean[] = [];
    const two = await startRuntime(
      t,
      server.url,
      "two",
      turnstile((key, _attempt, again) => {
        keys.push(key);
        resumed.push(again);
        return okCoin(key);
      }),
    );
    await waitUntil("the coin is taken", async () => {
      const reply = await two.node.actors.read("gate_3");
      return reply.status === "ok" && reply.snapshot.machines["turnstile"]?.value === "unlocked";
    });
    t.equal(keys.length, 2);
    t.equal(keys[0], keys[1], "the same key");
    t.same(resumed, [true]);
  },
);

t.test("a refused coin goes to onError, and an unknown outcome is queried and not repeated", async (t) => {
  const server = await startNatsServer(t);
  const books = new Map<string, { receipt: string }>();
  let calls = 0;
  const definition = turnstile(
    (key) => {
      calls++;
      if (calls === 1) return Promise.reject(badCoin);
      books.set(key, { receipt: key });
      return Promise.reject(new Error("answer lost"));
    },
    (key) => books.get(key),
  );
  const { node } = await startRuntime(t, server.url, "one", definition);
  await node.actors.start("gate_4", { lockAfterMs: 60_000 }, { waitMs: 0, mayExist: false });
  const refused = await node.actors.command(
    "gate_4",
    "turnstile",
    { type: "coin" },
    { commandId: "c1", waitMs: 5000 },
  );
  t.match(refused, { snapshot: { machines: { turnstile: { value: "locked" } } } });
  const taken = await node.actors.command(
    "gate_4",
    "turnstile",
    { type: "coin" },
    { commandId: "c2", waitMs: 5000 },
  );
  t.match(taken, { snapshot: { machines: { turnstile: { value: "unlocked" } } } });
  t.equal(calls, 2, "the node has queried the status and not repeated the call");
});

for (const streams of [1, 3]) {
  t.test(
    `two nodes share the partitions of ${streams} streams, answer for each other, and one takes over when the other crashes`,
    async (t) => {
      const server = await startNatsServer(t);
      const one = await startRuntime(t, server.url, "one", turnstile(okCoin), streams);
      const two = await startRuntime(t, server.url, "two", turnstile(okCoin), streams);
      await waitUntil(
        "both own something",
        () => one.node.status().held.length > 0 && two.node.status().held.length > 0,
      );
      const gates = Array.from({ length: 20 }, (_, i) => `gate_t${i}`);
      await Promise.all(
        gates.map((gate) =>
          two.node.actors.start(gate, { lockAfterMs: 60_000 }, { waitMs: 0, mayExist: false }),
        ),
      );
      const begun = performance.now();
      await one.crash();
      for (const gate of gates) {
        const reply = await two.node.actors.command(
          gate,
          "turnstile",
          { type: "coin" },
          { commandId: "c", waitMs: 5000 },
        );
        t.match(reply, { status: "ok", settled: true }, gate);
      }
      t.comment(`taken over and served after ${Math.round(performance.now() - begun)} ms`);
    },
  );
}

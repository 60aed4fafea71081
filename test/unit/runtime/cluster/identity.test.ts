/** Who has a node id: newcomers, holders and their ends in every order, on the server in memory. */
import t from "tap";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import type { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { Identity } from "../../../../src/runtime/cluster/identity.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { identityStage, REFRESH_MS, TTL_MS } from "./identity-stage.ts";

/** How long `act` takes, virtual ms. */
async function msOf(clock: VirtualClock, act: () => Promise<unknown>): Promise<number> {
  const from = clock.monotonic();
  await act();
  return clock.monotonic() - from;
}

t.test("the first process has the id within some round trips", async (t) => {
  const s = identityStage();
  const a = s.process("a");
  const ms = await msOf(s.clock, async () => t.equal(await a.start(), undefined));
  t.ok(ms <= 20, `${ms} ms`);
  t.equal(s.holder(), "a");
  await s.clock.advance(10 * TTL_MS);
  t.equal(s.holder(), "a", "its heartbeats keep it");
  t.same(a.taken, []);
});

t.test("a second process is refused at once, and the first one notices nothing", async (t) => {
  const s = identityStage();
  const a = s.process("a");
  const b = s.process("b");
  await a.start();
  await s.clock.advance(10_000);
  let refusal: Error | undefined;
  const ms = await msOf(s.clock, async () => (refusal = await b.start()));
  t.ok(ms <= 20, `${ms} ms`);
  t.match(refusal, { name: "IdentityTaken" });
  for (const part of [
    /"one" is in use/u,
    /started 1970-01-01T00:00:00.000Z/u,
    /http:\/\/a/u,
    /process 42/u,
    /boot a/u,
    /ORDERLY_NODE_ID/u,
  ])
    t.match(refusal?.message, part);
  await s.outcome(b.identity.release());
  await s.outcome(b.identity.renew(b.entry()));
  await s.clock.advance(10_000);
  t.equal(s.holder(), "a", "what the refused process still does changes nothing");
  t.same(a.taken, []);
});

t.test(
  "of two processes that start together, in every order of their steps, exactly one has the id",
  async (t) => {
    const winners = new Set<string | undefined>();
    for (let delayMs = 0; delayMs <= 12; delayMs++)
      for (const [slow, lost] of [
        ["none", "none"],
        ["none", "a"],
        ["none", "b"],
        ["a", "none"],
        ["a", "a"],
        ["a", "b"],
      ]) {
        const s = identityStage();
        let left = 1;
        s.faults.push(({ node, kind }) => {
          if (kind !== "bucket_write") return undefined;
          return {
            ...(node === slow ? { delayMs: 15 } : {}),
            ...(node === lost && left-- > 0 ? { lose: "answer" } : {}),
          };
        });
        const [a, b] = [s.process("a"), s.process("b")];
        const first = s.outcome(a.beginStart());
        await s.clock.advance(delayMs);
        const ends = [await s.outcome(b.beginStart()), await first];
        const refused = ends.filter((end) => end?.name === "IdentityTaken");
        t.equal(refused.length, 1, `${delayMs} ms later, ${slow} is slow, an answer to ${lost} is lost`);
        const winner = ends[0] === undefined ? b : a;
        await s.clock.advance(3 * TTL_MS);
        t.equal(s.holder(), winner.boot);
        t.same([...a.taken, ...b.taken], []);
        winners.add(winner.boot);
      }
    t.same(winners, new Set(["a", "b"]), "either may win");
  },
);

t.test("the next process of a killed one has the id after a third of a second", async (t) => {
  const s = identityStage();
  const a = s.process("a");
  const b = s.process("b");
  await a.start();
  await s.clock.advance(700);
  a.kill();
  const ms = await msOf(s.clock, async () => t.equal(await b.start(), undefined));
  t.ok(ms >= 300 && ms <= 350, `${ms} ms`);
  t.equal(s.holder(), "b");
});

t.test(
  "a heartbeat of the killed process that is stored late does not keep the next one from the id",
  async (t) => {
    for (let delayMs = 20; delayMs <= 400; delayMs += 20) {
      const s = identityStage();
      const a = s.process("a");
      const b = s.process("b");
      await a.start();
      const from = s.clock.monotonic();
      s.faults.push(({ node, kind }) => (kind === "bucket_write" && node === "a" ? { delayMs } : undefined));
      await s.clock.advance(REFRESH_MS + 2);
      a.kill();
      t.equal(await b.start(), undefined, `${delayMs} ms`);
      await s.clock.advance(TTL_MS);
      t.equal(s.holder(), "b");
      t.same(b.taken, []);
      t.ok(s.clock.monotonic() - from < 2 * TTL_MS);
    }
  },
);

t.test("a frozen process keeps the id for the life of its entry, and leaves when it goes on", async (t) => {
  const s = identityStage();
  const a = s.process("a");
  const b = s.process("b");
  await a.start();
  await s.clock.advance(2 * REFRESH_MS);
  a.clock.pause();
  const ms = await msOf(s.clock, async () => t.equal(await b.start(), undefined));
  t.ok(ms > TTL_MS - REFRESH_MS && ms <= TTL_MS + 400, `${ms} ms`);
  a.clock.resume();
  await s.clock.advance(2 * REFRESH_MS);
  t.equal(a.taken.length, 1);
  t.match(
    a.taken[0]?.message,
    /"one" was claimed by another process \(.*http:\/\/b.*boot b\).*ORDERLY_NODE_ID/u,
  );
  await s.outcome(a.identity.release());
  t.equal(s.holder(), "b", "its end deletes no entry but its own");
  await s.outcome(a.identity.renew(a.entry()));
  await s.clock.advance(3 * TTL_MS);
  t.equal(s.holder(), "b", "nor does it write one");
  t.same(b.taken, []);
});

t.test("a process that receives no changes of the bucket leaves with its next heartbeat", async (t) => {
  const s = identityStage();
  const a = s.process("a", true);
  const b = s.process("b");
  await a.start();
  a.clock.pause();
  t.equal(await b.start(), undefined);
  a.clock.resume();
  await s.clock.advance(REFRESH_MS);
  t.equal(a.taken.length, 1);
  await s.clock.advance(3 * TTL_MS);
  t.equal(s.holder(), "b");
  t.same(b.taken, []);
});

t.test("a process that was frozen while no other one claimed its id goes on with it", async (t) => {
  const s = identityStage();
  const a = s.process("a");
  await a.start();
  a.clock.pause();
  await s.clock.advance(3 * TTL_MS);
  t.equal(s.holder(), undefined, "its entry has expired");
  a.clock.resume();
  await s.clock.advance(2 * REFRESH_MS);
  t.equal(s.holder(), "a");
  t.same(a.taken, []);
});

t.test("a process that leaves is waited for, and its next one starts when it has ended", async (t) => {
  const s = identityStage();
  const a = s.process("a");
  const b = s.process("b");
  await a.start();
  await a.leave();
  const starting = b.beginStart();
  await s.clock.advance(1500);
  t.equal(s.holder(), "a");
  await a.stop();
  t.equal(await s.outcome(starting), undefined);
  t.equal(s.holder(), "b");
  await s.clock.advance(TTL_MS);
  t.same([...a.taken, ...b.taken], []);
});

t.test("a claim whose answer is lost is recognized by its boot id", async (t) => {
  const s = identityStage();
  let lost = 2;
  s.faults.push(({ kind }) => (kind === "bucket_write" && lost-- > 0 ? { lose: "answer" } : undefined));
  const a = s.process("a");
  const ms = await msOf(s.clock, async () => t.equal(await a.start(), undefined));
  t.ok(ms < 2100, `${ms} ms: as soon as the lost answer is late`);
  await s.clock.advance(3 * TTL_MS);
  t.equal(s.holder(), "a");
  t.same(a.taken, []);
});

t.test("a claim that the server does not answer fails in the end, and may be repeated", async (t) => {
  const s = identityStage();
  s.faults.push(({ kind }) => (kind === "bucket_write" ? { lose: "request" } : undefined));
  const a = s.process("a");
  t.match(await a.start(), { name: "Unavailable" });
  t.equal(s.holder(), undefined);
  s.faults.length = 0;
  a.kill();
  t.equal(await s.process("b").start(), undefined);
});

t.test("heartbeats of one process whose answers are late or lost do not take the id from it", async (t) => {
  for (const fault of [{ lose: "answer" }, { answerDelayMs: 1200 }, { delayMs: 1200 }] as const) {
    const s = identityStage();
    const a = s.process("a");
    await a.start();
    let writes = 0;
    s.faults.push(({ kind }) => (kind === "bucket_write" && writes++ % 3 !== 0 ? fault : undefined));
    await s.clock.advance(20 * REFRESH_MS);
    s.faults.length = 0;
    await s.clock.advance(4 * REFRESH_MS);
    t.equal(s.holder(), "a", JSON.stringify(fault));
    t.same(a.taken, []);
  }
});

t.test(
  "an entry that is lost with the server's memory, or deleted by hand, is written again by its process",
  async (t) => {
    const s = identityStage();
    const a = s.process("a");
    const b = s.process("b");
    await a.start();
    const { nodes } = memoryNode(s.server, "an operator");
    await s.outcome(nodes.delete("one"));
    t.equal(s.holder(), undefined);
    t.match(await b.start(), { name: "IdentityTaken" }, "meanwhile the id is in use: the process answers");
    await s.clock.advance(2 * REFRESH_MS);
    t.equal(s.holder(), "a");
    t.same(a.taken, []);
  },
);

t.test(
  "a process of version 0.1.0 refuses a newcomer by answering, and takes the id by its heartbeats",
  async (t) => {
    const s = identityStage();
    const { nodes, bus } = memoryNode(s.server, "old");
    await bus.serve(subjects.ping("one"), () => Promise.resolve("old"));
    await s.clock.advance(10);
    // Any text that is no entry of this version: the answer alone counts.
    await s.outcome(nodes.put("one", JSON.stringify({ id: "one" })));
    const refusal = await s.process("b").start();
    t.match(refusal, { name: "IdentityTaken", message: /"one" is in use by another process \(boot old\)/u });

    const other = identityStage();
    const a = other.process("a");
    await a.start();
    const late = memoryNode(other.server, "old").nodes;
    await other.outcome(late.put("one", JSON.stringify({ id: "one", boot: "old", startedAt: 5 })));
    await other.clock.advance(REFRESH_MS);
    t.equal(a.taken.length, 1, "it cannot be kept from writing: this process leaves");
    t.match(a.taken[0]?.message, /another process \(.*boot old\)/u);
  },
);

t.test("an unreadable entry holds the id no longer than an entry lives", async (t) => {
  const s = identityStage();
  const { nodes } = memoryNode(s.server, "an operator");
  await s.outcome(nodes.put("one", "{"));
  const b = s.process("b");
  t.equal(await b.start(), undefined);
  t.equal(s.holder(), "b");
  await s.outcome(nodes.put("one", "[]"));
  await s.clock.advance(2 * REFRESH_MS);
  t.equal(s.holder(), "b", "nor does it end the process that has it");
  t.same(b.taken, []);
});

t.test("an entry of the process before that is delivered late does not end its next one", async (t) => {
  const s = identityStage();
  const a = s.process("a");
  const b = s.process("b");
  await a.start();
  a.kill();
  await b.start();
  const before = JSON.parse(a.entry()) as Parameters<Identity["saw"]>[0];
  b.identity.saw(before, 1);
  t.same(b.taken, []);
  // Also while its own entry is gone: the next heartbeat finds that, and what it writes then is lost.
  await s.outcome(memoryNode(s.server, "an operator").nodes.delete("one"));
  let writes = 0;
  s.faults.push(({ kind }) => (kind === "bucket_write" && writes++ > 0 ? { lose: "request" } : undefined));
  await s.clock.advance(REFRESH_MS + 10);
  t.equal(writes, 2);
  b.identity.saw(before, 1);
  t.same(b.taken, []);
  s.faults.length = 0;
  await s.clock.advance(10 * REFRESH_MS);
  t.equal(s.holder(), "b");
  b.identity.saw(before, 1_000_000);
  t.equal(b.taken.length, 1, "a later one does");
});

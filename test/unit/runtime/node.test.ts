/** What a node passes to its parts, and the order in which it starts and leaves. */
import t from "tap";
import type { NodePorts } from "../../../src/runtime/node-options.ts";
import { stopping } from "../../../src/runtime/limits.ts";
import type { Journal, Log } from "../../../src/runtime/ports.ts";
import type { Unverified } from "../../../src/runtime/cluster/owned-resource.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { memoryNode } from "../../../src/adapters/memory/connection.ts";
import { nodeStage, REFRESH_MS, TTL_MS } from "./node-stage.ts";
import { silent } from "./commit/relay-stage.ts";
import { diary, NOW, record } from "./tenure/tenure-stage.ts";

const LOCK = subjects.lock("partition.0");
const FENCE = subjects.fence("partition.0");

/** No consumer of the node shows it the lock entry of another node. */
const withoutLockNews = (ports: NodePorts): NodePorts => ({
  ...ports,
  journals: ports.journals.map(
    (journal): Journal => ({
      ...journal,
      consume: (options, onMessage) =>
        journal.consume(options, (message) =>
          message.subject === LOCK && message.payload.includes('"node":"two"')
            ? undefined
            : onMessage(message),
        ),
    }),
  ),
});

t.test("a rejected commit shows an owner that its lock has moved, although its watch does not", async (t) => {
  const stage = nodeStage();
  const one = stage.make("one", diary(), withoutLockNews);
  await one.start();
  await stage.until("it owns the partition", () => one.node.status().partitions[0]?.open === true);
  await stage.done(one.node.actors.start("a", {}, NOW));
  const entry = { node: "two", boot: "another", nonce: "n", since: "" };
  stage.log.propose([{ subject: LOCK, payload: JSON.stringify(entry) }], () => {});
  await stage.clock.advance(1000);
  t.same(one.node.status().held, ["partition.0"], "it does not know yet");
  void one.node.actors.command("a", "diary", { type: "note.1" }, { commandId: "c1", waitMs: 0 });
  await stage.until("it knows", () => one.node.status().held.length === 0, 500);
  t.equal(one.node.status().partitions[0]?.open, false, "and has closed the partition");
  t.equal(stage.log.all(record("a")).length, 1, "nothing was written under the lost lock");
  one.kill();
});

t.test("an application's own resources learn why a lock permits no answer from memory", async (t) => {
  const stage = nodeStage();
  let ask: Unverified | undefined;
  const one = stage.make("one", diary(), undefined, {
    application: (_sink, unverified) => {
      ask = unverified;
      return { definition: diary(), resources: [] };
    },
  });
  await one.start();
  await stage.until("it owns the partition", () => one.node.status().partitions[0]?.open === true);
  t.equal(ask?.(LOCK), undefined);
  t.match(ask?.(subjects.lock("inventory.0")), /verifying its locks/u, "a lock that it does not hold");
  const lost = new Set(["bucket_write"]);
  stage.faults.push(({ kind, subject }) =>
    lost.has(kind) || (kind === "append" && subject === FENCE && lost.has("fences"))
      ? { lose: "request" }
      : undefined,
  );
  await stage.until("presence has run out", () => !one.node.status().present);
  t.match(ask?.(LOCK), /presence has expired/u);
  lost.delete("bucket_write");
  lost.add("fences");
  await stage.until("presence is back", () => one.node.status().present);
  t.match(ask?.(LOCK), /verifying its locks/u);
  lost.clear();
  await stage.until("the lock is verified", () => ask?.(LOCK) === undefined, 2000);
  one.kill();
});

t.test(
  "an outbox that an earlier run left is emptied at the start, and nothing of it is published",
  async (t) => {
    const lines: unknown[] = [];
    const log: Log = { ...silent, info: (fields) => void lines.push(fields), child: () => log };
    const stage = nodeStage();
    const one = stage.make("one", diary(), undefined, { log });
    const messages = [{ subject: record("a"), payload: "{}" }];
    one.outbox.write([
      { commit: "c1", messages },
      { commit: "c2", messages },
    ]);
    await one.start();
    t.equal(one.outbox.depth(), 0);
    t.match(lines[0], { units: 2 });
    await stage.until("it owns the partition", () => one.node.status().partitions[0]?.open === true);
    await stage.clock.advance(5000);
    t.equal(stage.log.all(record("a")).length, 0);
    one.kill();
  },
);

t.test("a node is visible only when it sees the others, answers pings and knows the locks", async (t) => {
  const stage = nodeStage();
  const one = stage.make("one", diary());
  await one.start();
  const { did } = one;
  t.strictSame(did.slice(0, 4), ["watches nodes", "answers pings", "reads locks", "heartbeat"]);
  await stage.until("it owns the partition", () => one.node.status().partitions[0]?.open === true);
  t.equal(did[4], "claims", "and claims nothing before");
  one.kill();
});

t.test("a node that leaves announces it, releases its locks, and deletes its entry at last", async (t) => {
  const stage = nodeStage();
  const one = stage.make("one", diary());
  await one.start();
  await stage.until("it owns the partition", () => one.node.status().partitions[0]?.open === true);
  one.did.length = 0;
  await stage.done(one.node.handOver());
  t.strictSame(one.did, ["leaves", "releases"]);
  await stage.done(one.node.handOver());
  t.strictSame(one.did, ["leaves", "releases"], "once");
  await stage.done(one.node.stop());
  t.strictSame(one.did, ["leaves", "releases", "deletes its entry"]);
  await stage.clock.advance(5000);
  t.equal(one.did.length, 3, "no heartbeat follows");
});

t.test("a node whose heartbeats get no answer releases its locks after half a second", async (t) => {
  const stage = nodeStage();
  const one = stage.make("one", diary());
  await one.start();
  await stage.until("it owns the partition", () => one.node.status().partitions[0]?.open === true);
  one.did.length = 0;
  stage.faults.push(({ kind, subject }) =>
    kind === "bucket_write" && subject.includes(subjects.buckets.nodes) ? { lose: "request" } : undefined,
  );
  void one.node.handOver();
  const begun = stage.clock.monotonic();
  await stage.until("it releases", () => one.did.includes("releases"));
  const ms = stage.clock.monotonic() - begun;
  t.ok(ms >= stopping.leaveMs - 10 && ms <= stopping.leaveMs + 100, `${ms} ms`);
  one.kill();
});

t.test("a stop hands over first", async (t) => {
  const stage = nodeStage();
  const one = stage.make("one", diary());
  await one.start();
  await stage.until("it owns the partition", () => one.node.status().partitions[0]?.open === true);
  one.did.length = 0;
  await stage.done(one.node.stop());
  t.strictSame(one.did, ["leaves", "releases", "deletes its entry"]);
});

t.test("a node that has stopped leaves nothing that goes on", async (t) => {
  const stage = nodeStage();
  const never = Promise.withResolvers<string>();
  let aborted = 0;
  const run = ({ signal }: { readonly signal: AbortSignal }) => {
    signal.addEventListener("abort", () => aborted++);
    return never.promise;
  };
  const one = stage.make("one", diary(run));
  await one.start();
  await stage.until("it owns the partition", () => one.node.status().partitions[0]?.open === true);
  await stage.done(one.node.actors.start("a", {}, NOW));
  await stage.done(one.node.actors.command("a", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 }));
  await stage.until("its call is under way", () => one.node.status().effects === 1);
  await stage.done(one.node.stop());
  t.equal(aborted, 1, "the call outside is aborted");
  t.equal(stage.server.listeners(subjects.ping("one")).length, 0);
  t.equal(stage.server.listeners(subjects.command(0)).length, 0);
  await stage.clock.advance(60_000);
  t.equal(stage.clock.waiting(), 0, "no timer is left");
});

t.test("a node answers pings with the boot id of its presence", async (t) => {
  const stage = nodeStage();
  const one = stage.make("one", diary(), undefined, { details: { url: "http://here", id: "not-this" } });
  await one.start();
  await stage.until("it sees itself", () => one.node.status().entries.length === 1);
  const [entry] = one.node.status().entries;
  t.match(entry, { id: "one", url: "http://here" });
  const startedMs = (entry?.startedAt ?? 0) - (stage.clock.now() - stage.clock.monotonic());
  t.ok(startedMs > 0 && startedMs < 20, "when it knew the time, after the first readings");
  const { bus } = memoryNode(stage.server, "two");
  const answer = await stage.done(bus.request(subjects.ping("one"), "", 100));
  t.strictSame(answer, { status: "answered", payload: entry?.boot });
  one.kill();
});

t.test("presence is refreshed at its interval, and valid for four fifths of its time to live", async (t) => {
  const stage = nodeStage();
  const one = stage.make("one", diary());
  await one.start();
  await stage.until("it owns the partition", () => one.node.status().partitions[0]?.open === true);
  one.did.length = 0;
  await stage.clock.advance(10 * REFRESH_MS);
  t.equal(one.did.filter((what) => what === "heartbeat").length, 10);
  stage.faults.push(({ kind }) => (kind === "bucket_write" ? { lose: "request" } : undefined));
  await stage.clock.advance(0.8 * TTL_MS - REFRESH_MS - 5);
  t.ok(one.node.status().present);
  await stage.clock.advance(REFRESH_MS + 5);
  t.notOk(one.node.status().present);
  one.kill();
});

t.test(
  "the entry shows the others what the node holds, what waits, and how far its partitions lag",
  async (t) => {
    const stage = nodeStage(2);
    const one = stage.make("one", diary());
    await one.start();
    const open = () => one.node.status().partitions.every((partition) => partition.open);
    await stage.until("it owns both partitions", open);
    await stage.clock.advance(REFRESH_MS + 10);
    t.match(one.node.status().entries, [
      { held: ["partition.0", "partition.1"], outboxDepth: 0, lags: {}, unfit: undefined },
    ]);
    const ids = Array.from({ length: 20 }, (_, n) => `d${n}`);
    for (const id of ids) await stage.done(one.node.actors.start(id, {}, NOW));
    const [first] = ids.filter((id) => stage.log.last(subjects.record(1, id)) !== undefined);
    if (first === undefined) throw new Error("no actor in partition 1");
    stage.faults.push(({ kind, subject }) =>
      kind === "append" && subject === subjects.record(1, first) ? { lose: "request" } : undefined,
    );
    await stage.done(one.node.actors.deliver(first, "diary", { type: "note.1" }, "e1"));
    await stage.clock.advance(REFRESH_MS + 10);
    t.match(one.node.status().entries, [{ outboxDepth: 1, lags: { "1": 1 } }]);
    one.kill();
  },
);

t.test("the actors that a node keeps in memory are divided among its partitions", async (t) => {
  const stage = nodeStage(2);
  const one = stage.make("one", diary(), undefined, { idleActors: 5 });
  await one.start();
  const { node } = one;
  const open = () => node.status().partitions.every((partition) => partition.open);
  await stage.until("it owns both partitions", open);
  for (let n = 0; n < 40; n++) await stage.done(node.actors.start(`d${n}`, {}, NOW));
  await stage.clock.advance(1000);
  t.strictSame(
    node.status().partitions.map(({ actors }) => actors),
    [3, 3],
  );
  one.kill();
});

t.test(
  "a node without a connection reports it, and ends what waits when its presence runs out",
  async (t) => {
    const stage = nodeStage();
    const one = stage.make("one", diary());
    await one.start();
    t.equal(one.node.isolation(), undefined);
    t.equal(await stage.done(one.node.orIsolated(Promise.resolve(7))), 7);
    const begun = stage.clock.monotonic();
    stage.faults.push(({ kind }) => (kind === "bucket_write" ? { lose: "request" } : undefined));
    t.equal(await stage.done(one.node.orIsolated(new Promise<number>(() => {}))), undefined);
    t.ok(stage.clock.monotonic() - begun <= 0.8 * TTL_MS + 5);
    t.match(one.node.isolation(), /isolated/u);
    t.notOk(one.node.status().present);
    one.kill();
    t.equal(one.node.status().connected, false);
    t.match(one.node.isolation(), /not connected/u);
  },
);

t.test(
  "a checkpoint never passes an input that is not acknowledged, and lists actors that are open",
  async (t) => {
    const stage = nodeStage();
    const one = stage.make(
      "one",
      diary(() => new Promise(() => {})),
    );
    await one.start();
    await stage.until("it owns the partition", () => one.node.status().partitions[0]?.open === true);
    const { actors } = one.node;
    for (const id of ["a", "b"]) await stage.done(actors.start(id, {}, NOW));
    await stage.done(actors.command("a", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 }));
    const floors = stage.server.log(`KV_${subjects.buckets.floors}`);
    const checkpoint = () =>
      JSON.parse(floors.last(`$KV.${subjects.buckets.floors}.partition.0`)?.payload ?? "{}") as {
        through: number;
        open: string[];
      };
    await stage.clock.advance(3000);
    t.strictSame(checkpoint().open, ["a"]);
    const deliver = async (id: string): Promise<number> => {
      await stage.done(actors.deliver(id, "diary", { type: "note.1" }, `e-${id}`));
      return stage.log.last(subjects.inbox(0, id))?.sequence ?? 0;
    };
    let lost = "b";
    stage.faults.push(({ kind, subject }) =>
      kind === "append" && subject === record(lost) ? { lose: "request" } : undefined,
    );
    const input = await deliver("b");
    const later = await deliver("c");
    await stage.clock.advance(10_000);
    t.ok(later > input);
    t.equal(checkpoint().through, input - 1, "up to the input that is not acknowledged, and no further");
    lost = "";
    await stage.clock.advance(10_000);
    t.ok(checkpoint().through >= later);
    const writes = floors.lastSequence;
    for (let n = 0; n < 50; n++) {
      await stage.done(actors.deliver("b", "diary", { type: "note.1" }, `e${n}`));
      await stage.clock.advance(95);
    }
    const perSecond = (floors.lastSequence - writes) / 5;
    t.ok(perSecond > 0.5 && perSecond < 1.5, `${perSecond} writes a second while there is something new`);
    one.kill();
  },
);

t.test("machines and effects that do not fit are refused when the node is made", async (t) => {
  const { effects: _effects, ...definition } = diary();
  t.throws(() => nodeStage().make("one", { ...definition, effects: {} }), /job/u);
});

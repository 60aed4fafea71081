/**
 * A replica that lags, or a leader that has been deposed and does not know it, answers reads with old states. A new
 * owner must not decide anything permanently on them: not that no effect is open, not that a timer is over.
 */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import type { Operation } from "../../../../src/adapters/memory/server.ts";
import { turnstile } from "../../../../examples/turnstile/turnstile.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, notes, NOW, record, worked } from "./tenure-stage.ts";

/** Longer than the checkpoint needs to pass what was done. */
const PASSED_MS = 3000;
/** More readings than one load makes. */
const OLD_READINGS = 25;

type Cluster = ReturnType<typeof memoryCluster>;

/** The next readings of the subject show the log as it was at `sequence`. */
function readAsOf(cluster: Cluster, subject: string, sequence: number): { readonly left: () => number } {
  let left = OLD_READINGS;
  cluster.faults.push(({ kind, subject: read }: Operation) =>
    kind === "read" && read === subject && left-- > 0
      ? { staleBy: cluster.server.log("KV_ORDERS").lastSequence - sequence }
      : undefined,
  );
  return { left: () => left };
}

t.test("an effect that was opened before the checkpoint is resumed", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const hanging = diary(() => new Promise(() => {}));
  const one = await cluster.start("one", hanging);
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  const before = cluster.server.log("KV_ORDERS").lastSequence;
  await cluster.done(one.actors.command("d", "diary", { type: "work" }, { commandId: "c1", waitMs: 0 }));
  await cluster.clock.advance(PASSED_MS);
  t.same(cluster.checkpoint(0)?.open, ["d"]);
  t.ok((cluster.checkpoint(0)?.through ?? 0) > before, "the replay will not show the record");
  one.kill();
  const readings = readAsOf(cluster, record("d"), before);
  const two = await cluster.start("two", diary());
  await cluster.clock.advance(60_000);
  t.ok(readings.left() <= 0, "every old reading was given");
  const { snapshot } = cluster.ok(await cluster.done(two.actors.read("d")));
  t.same(worked(snapshot), ["d:diary.job:2000"]);
});

t.test("a timer that was armed before the checkpoint is honored", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const machine = turnstile((key) => Promise.resolve({ receipt: key }));
  const one = await cluster.start("one", machine);
  await cluster.settled();
  await cluster.done(one.actors.start("g", { lockAfterMs: 20_000 }, NOW));
  const before = cluster.server.log("KV_ORDERS").lastSequence;
  await cluster.done(
    one.actors.command("g", "turnstile", { type: "coin" }, { commandId: "c1", waitMs: 3000 }),
  );
  const armed = cluster.server.log("KV_ORDERS").last(record("g"))?.sequence ?? 0;
  await cluster.clock.advance(PASSED_MS);
  // Only a later commit lets the checkpoint pass.
  await cluster.done(one.actors.start("h", { lockAfterMs: 1 }, NOW));
  await cluster.clock.advance(PASSED_MS);
  t.ok((cluster.checkpoint(0)?.through ?? 0) > armed, "the replay will not show the record");
  one.kill();
  const two = await cluster.start("two", machine);
  await cluster.settled();
  t.equal(two.node.status().partitions[0]?.actors, 0, "no caller has asked for it yet");
  const readings = readAsOf(cluster, record("g"), before);
  await cluster.clock.advance(60_000);
  t.ok(readings.left() <= 0, "every old reading was given");
  const { snapshot } = cluster.ok(await cluster.done(two.actors.read("g")));
  t.equal(snapshot.machines["turnstile"]?.value, "locked");
  t.match(cluster.records(0, "g").at(-1)?.input, /^timer:/u);
});

t.test("a reading from before the takeover is not shown, and does not stay in memory", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  const before = cluster.server.log("KV_ORDERS").lastSequence;
  await cluster.done(one.actors.command("d", "diary", { type: "note.1" }, { commandId: "c1", waitMs: 0 }));
  await cluster.clock.advance(PASSED_MS);
  one.kill();
  const two = await cluster.start("two", diary());
  await cluster.settled();
  readAsOf(cluster, record("d"), before);
  for (let asked = 0; asked < 10; asked++) {
    const reply = await cluster.done(two.actors.read("d"));
    if (reply.status === "ok") t.same(notes(reply.snapshot), ["note.1"]);
    else t.equal(reply.status, "unavailable");
  }
  t.same(notes(cluster.ok(await cluster.done(two.actors.read("d"))).snapshot), ["note.1"]);
});

t.test("an inbox that the checkpoint has passed is read whole", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  await cluster.done(one.actors.start("d", {}, NOW));
  await cluster.clock.advance(PASSED_MS);
  one.kill();
  const before = cluster.server.log("KV_ORDERS").lastSequence;
  const through = cluster.inbox(0, "d", "diary", "note.1", "e1");
  const checkpoint = { through, epoch: cluster.epoch(0), open: [], behind: ["d"], parkedAt: 0 };
  cluster.server
    .log("KV_FLOORS")
    .propose([{ subject: "$KV.FLOORS.partition.0", payload: JSON.stringify(checkpoint) }], () => {});
  const readings = readAsOf(cluster, subjects.inbox(0, "d"), before);
  const two = await cluster.start("two", diary());
  await cluster.clock.advance(60_000);
  t.ok(readings.left() <= 0, "every old reading was given");
  const { snapshot } = cluster.ok(await cluster.done(two.actors.read("d")));
  t.same(notes(snapshot), ["note.1"]);
});

t.test("an actor that was written and forgotten is not read as it was before", async (t) => {
  const cluster = memoryCluster({ partitions: 1, idleActors: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  const send = (actor: string, type: string) =>
    cluster.done(one.actors.command(actor, "diary", { type }, { commandId: type, waitMs: 0 }));
  await cluster.done(one.actors.start("d", {}, NOW));
  const before = cluster.server.log("KV_ORDERS").lastSequence;
  await send("d", "note.1");
  // More than are remembered once they have left memory.
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 1000; i++) void one.actors.start(`other${round}.${i}`, {}, NOW);
    await cluster.clock.advance(5000);
  }
  t.equal(one.node.status().relay.depth, 0);
  readAsOf(cluster, record("d"), before);
  for (let asked = 0; asked < 10; asked++) {
    const reply = await cluster.done(one.actors.read("d"));
    if (reply.status === "ok") t.same(notes(reply.snapshot), ["note.1"]);
    else t.equal(reply.status, "unavailable");
  }
  t.same(notes(cluster.ok(await cluster.done(one.actors.read("d"))).snapshot), ["note.1"]);
});

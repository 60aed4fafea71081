/** What the records of a cluster say about who asked, why, which edge, and how long calls took. */
import t from "tap";
import type { ActorRecord } from "../../../src/runtime/actor/snapshot.ts";
import { memoryCluster } from "./memory-cluster.ts";
import { diary, NOW } from "./tenure/tenure-stage.ts";

const asked = { by: { kind: "person", id: "ada" }, reason: "because" };

/** Everything but the snapshot and the commit id. */
function saying(record: ActorRecord): object {
  const { actor: _, commit: _commit, snapshot: _snapshot, ...rest } = record;
  return rest;
}

t.test("who asked and why are in the record of the commit, by way of either node", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const nodes = [await cluster.start("one", diary()), await cluster.start("two", diary())];
  await cluster.settled();
  for (const [index, { actors }] of nodes.entries()) {
    const actor = `d${index}`;
    const to = { commandId: "c1", waitMs: 0 };
    cluster.ok(await cluster.done(actors.start(actor, {}, { ...NOW, by: { kind: "anonymous" } })));
    cluster.ok(await cluster.done(actors.command(actor, "diary", { type: "note.1" }, { ...to, ...asked })));
    cluster.ok(
      await cluster.done(actors.command(actor, "diary", { type: "note.2" }, { ...to, commandId: "c2" })),
    );
    t.strictSame(cluster.records(0, actor).map(saying), [
      {
        input: "start",
        by: { kind: "anonymous" },
        transitions: [{ machine: "diary", from: null }],
      },
      {
        input: "command:note.1",
        ...asked,
        transitions: [{ machine: "diary", from: "idle", event: "note.1", edges: [":note.*:0"] }],
      },
      {
        input: "command:note.2",
        transitions: [{ machine: "diary", from: "idle", event: "note.2", edges: [":note.*:0"] }],
      },
    ]);
  }
});

t.test("the record of an outcome says how long the call took, unless another owner began it", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const slow = diary(async ({ key }) => {
    await cluster.pause(700);
    return key;
  });
  const one = await cluster.start("one", slow);
  await cluster.settled();
  const work = (actor: string) =>
    cluster.done(one.actors.command(actor, "diary", { type: "work" }, { commandId: "w", waitMs: 0 }));
  for (const actor of ["quick", "kept"]) cluster.ok(await cluster.done(one.actors.start(actor, {}, NOW)));
  const outcome = (actor: string): ActorRecord | undefined =>
    cluster.records(0, actor).find(({ input }) => input === "effect:diary.job");
  await work("quick");
  await cluster.until("the call has its outcome", () => outcome("quick") !== undefined);
  t.equal(outcome("quick")?.durationMs, 700);
  await work("kept");
  one.kill();
  await cluster.start("two", slow);
  await cluster.until("the next owner has the outcome", () => outcome("kept") !== undefined);
  const found = outcome("kept");
  t.equal(found?.durationMs, undefined);
  t.match(found, {
    transitions: [{ from: "working", edges: [`working:xstate.done.actor.job:0`] }],
  });
});

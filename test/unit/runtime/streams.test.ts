/** A partition in the second of two streams: the first stream has no effect on it. */
import t from "tap";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { memoryCluster } from "./memory-cluster.ts";
import { diary, notes, NOW, worked } from "./tenure/tenure-stage.ts";

const PARTITIONS = 2;
/** An actor of partition 1, and so of the second stream. */
const ACTOR = ["a", "b", "c", "d"].find((id) => partitionOf(id, PARTITIONS) === 1) ?? "";

async function stage() {
  const cluster = memoryCluster({ partitions: PARTITIONS, streams: 2 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  cluster.ok(await cluster.done(one.actors.start(ACTOR, {}, NOW)));
  return { cluster, one };
}

t.test("an input from outside goes into the stream of its actor's partition, and is applied", async (t) => {
  const { cluster, one } = await stage();
  await cluster.done(one.actors.deliver(ACTOR, "diary", { type: "note.x" }, "n1"));
  t.ok(cluster.logOf(1).last(subjects.inbox(1, ACTOR)));
  t.equal(cluster.logOf(0).last(subjects.inbox(1, ACTOR)), undefined);
  await cluster.clock.advance(100);
  t.same(notes(cluster.ok(await cluster.done(one.actors.read(ACTOR))).snapshot), ["note.x"]);
});

t.test(
  "a checkpoint waits for what is unresolved in its own stream, although the other one is idle",
  async (t) => {
    const { cluster, one } = await stage();
    await cluster.clock.advance(3000);
    cluster.faults.push(({ kind, subject }) =>
      kind === "append" && subject === subjects.record(1, ACTOR) ? { lose: "answer" } : undefined,
    );
    void one.actors.command(ACTOR, "diary", { type: "work" }, { commandId: "w", waitMs: 0 });
    await cluster.clock.advance(50);
    const stored = cluster.logOf(1).last(subjects.record(1, ACTOR))?.sequence ?? 0;
    t.equal(cluster.records(1, ACTOR).length, 2, "the record is stored, and its owner does not know");
    const further = cluster.inbox(1, "other", "diary", "note.y", "y");
    t.ok(further > stored);
    await cluster.clock.advance(3000);
    const checkpoint = cluster.checkpoint(1);
    t.ok((checkpoint?.through ?? 0) < stored, `checkpoint ${checkpoint?.through} is below ${stored}`);
    one.kill();
    cluster.faults.length = 0;
    const two = await cluster.start("two", diary());
    await cluster.settled();
    await cluster.clock.advance(500);
    const reply = cluster.ok(await cluster.done(two.actors.read(ACTOR)));
    t.equal(worked(reply.snapshot).length, 1, "the next owner finds the record, and starts its effect");
  },
);

/** What joins a write set that cannot be made is released at once: the resource does not wait for an outcome. */
import t from "tap";
import { limits } from "../../../../src/runtime/limits.ts";
import type { ActorDefinition, EffectHandler } from "../../../../src/runtime/definition.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../../src/services/inventory/subjects.ts";
import { diary } from "./tenure-stage.ts";
import { type Hand, statuses, withDiary } from "./hand-stage.ts";

/** A diary whose effect joins with a message of this length. Returns what the resource has heard of the commits. */
function joining(length: number): { readonly stage: Hand; readonly heard: boolean[] } {
  const heard: boolean[] = [];
  const lock = subjects.lock("inventory.0");
  const join: EffectHandler["join"] = {
    lock,
    decide: () => ({
      output: "joined",
      lock: { subject: lock, epoch: 1 },
      messages: [{ subject: inventorySubjects.hold("d"), payload: "x".repeat(length) }],
      resolved: (committed) => void heard.push(committed),
    }),
  };
  const definition: ActorDefinition = diary();
  const job = definition.effects["job"];
  if (!job) throw new Error("no effect");
  return { stage: withDiary({ ...definition, effects: { job: { ...job, join } } }), heard };
}

t.test("what joins a write set that fits learns its outcome when the write set is resolved", (t) => {
  const { stage, heard } = joining(10);
  const replies = stage.command("work");
  t.same(heard, [], "not before");
  stage.all("stored");
  t.same([heard, statuses([replies])], [[true], ["ok"]]);
  t.end();
});

t.test("what joins a command whose write set is too large is released as not committed, once", (t) => {
  const { stage, heard } = joining(limits.messageBytes);
  const replies = stage.command("work");
  t.same(heard, [false]);
  t.same(statuses([replies]), ["refused"]);
  t.equal(stage.writeSets.length, 0, "nothing is submitted that could resolve it later");
  t.end();
});

t.test(
  "what joins an inbox input whose write set is too large is released, and the actor parks",
  async (t) => {
    const { stage, heard } = joining(limits.messageBytes);
    stage.deliver("work");
    t.same(heard, [false]);
    await stage.quiet();
    t.equal(stage.tenure.counts().parked, 1);
    t.same(heard, [false], "once");
  },
);

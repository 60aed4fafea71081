/** A node that leaves releases every lock that it holds, claims or hands over, and leaves no lock in its name. */
import t from "tap";
import { stopping } from "../../../../src/runtime/limits.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { assignment } from "../../../../src/runtime/cluster/assignment.ts";
import { type OwnershipNode, ownershipStage } from "./ownership-stage.ts";

const NAME = "partition.0";
const ONE = [NAME];
const MANY = Array.from({ length: 12 }, (_, i) => `partition.${i}`);
const isLock = (subject: string): boolean => subject.startsWith(subjects.lock(""));
const shareOfTwo = MANY.filter((name) => assignment(MANY, ["one", "two"]).get(name) === "two");

/** Begins to stop; the result shows whether it has. */
function stop({ ownership }: OwnershipNode): () => boolean {
  let stopped = false;
  void ownership.stop().finally(() => {
    stopped = true;
  });
  return () => stopped;
}

t.test("a claim in flight when the node stops is released as soon as it is won", async (t) => {
  const stage = ownershipStage(ONE);
  stage.faults.push(({ kind, subject }) =>
    kind === "append" && isLock(subject) ? { delayMs: 50 } : undefined,
  );
  const node = await stage.node("one");
  t.equal(stage.entry(NAME), undefined, "not stored yet");
  const stopped = stop(node);
  await stage.until("stopped", stopped);
  t.equal(stage.entry(NAME)?.node, "", "the lock names no node");
  t.same([node.ownership.held(), node.resources[0]?.open], [[], false]);
  t.notOk(
    node.resources[0]?.calls.some((call) => call.startsWith("acquire")),
    "nothing was taken over",
  );
  await stage.clock.advance(1000);
  t.equal(stage.entry(NAME)?.node, "", "and still does");
});

t.test("a takeover in progress when the node stops is abandoned, and its lock released", async (t) => {
  const stage = ownershipStage(ONE);
  const node = await stage.node("one");
  await stage.until("held", () => node.ownership.held().length === 1);
  const [resource] = node.resources;
  const work = Promise.withResolvers<void>();
  resource?.acquisitions.push(() => work.promise);
  const epoch = stage.revision(NAME);
  node.ownership.moved({ subject: subjects.lock(NAME), epoch });
  await stage.until("acquiring", () => resource?.open === true);
  const stopped = stop(node);
  await stage.until("stopped", stopped);
  t.equal(stage.entry(NAME)?.node, "");
  work.resolve();
  await stage.clock.advance(1000);
  t.same([node.ownership.held(), resource?.open, stage.entry(NAME)?.node], [[], false, ""]);
});

t.test("a node that stops waits for a hand-over in progress", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
  const settled = Promise.withResolvers<void>();
  for (const resource of one.resources) resource.draining = settled.promise;
  await stage.node("two");
  const first = () => one.resources.find((resource) => resource.calls.includes("drain"));
  await stage.until("one resource is handed over", () => first() !== undefined);
  for (const resource of one.resources) if (resource !== first()) resource.draining = Promise.resolve();
  const stopped = stop(one);
  await stage.clock.advance(500);
  t.notOk(stopped(), "its work is not resolved yet");
  settled.resolve();
  await stage.until("stopped", stopped);
  t.ok(shareOfTwo.length > 0);
  for (const name of MANY) t.not(stage.entry(name)?.node, "one", name);
});

for (const lose of ["request", "answer"] as const)
  t.test(`a release without an answer (its ${lose} is lost) is repeated before the node ends`, async (t) => {
    const stage = ownershipStage(MANY);
    const one = await stage.node("one");
    await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
    let left = 4;
    stage.faults.push(({ kind, subject }) =>
      kind === "append" && isLock(subject) && left-- > 0 ? { lose } : undefined,
    );
    const stopped = stop(one);
    await stage.until("stopped", stopped);
    for (const name of MANY) t.equal(stage.entry(name)?.node, "", name);
  });

t.test(
  "a stop ends within its limit although the server does not answer and no resource drains",
  async (t) => {
    const stage = ownershipStage(MANY);
    const one = await stage.node("one");
    await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
    for (const resource of one.resources) resource.draining = new Promise(() => {});
    stage.faults.push(({ kind }) => (kind === "append" ? { lose: "request" } : undefined));
    const from = stage.clock.monotonic();
    const stopped = stop(one);
    await stage.until("stopped", stopped);
    const tookMs = stage.clock.monotonic() - from;
    t.ok(tookMs <= stopping.handOverMs - stopping.leaveMs, `after ${tookMs} ms`);
    t.ok(
      one.resources.every((resource) => !resource.open),
      "this node does not wait for it any more",
    );
  },
);

/** Locks with lost answers, dead nodes and competing claims, on the server in memory. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { assignment } from "../../../../src/runtime/cluster/assignment.ts";
import type { LockEntry } from "../../../../src/runtime/cluster/lock-entry.ts";
import { type OwnershipNode, ownershipStage } from "./ownership-stage.ts";

const ONE = ["partition.0"];
const MANY = Array.from({ length: 12 }, (_, i) => `partition.${i}`);
const isLock = (subject: string): boolean => subject.startsWith(subjects.lock(""));

const holds = (node: OwnershipNode, resource: string): boolean => node.ownership.held().includes(resource);
/** The share of node two in MANY when node one is present as well. */
const shareOfTwo = MANY.filter((name) => assignment(MANY, ["one", "two"]).get(name) === "two");
/** The node holds the lock, and the resource is open. */
const works = (node: OwnershipNode): boolean =>
  node.resources.every((resource) => resource.open === holds(node, resource.name));

/** Claims of a lock that another process held. */
const takenOver = (entries: readonly LockEntry[]): LockEntry[] =>
  entries.filter((entry, i) => i > 0 && entry.node !== "" && entries[i - 1]?.node !== "");

t.test("a claim without an answer that was stored is identified by its nonce", async (t) => {
  const stage = ownershipStage(ONE);
  let lose = 1;
  stage.faults.push(({ kind, subject }) =>
    kind === "append" && isLock(subject) && lose-- > 0 ? { lose: "answer" } : undefined,
  );
  const node = await stage.node("one");
  await stage.until("held", () => holds(node, "partition.0"));
  t.equal(stage.history("partition.0").length, 1, "one claim");
  t.same(node.resources[0]?.calls, [`acquire ${stage.revision("partition.0")}`]);
});

t.test("a claim that never arrived is made again", async (t) => {
  const stage = ownershipStage(ONE);
  let lose = 2;
  stage.faults.push(({ kind, subject }) =>
    kind === "append" && isLock(subject) && lose-- > 0 ? { lose: "request" } : undefined,
  );
  const node = await stage.node("one");
  await stage.until("held", () => holds(node, "partition.0"));
  t.equal(stage.history("partition.0").length, 1);
});

t.test("a claim that is stored late does not leave the lock without an owner", async (t) => {
  const stage = ownershipStage(ONE);
  let late = true;
  stage.faults.push(({ kind, subject }) => {
    if (kind !== "append" || !isLock(subject) || !late) return undefined;
    late = false;
    return { delayMs: 900 };
  });
  const node = await stage.node("one");
  await stage.until("held", () => holds(node, "partition.0"));
  await stage.clock.advance(5000);
  t.equal(stage.entry("partition.0")?.boot, node.boot);
  t.same([holds(node, "partition.0"), works(node)], [true, true]);
});

t.test("a node takes a lock from another process only when that process is gone", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
  const two = await stage.node("two");
  t.ok(shareOfTwo.length > 0 && shareOfTwo.length < MANY.length);
  await stage.until("two has its share", () => two.ownership.held().length === shareOfTwo.length);
  for (const name of MANY) {
    t.same(takenOver(stage.history(name)), [], `${name} was released first`);
  }
  const killedAt = stage.clock.monotonic();
  one.kill();
  await stage.until("two holds all", () => two.ownership.held().length === MANY.length);
  t.ok(stage.clock.monotonic() - killedAt >= 1000, "not before the other could count as gone");
  t.ok(works(two));
});

t.test("a joining node sees every lock that changes while it reads", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
  // Reading the locks takes a while: one hands over in the middle of it.
  stage.faults.push(({ node, kind, subject }) =>
    node === "two" && kind === "read" && isLock(subject) ? { delayMs: 300 } : undefined,
  );
  const two = await stage.node("two");
  await stage.until("two has its share", () => two.ownership.held().length === shareOfTwo.length);
  t.ok(works(one) && works(two));
});

t.test("a lost release is repeated, because the next owner waits for it", async (t) => {
  for (const lose of ["request", "answer"] as const) {
    const stage = ownershipStage(MANY);
    const one = await stage.node("one");
    await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
    let left = 2;
    stage.faults.push(({ node, kind, subject }) =>
      node === "one" && kind === "append" && isLock(subject) && left-- > 0 ? { lose } : undefined,
    );
    const two = await stage.node("two");
    await stage.until(`two has its share, ${lose}`, () => two.ownership.held().length === shareOfTwo.length);
    t.equal(one.ownership.held().length, MANY.length - shareOfTwo.length);
    t.ok(works(one) && works(two));
  }
});

t.test("one resource is handed over at a time", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
  const free = Promise.withResolvers<void>();
  for (const resource of one.resources) resource.draining = free.promise;
  await stage.node("two");
  await stage.clock.advance(2000);
  t.equal(one.resources.filter((resource) => resource.calls.includes("drain")).length, 1);
  free.resolve();
  await stage.until(
    "all are handed over",
    () => one.ownership.held().length === MANY.length - shareOfTwo.length,
  );
});

t.test("a resource that never drains is released at the time limit", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
  for (const resource of one.resources) resource.draining = new Promise(() => {});
  let stopped = false;
  void one.ownership.stop().finally(() => {
    stopped = true;
  });
  await stage.until("stopped", () => stopped);
  for (const name of MANY) t.equal(stage.entry(name)?.node, "", name);
  t.ok(one.resources.every((resource) => !resource.open));
});

t.test("a moved lock of an old epoch is ignored, and of this epoch ends the tenure", async (t) => {
  const stage = ownershipStage(ONE);
  const node = await stage.node("one");
  await stage.until("held", () => holds(node, "partition.0"));
  const epoch = stage.revision("partition.0");
  const subject = subjects.lock("partition.0");
  node.ownership.moved({ subject, epoch: epoch - 1 });
  t.same([holds(node, "partition.0"), works(node)], [true, true]);
  node.ownership.moved({ subject, epoch });
  t.same([holds(node, "partition.0"), works(node)], [false, true]);
  await stage.until("claimed again", () => holds(node, "partition.0"));
  t.ok(stage.revision("partition.0") > epoch, "with a new epoch");
});

t.test("a lock entry of another node ends the tenure", async (t) => {
  const stage = ownershipStage(ONE);
  const node = await stage.node("one");
  await stage.until("held", () => holds(node, "partition.0"));
  stage.write("partition.0", { node: "two", boot: "other", nonce: "n", since: "" });
  await stage.until("lost", () => !holds(node, "partition.0"));
  t.ok(works(node));
  // No node with this name is present: after a while the node claims the lock again.
  await stage.until("claimed back", () => holds(node, "partition.0"));
});

t.test("an acquisition that fails late does not close a resource that was won since", async (t) => {
  const stage = ownershipStage(ONE);
  const stuck = Promise.withResolvers<void>();
  const node = await stage.node("one", (journal) => journal);
  const [resource] = node.resources;
  if (!resource) throw new Error("no resource");
  await stage.until("held", () => holds(node, "partition.0"));
  // The lock is lost and won again, but the second acquisition takes its time.
  resource.acquisitions.push(() => stuck.promise);
  node.ownership.moved({ subject: subjects.lock("partition.0"), epoch: stage.revision("partition.0") });
  await stage.until("acquiring", () => resource.open);
  // The lock is lost and won a third time meanwhile.
  node.ownership.moved({ subject: subjects.lock("partition.0"), epoch: stage.revision("partition.0") });
  await stage.until("held again", () => holds(node, "partition.0"));
  stuck.reject(new Error("the checkpoint belongs to a newer epoch"));
  await stage.clock.advance(1000);
  t.same([holds(node, "partition.0"), resource.open], [true, true]);
});

t.test("a failed acquisition releases the lock, and is tried again", async (t) => {
  const stage = ownershipStage(ONE);
  const node = await stage.node("one");
  const [resource] = node.resources;
  if (!resource) throw new Error("no resource");
  await stage.until("held", () => holds(node, "partition.0"));
  resource.acquisitions.push(() => Promise.reject(new Error("not now")));
  node.ownership.moved({ subject: subjects.lock("partition.0"), epoch: stage.revision("partition.0") });
  await stage.until("held again", () => holds(node, "partition.0"));
  t.ok(stage.history("partition.0").some((entry) => entry.node === ""));
  t.ok(works(node));
});

t.test("a node that was suspended does not count the others as dead", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  const two = await stage.node("two");
  await stage.until("shared", () => two.ownership.held().length === shareOfTwo.length);
  two.clock.pause();
  await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
  const before = MANY.map((name) => stage.history(name).length);
  two.clock.resume();
  await stage.until("shared again", () => two.ownership.held().length === shareOfTwo.length);
  for (const [i, name] of MANY.entries()) {
    const since = stage.history(name).slice((before[i] ?? 1) - 1);
    t.same(takenOver(since), [], `${name} was not taken from a live node`);
  }
});

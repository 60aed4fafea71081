/** Resources that operators move, and nodes that they drain. */
import t from "tap";
import { movesOf, drainedIn, TAKING_MS } from "../../../../src/runtime/cluster/placement.ts";
import { Targets } from "../../../../src/runtime/cluster/targets.ts";
import { ownershipStage, type OwnershipNode } from "./ownership-stage.ts";
import { entryOf } from "./presence-stage.ts";

const NAMES = Array.from({ length: 6 }, (_, p) => `partition.${p}`);

const open = (node: OwnershipNode): string[] =>
  node.resources.filter((resource) => resource.open).map(({ name }) => name);

async function threeNodes() {
  const stage = ownershipStage(NAMES);
  const nodes = [await stage.node("one"), await stage.node("two"), await stage.node("three")] as const;
  const holders = (): string[] => NAMES.map((name) => stage.entry(name)?.node ?? "");
  await stage.until("each has its share", () => nodes.every((node) => open(node).length === 2));
  const resourceOf = (name: string): string => NAMES[holders().indexOf(name)] ?? "";
  return { stage, nodes, holders, resourceOf };
}

t.test("a moved resource goes to the named node in one hand-over, and nothing else moves", async (t) => {
  const { stage, nodes, holders, resourceOf } = await threeNodes();
  const [one, two] = nodes;
  const name = resourceOf("one");
  const before = holders();
  const entries = stage.history(name).length;
  t.equal(two.placement.take(name), true);
  await stage.until("two has it", () => two.ownership.held().includes(name));
  await stage.clock.advance(2 * TAKING_MS);
  t.strictSame(
    holders(),
    before.map((node, at) => (NAMES[at] === name ? "two" : node)),
  );
  t.strictSame(
    stage
      .history(name)
      .slice(entries)
      .map(({ node }) => node),
    ["", "two"],
    "released by its owner, claimed by the named node",
  );
  t.ok(one.resources.find((resource) => resource.name === name)?.calls.includes("drain"));
});

t.test("of two nodes that were asked to take a resource, the later one has it", async (t) => {
  const { stage, nodes, resourceOf } = await threeNodes();
  const [, two, three] = nodes;
  const name = resourceOf("one");
  two.placement.take(name);
  await stage.until("two has it", () => two.ownership.held().includes(name));
  three.placement.take(name);
  await stage.until("three has it", () => three.ownership.held().includes(name));
  await stage.clock.advance(2 * TAKING_MS);
  t.ok(three.ownership.held().includes(name), "and keeps it");
});

t.test("when the named node dies, another one takes the resource", async (t) => {
  const { stage, nodes, resourceOf } = await threeNodes();
  const [one, two] = nodes;
  const name = resourceOf("one");
  const resource = one.resources.find((found) => found.name === name);
  const drained = Promise.withResolvers<void>();
  if (resource) resource.draining = drained.promise;
  two.placement.take(name);
  await stage.until("its owner drains it", () => resource?.calls.includes("drain") === true);
  two.kill();
  drained.resolve();
  await stage.until("it has another owner", () => ["one", "three"].includes(stage.entry(name)?.node ?? ""));
  t.equal(two.ownership.held().includes(name), false);
});

t.test("a node that does not get the lock in time drops the request", async (t) => {
  const { stage, nodes, resourceOf } = await threeNodes();
  const [, two, three] = nodes;
  const name = resourceOf("one");
  stage.faults.push((operation) =>
    operation.kind === "append" && operation.node === "two" ? { lose: "request" } : undefined,
  );
  two.placement.take(name);
  await stage.until("the others follow", () => three.presence.moves().get(name) === "two");
  await stage.clock.advance(TAKING_MS + 2000);
  t.equal(three.presence.moves().get(name), undefined);
  await stage.until("another node has it", () => ["one", "three"].includes(stage.entry(name)?.node ?? ""));
});

t.test("a drained node gives everything away, takes nothing, and has a share again when asked", async (t) => {
  const { stage, nodes, holders } = await threeNodes();
  const [one, two, three] = nodes;
  one.placement.drain("a new disk");
  await stage.until("it has nothing", () => !holders().includes("one") && !holders().includes(""));
  t.equal(one.placement.take("partition.0"), false, "it takes nothing");
  t.match(drainedIn(two.presence.entries().find(({ id }) => id === "one") ?? entryOf("")), {
    reason: "a new disk",
  });
  t.strictSame(one.ownership.share.unclaimed().resources, [], "and no share is missing");
  two.kill();
  await stage.until("the other one has all", () => three.ownership.held().length === NAMES.length);
  one.placement.undrain();
  await stage.until("it has a share", () => one.ownership.held().length === NAMES.length / 2);
});

t.test("a drained node forgets what it was asked to take", async () => {
  const { stage, nodes, holders, resourceOf } = await threeNodes();
  const [one, two] = nodes;
  const name = resourceOf("one");
  two.placement.take(name);
  await stage.until("two has it", () => two.ownership.held().includes(name));
  two.placement.drain(null);
  await stage.until("two has nothing", () => !holders().includes("two") && !holders().includes(""));
  two.placement.undrain();
  await stage.until("two has its share", () => two.ownership.held().length === 2);
  await stage.until("one has its own again", () => one.ownership.held().includes(name));
});

t.test("what another program wrote about moves counts as nothing", async (t) => {
  const entries = [
    entryOf("one", { moved: "all" }),
    entryOf("two", { moved: { "partition.1": "soon", "partition.2": 5 } }),
    entryOf("three", { moved: { "partition.2": 6 }, leaving: true }),
  ];
  t.strictSame([...movesOf(entries)], [["partition.2", "two"]]);
  t.equal(drainedIn(entryOf("one", { drained: { since: "now" } })), undefined);
});

t.test("a move to a node that is absent, or cannot host the resource, changes nothing", async (t) => {
  const targets = new Targets(["partition.0"]);
  const moves = new Map([["partition.0", "two"]]);
  const of = (present: readonly string[], incompatible = new Map<string, readonly string[]>()) =>
    targets.of({ present, incompatible, moves }).get("partition.0");
  t.equal(of(["one"]), "one");
  t.equal(of(["one", "two"]), "two");
  t.equal(of(["one", "two"], new Map([["two", ["partition.0"]]])), "one");
});

/** Resources are assigned evenly, and few of them move. */
import t from "tap";
import { assignment } from "../../../../src/runtime/cluster/assignment.ts";

const partitions = (count: number): string[] => Array.from({ length: count }, (_, i) => `partition.${i}`);
const nodes = (count: number): string[] => Array.from({ length: count }, (_, i) => `node-${i + 1}`);
/** The resources of a cluster. */
const RESOURCES = [...partitions(32), "inventory.0"];

const sharesOf = (owners: ReadonlyMap<string, string>, names: readonly string[]): number[] =>
  names.map((name) => [...owners.values()].filter((owner) => owner === name).length);
const movedBetween = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): number =>
  [...before].filter(([resource, owner]) => after.get(resource) !== owner).length;

t.test("every resource has an owner, and shares differ by one at most", async (t) => {
  for (const resources of [RESOURCES, partitions(1), partitions(2), partitions(1000)])
    for (let count = 1; count <= 16; count++) {
      const names = nodes(count);
      const owners = assignment(resources, names);
      t.equal(owners.size, resources.length);
      const shares = sharesOf(owners, names);
      const label = `${resources.length} on ${count}: ${shares.join("/")}`;
      t.ok(Math.max(...shares) - Math.min(...shares) <= 1, label);
    }
  t.same(sharesOf(assignment(RESOURCES, nodes(3)), nodes(3)), [11, 11, 11], "the default cluster");
});

t.test("the order of resources and nodes does not change the assignment", async (t) => {
  const names = nodes(5);
  const owners = assignment(RESOURCES, names);
  const turned = assignment(RESOURCES.toReversed(), names.toReversed());
  for (const [resource, owner] of owners) t.equal(turned.get(resource), owner, resource);
});

t.test("no resource has an owner when there are no nodes", async (t) => {
  t.equal(assignment(RESOURCES, []).size, 0);
});

t.test("a node that joins or leaves moves little more than its own share", async (t) => {
  const many = partitions(256);
  for (const [resources, slack] of [
    [RESOURCES, 2],
    [many, 1.5],
  ] as const)
    for (let count = 2; count <= 5; count++) {
      const names = nodes(count);
      const before = assignment(resources, names);
      const joined = movedBetween(before, assignment(resources, nodes(count + 1)));
      const share = Math.ceil(resources.length / (count + 1));
      t.ok(joined <= share * slack, `one more than ${count}: ${joined} of ${resources.length} move`);
      for (const gone of names) {
        const rest = names.filter((name) => name !== gone);
        const left = movedBetween(before, assignment(resources, rest));
        const own = Math.ceil(resources.length / count);
        t.ok(left <= own * slack, `without ${gone} of ${count}: ${left} of ${resources.length} move`);
      }
    }
});

t.test("a node that cannot host a resource does not get it while another node can", async (t) => {
  const names = nodes(3);
  const before = assignment(RESOURCES, names);
  const owner = before.get("partition.7") ?? "";
  const after = assignment(
    RESOURCES,
    names,
    (resource, node) => resource === "partition.7" && node === owner,
  );
  t.ok(after.get("partition.7"));
  t.not(after.get("partition.7"), owner);
  t.ok(movedBetween(before, after) <= 4, "little else moves");
  const none = assignment(RESOURCES, names, (resource) => resource === "partition.7");
  t.equal(none.get("partition.7"), owner, "when no node can, the assignment is as if all could");
});

t.test("resources that only one node can host go to that node, however many they are", async (t) => {
  const owners = assignment(RESOURCES, nodes(3), (_resource, node) => node !== "node-2");
  t.same(sharesOf(owners, nodes(3)), [0, RESOURCES.length, 0]);
});

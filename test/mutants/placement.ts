/** Planted bugs of moving partitions and draining nodes. */
import type { Mutant } from "./mutant.ts";

const RUNTIME = "src/runtime/cluster/placement.ts";
const TARGETS = "src/runtime/cluster/targets.ts";
const SERVICE = "src/services/placement/placements.ts";
const runtimeTests = ["test/unit/runtime/cluster/placement.test.ts"];
const serviceTests = ["test/unit/services/placements.test.ts"];

export const placementMutants: readonly Mutant[] = [
  {
    id: "placement-first-move-counts",
    does: "Of two nodes that were asked to take a resource, the first one keeps it.",
    file: RUNTIME,
    find: "if (!other || at > other.at ||",
    replace: "if (!other || at < other.at ||",
    tests: runtimeTests,
  },
  {
    id: "placement-never-given-up",
    does: "A node that does not get the lock keeps the others from it forever.",
    file: RUNTIME,
    find: "if (now - begun >= TAKING_MS && !held.has(resource)) this.taken.delete(resource);",
    replace: "if (now < begun && !held.has(resource)) this.taken.delete(resource);",
    tests: runtimeTests,
  },
  {
    id: "placement-done-move-ends",
    does: "A moved resource goes back after ten seconds.",
    file: RUNTIME,
    find: "now - begun >= TAKING_MS && !held.has(resource)",
    replace: "now - begun >= TAKING_MS",
    tests: runtimeTests,
  },
  {
    id: "placement-drained-takes",
    does: "A drained node takes what it is asked to take.",
    file: RUNTIME,
    find: "    if (this.drained) return false;\n",
    replace: "",
    tests: runtimeTests,
  },
  {
    id: "placement-drained-keeps-moves",
    does: "A drained node has what was moved to it again when it is undrained.",
    file: RUNTIME,
    find: "    this.taken.clear();\n",
    replace: "",
    tests: runtimeTests,
  },
  {
    id: "placement-leaving-counts",
    does: "A move to a node that leaves counts.",
    file: RUNTIME,
    find: "if (leaving === true || !isObject(moved)) continue;",
    replace: "if (!isObject(moved)) continue;",
    tests: runtimeTests,
  },
  {
    id: "placement-absent-target",
    does: "A resource that was moved to an absent node has no owner.",
    file: TARGETS,
    find: "present.includes(node) && ",
    replace: "",
    tests: runtimeTests,
  },
  {
    id: "placement-incompatible-target",
    does: "A resource goes to a node that cannot host it.",
    file: TARGETS,
    find: " && !cannot(resource, node)",
    replace: "",
    tests: runtimeTests,
  },
  {
    id: "placement-own-drain-unseen",
    does: "A drained node counts itself among the nodes that take part.",
    file: "src/runtime/cluster/presence.ts",
    find: "this.leaving || this.others.get(own)?.entry.leaving ? [] : [own]",
    replace: "this.leaving ? [] : [own]",
    tests: runtimeTests,
  },
  {
    id: "placement-service-last-node",
    does: "The last node that takes part is drained.",
    file: SERVICE,
    find: "id !== node && leaving !== true",
    replace: "id !== node",
    tests: serviceTests,
  },
  {
    id: "placement-service-done-move-blocks",
    does: "A partition that was moved cannot be moved again.",
    file: SERVICE,
    find: "to !== undefined && to !== owner.node && to !== wanted.node",
    replace: "to !== undefined && to !== wanted.node",
    tests: serviceTests,
  },
  {
    id: "placement-service-dry-run-asks",
    does: "A dry run moves the partition.",
    file: SERVICE,
    find: '    if (dryRun) return report("would_move");\n',
    replace: "",
    tests: serviceTests,
  },
  {
    id: "placement-service-orders-alone",
    does: "A drained node keeps its bulk operations.",
    file: "src/services/placement/requests.ts",
    find: "const all = [orders, ...others];",
    replace: "const all = others.length > 9 ? [orders, ...others] : [orders];",
    tests: serviceTests,
  },
  {
    id: "placement-samples-rate-of-another-process",
    does: "The rate of a new process is counted from that of the one before.",
    file: "nodes/order/cluster-samples.ts",
    find: "const last = before.get(boot);",
    replace: "const last = [...before.values()][0];",
    tests: ["test/unit/nodes/cluster-samples.test.ts"],
  },
];

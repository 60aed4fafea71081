/** Planted bugs of the maintenance mode. */
import type { Mutant } from "./mutant.ts";

const FILE = "src/services/maintenance/maintenance.ts";
const UNIT_TEST = "test/unit/services/maintenance.test.ts";
const NODES_TEST = "test/integration/nodes/maintenance.test.ts";

export const maintenanceMutants: readonly Mutant[] = [
  {
    id: "maintenance-late-entry",
    does: "An older entry that comes late counts.",
    file: FILE,
    find: "    if (revision <= this.known.revision) return;\n",
    replace: "",
    tests: [UNIT_TEST],
  },
  {
    id: "maintenance-damaged",
    does: "A damaged entry keeps the state before it.",
    file: FILE,
    find: 'new orders are taken");\n    return TAKING;',
    replace: 'new orders are taken");\n    return this.known.state;',
    tests: [UNIT_TEST],
  },
  {
    id: "maintenance-key-not-asked",
    does: "A repetition of an order that exists is refused.",
    file: "src/services/orders/orders.ts",
    find: 'if (first.status === "not_found") return reserved;',
    replace: 'if (first.status === "not_found" || reserved.status === "maintenance") return reserved;',
    tests: [NODES_TEST],
  },
  {
    id: "maintenance-not-asked",
    does: "New orders are taken in maintenance.",
    file: "src/services/orders/orders.ts",
    find: "      refusedByMaintenance(this.options.maintenance) ??\n",
    replace: "",
    tests: [NODES_TEST],
  },
];

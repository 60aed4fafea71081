/** Bugs in the fingerprints of definitions, and in what becomes of orders between two versions. */
import type { Mutant } from "./mutant.ts";

const REGISTRY = "test/unit/runtime/cluster/definition-registry.test.ts";
const CARRY_OVER = "test/unit/runtime/actor/carry-over.test.ts";
const ORDERS = "test/architecture/fingerprints.test.ts";

export const evolutionMutants: readonly Mutant[] = [
  {
    id: "evolution-fingerprint-not-compared-with-the-cluster",
    does: "A node starts although the cluster has another definition under the same version.",
    file: "src/runtime/cluster/definition-registry.ts",
    find: "if (stored) comparePart(part, stored.fingerprint, stored.node);",
    replace: 'if (stored) log.debug({ stored }, "found");',
    tests: [REGISTRY],
  },
  {
    id: "evolution-fingerprint-entry-replaced",
    does: "Of two nodes that start at once, the later one overwrites the entry of the first.",
    file: "src/runtime/cluster/definition-registry.ts",
    find: "definitions.update(part.key, JSON.stringify(value), 0),",
    replace:
      'definitions.put(part.key, JSON.stringify(value)).then(() => ({ status: "stored" as const, revision: 1 })),',
    tests: [REGISTRY],
  },
  {
    id: "evolution-fingerprint-without-timers",
    does: "A renamed delay is no difference between two fingerprints.",
    file: "src/runtime/fingerprints.ts",
    find: "...listDifferences(`timer${at},`, before.timers ?? [], after.timers ?? []),",
    replace: "",
    tests: [ORDERS],
  },
  {
    id: "evolution-fingerprint-without-committed-one",
    does: "A version without a committed fingerprint starts.",
    file: "src/runtime/actor/fingerprint.ts",
    find: "  if (fingerprints && !committed) throw notCommitted(what);\n  const own",
    replace: "  const own",
    tests: [ORDERS],
  },
  {
    id: "evolution-carry-over-timer-forgotten",
    does: "An actor whose timer the program does not know goes on without it.",
    file: "src/runtime/actor/carry-over.ts",
    find: "if (!expected) throw unexpected(`timer ${id}`, machine, machines[machine]?.version);",
    replace: "if (!expected) continue;",
    tests: [CARRY_OVER],
  },
  {
    id: "evolution-carry-over-other-key",
    does: "A renamed effect is repeated at its provider under a new key.",
    file: "src/runtime/actor/cascade.ts",
    find: "${effect.openedAs ?? effect.id}",
    replace: "${effect.id}",
    tests: [CARRY_OVER],
  },
  {
    id: "evolution-carry-over-schedule-stays",
    does: "The schedule of a renamed timer is not cancelled when its state is left.",
    file: "src/runtime/commit/cascade-write-set.ts",
    find: "timer.armedAs ?? timer.id",
    replace: "timer.id",
    tests: [CARRY_OVER],
  },
  {
    id: "evolution-rule-not-needed",
    does: "A node starts with a version that has lost a timer of the one before.",
    file: "src/runtime/actor/fingerprint.ts",
    find: "    if (fault === undefined) continue;",
    replace: "    if (fault !== undefined) continue;",
    tests: [ORDERS],
  },
];

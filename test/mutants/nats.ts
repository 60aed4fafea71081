/** More planted bugs of the adapters for NATS: consumers, reads and groups, on a connection that a test answers. */
import type { Mutant } from "./mutant.ts";

const NATS = "src/adapters/nats";
const folder = "test/unit/adapters";

export const natsMutants: readonly Mutant[] = [
  {
    id: "adapters-successor-starts-after-furthest",
    does: "A worker's new consumer starts after the predecessor that has acknowledged most: events are lost.",
    file: `${NATS}/work-consumer.ts`,
    find: ": Math.min(...floors);",
    replace: ": Math.max(...floors);",
    tests: [`${folder}/work-consumer.test.ts`],
  },
];

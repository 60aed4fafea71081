/** Which test files run together, how many at a time, and in which order. */

export type Phase = {
  readonly name: string;
  /** From the project's root, in the order in which they begin. */
  readonly files: readonly string[];
  /** Files that run at the same time. */
  readonly jobs: number;
};

/** The first that fits a file has it. Jobs are for one processor: what waits for servers leaves room for others. */
const PHASES = [
  { name: "unit and architecture", files: /^test\/(?:unit|architecture|simulation)\//, jobsPerCore: 1 },
  { name: "contract and integration", files: /^test\/(?:contract|integration)\//, jobsPerCore: 2 },
  { name: "process and fault", files: /^/, jobsPerCore: 1.5 },
] as const;

/** The longest, which begin first: a phase that ends with one of them leaves the other processors idle. */
export const LONGEST = [
  "test/unit/failpoints/crash-outside.test.ts",
  "test/unit/failpoints/crash-takeover.test.ts",
  "test/unit/failpoints/crash-commit.test.ts",
  "test/unit/failpoints/crash-workers.test.ts",
  "test/unit/failpoints/crash-documents.test.ts",
  "test/unit/failpoints/crash-numbers.test.ts",
  "test/simulation/simulation.test.ts",
  "test/unit/runtime/cluster.test.ts",
  "test/integration/runtime/worker.test.ts",
  "test/contract/bucket.test.ts",
  "test/contract/consume.test.ts",
  "test/contract/schedule.test.ts",
  "test/fault/nats-cluster.test.ts",
  "test/fault/failpoints.test.ts",
  "test/fault/without-sqlite.test.ts",
  "test/fault/frozen-node.test.ts",
  "test/fault/nats-restart.test.ts",
  "test/fault/kill-node.test.ts",
  "test/fault/hand-over.test.ts",
  "test/fault/stop.test.ts",
  "test/process/start-orphans.test.ts",
  "test/process/hosted-payment.test.ts",
  "test/fault/frozen-calls.test.ts",
  "test/fault/carrier.test.ts",
  "test/process/start-cluster.test.ts",
  "test/process/start.test.ts",
];

/** Every file is in one phase. @param cores processors that the tests may use, at least 1 */
export function phasesOf(files: readonly string[], cores: number): Phase[] {
  const byPhase = Map.groupBy(files, (file) => PHASES.find((phase) => phase.files.test(file))?.name);
  return PHASES.map(({ name, jobsPerCore }) => ({
    name,
    files: (byPhase.get(name) ?? []).toSorted(byLength),
    jobs: Math.ceil(cores * jobsPerCore),
  })).filter((phase) => phase.files.length > 0);
}

function byLength(one: string, other: string): number {
  const [first, second] = [rankOf(one), rankOf(other)];
  return first === second ? (one < other ? -1 : 1) : first - second;
}

const rankOf = (file: string): number => (LONGEST.includes(file) ? LONGEST.indexOf(file) : LONGEST.length);

/** Sums over many runs, and their table for a reader. */
import { faultKinds } from "./plan.ts";
import type { SimulationRun } from "./simulate.ts";

/** A run that violated an invariant. */
export type Failure = Pick<SimulationRun, "seed" | "violations">;

/** Sums over runs. Plain data: it is sent between threads and stored as JSON. */
export type Totals = {
  seeds: number;
  virtualMs: number;
  steps: number;
  replies: number;
  stored: number;
  takeovers: number;
  firedByOwner: number;
  firedBySuccessor: number;
  firedByServer: number;
  faults: Record<string, number>;
  ends: Record<string, number>;
  failures: Failure[];
};

/** Of no run. */
export function noTotals(): Totals {
  return {
    seeds: 0,
    virtualMs: 0,
    steps: 0,
    replies: 0,
    stored: 0,
    takeovers: 0,
    firedByOwner: 0,
    firedBySuccessor: 0,
    firedByServer: 0,
    faults: {},
    ends: {},
    failures: [],
  };
}

/** Adds one run. */
export function addRun(totals: Totals, run: SimulationRun): void {
  const { seed, violations } = run;
  const failures = violations.length > 0 ? [{ seed, violations }] : [];
  addTotals(totals, { ...run, faults: { ...run.faults }, ends: { ...run.ends }, seeds: 1, failures });
}

const sums = [
  "seeds",
  "virtualMs",
  "steps",
  "replies",
  "stored",
  "takeovers",
  "firedByOwner",
  "firedBySuccessor",
  "firedByServer",
] as const;

/** Adds the sums of other runs. */
export function addTotals(totals: Totals, more: Totals): void {
  for (const name of sums) totals[name] += more[name];
  addCounts(totals.faults, more.faults);
  addCounts(totals.ends, more.ends);
  totals.failures.push(...more.failures);
}

function addCounts(counts: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count;
}

const HOUR_MS = 3_600_000;
const amount = (count: number): string => Math.round(count).toLocaleString("en-US");

/** The table. @param tookMs real time */
export function tableOf(totals: Totals, tookMs: number): string {
  const { seeds, virtualMs, faults, ends, failures } = totals;
  const rows: (readonly [string, string])[] = [
    [
      "seeds",
      `${amount(seeds)} in ${(tookMs / 1000).toFixed(1)} s, ${(tookMs / Math.max(1, seeds)).toFixed(1)} ms each`,
    ],
    ["simulated time", `${(virtualMs / HOUR_MS).toFixed(2)} h`],
    ["steps with faults", amount(totals.steps)],
    ["messages stored", amount(totals.stored)],
    ["replies audited", amount(totals.replies)],
    ["locks that changed hands", amount(totals.takeovers)],
    ["timers fired by their owner", amount(totals.firedByOwner)],
    ["of them armed by an owner before", amount(totals.firedBySuccessor)],
    ["timers fired by the server", amount(totals.firedByServer)],
    ["orders", amount(Object.values(ends).reduce((sum, count) => sum + count, 0))],
    ...rowsOf(ends, Object.keys(ends).toSorted()),
    ["faults", amount(Object.values(faults).reduce((sum, count) => sum + count, 0))],
    ...rowsOf(faults, faultKinds),
    ["seeds that failed", amount(failures.length)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

function rowsOf(counts: Readonly<Record<string, number>>, names: readonly string[]) {
  return names.map((name) => [`  ${name}`, amount(counts[name] ?? 0)] as const);
}

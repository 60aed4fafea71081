/** The instant of an order that its page shows: now, or what a commit of its past has left. Pure. */
import type { CommitSteps, Verdict } from "../charts/path.ts";
import type { HistoryItem } from "../api/types.ts";

/** What the charts show of a machine at an instant. */
export type MachineAt = {
  /** Its state; `undefined` before it has begun. */
  readonly value: unknown;
  readonly next: ReadonlyMap<string, Verdict>;
};

/** One possible step, as the API answers it. */
type Step = { readonly machine: string; readonly edge: string; readonly verdict: Verdict };

/** The commits up to a version; all of them without one. */
export const upTo = <Commit extends { readonly version: number }>(
  commits: readonly Commit[],
  version: number | undefined,
): readonly Commit[] =>
  version === undefined ? commits : commits.filter((commit) => commit.version <= version);

/** A machine at the last of some commits. @param next what was possible then; empty while it is not known */
export function machineAt(
  machine: string,
  commits: readonly CommitSteps[],
  next: readonly Step[],
): MachineAt {
  const last = commits
    .flatMap(({ transitions }) => transitions)
    .findLast((step) => step.machine === machine && step.to !== undefined && step.to !== null);
  const own = next.filter((step) => step.machine === machine);
  return { value: last?.to, next: new Map(own.map(({ edge, verdict }) => [edge, verdict])) };
}

/** Versions on both sides of one; absent at the ends. `undefined`: the newest. */
export function neighbors(
  commits: readonly Pick<HistoryItem, "version">[],
  at: number | undefined,
): { readonly before: number | undefined; readonly after: number | undefined } {
  const place = at === undefined ? commits.length - 1 : commits.findIndex(({ version }) => version === at);
  return { before: commits[place - 1]?.version, after: commits[place + 1]?.version };
}

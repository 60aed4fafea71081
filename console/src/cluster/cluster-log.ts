/** What happened in the cluster, from one view of it to the next. Pure. */
import type { Cluster } from "../api/types.ts";

/** One thing that happened. */
export type Happening = {
  /** ms since the epoch, by this browser's clock. */
  readonly at: number;
  readonly kind: "joined" | "gone" | "lost" | "taken" | "silent" | "answers";
  /** The node that it is about; the new owner of what was taken. */
  readonly node: string;
  readonly partitions: readonly number[];
  /** Of what was taken: how long the longest of them was seen without its owner, ms. */
  readonly gapMs?: number;
};

/** What is known about a cluster that is followed. */
export type Followed = {
  readonly view: Cluster;
  /** Newest first. */
  readonly log: readonly Happening[];
  /** Nodes that are gone, and since when; a node that comes back leaves it. */
  readonly gone: ReadonlyMap<string, number>;
  /** Partitions without an owner, and since when. */
  readonly orphans: ReadonlyMap<number, number>;
};

const MOST_LOG = 200;
/** A node that is gone is shown for so long. */
const GONE_SHOWN_MS = 10 * 60_000;

/** Before any change was seen. */
export const begin = (view: Cluster, at: number): Followed => ({
  view,
  log: [],
  gone: new Map(),
  orphans: new Map(
    view.partitions.filter(({ node }) => node === null).map(({ partition }) => [partition, at]),
  ),
});

/** What is known after the next view. */
export function follow(before: Followed, view: Cluster, at: number): Followed {
  const ids = new Set(view.nodes.map(({ id }) => id));
  const known = new Map(before.view.partitions.map((one) => [one.partition, one]));
  const orphans = new Map(before.orphans);
  const lost = new Map<string, number[]>();
  const taken = new Map<string, { partitions: number[]; gapMs: number }>();
  const silent: number[] = [];
  const answering: number[] = [];
  for (const { answers, epoch, node, partition } of view.partitions) {
    const old = known.get(partition);
    if (old === undefined) continue;
    if (node === null) {
      if (old.node !== null) lost.set(old.node, [...(lost.get(old.node) ?? []), partition]);
      if (!orphans.has(partition)) orphans.set(partition, at);
    } else if (node !== old.node || epoch !== old.epoch) {
      const group = taken.get(node) ?? { partitions: [], gapMs: 0 };
      group.partitions.push(partition);
      group.gapMs = Math.max(group.gapMs, at - (orphans.get(partition) ?? at));
      taken.set(node, group);
      orphans.delete(partition);
    }
    if (old.answers !== false && answers === false) silent.push(partition);
    if (old.answers === false && answers === true) answering.push(partition);
  }
  const left = before.view.nodes.filter(({ id }) => !ids.has(id)).map(({ id }) => id);
  const came = view.nodes.filter(({ id }) => !before.view.nodes.some((one) => one.id === id));
  const gone = new Map([...before.gone].filter(([id, since]) => !ids.has(id) && at - since < GONE_SHOWN_MS));
  for (const id of left) gone.set(id, at);
  const happened: Happening[] = [
    ...left.map((node) => ({ at, kind: "gone" as const, node, partitions: [] })),
    ...came.map(({ id }) => ({ at, kind: "joined" as const, node: id, partitions: [] })),
    ...[...lost].map(([node, partitions]) => ({ at, kind: "lost" as const, node, partitions })),
    ...[...taken].map(([node, group]) => ({ at, kind: "taken" as const, node, ...group })),
    ...(silent.length > 0 ? [{ at, kind: "silent" as const, node: "", partitions: silent }] : []),
    ...(answering.length > 0 ? [{ at, kind: "answers" as const, node: "", partitions: answering }] : []),
  ];
  const log =
    happened.length === 0 ? before.log : [...happened.toReversed(), ...before.log].slice(0, MOST_LOG);
  return { view, log, gone, orphans };
}

/** One thing that happened, as a sentence. */
export function sentenceOf({ gapMs, kind, node, partitions }: Happening): string {
  const which = `${partitions.length === 1 ? "partition" : "partitions"} ${ranges(partitions)}`;
  switch (kind) {
    case "joined":
      return `${node} takes part`;
    case "gone":
      return `${node} is gone`;
    case "lost":
      return `${node} no longer owns ${which}`;
    case "taken":
      return `${node} owns ${which}${gapMs ? `, after ${(gapMs / 1000).toFixed(1)} s without an owner` : ""}`;
    case "silent":
      return `${which}: the owner does not answer`;
    default:
      return `${which}: the owner answers again`;
  }
}

/** Numbers with runs as ranges: `1-3, 7`. @param numbers ascending */
export function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
}

/** The commits of an order as its page shows them. Pure. */
import { eventText } from "../charts/labels.ts";
import { leavesOf, stateTitle } from "../charts/machine-chart.ts";
import type { HistoryItem } from "../api/types.ts";

/**
 * Commits with one that has come. The same list: it is there already. `undefined`: commits between are missing.
 * @param before oldest first
 * @param most of a list that is full, later commits are left out
 */
export function withCommit(
  before: readonly HistoryItem[],
  item: HistoryItem,
  most = Number.POSITIVE_INFINITY,
): readonly HistoryItem[] | undefined {
  const last = before.at(-1)?.version ?? 0;
  if (item.version <= last || before.length >= most) return before;
  return item.version === last + 1 ? [...before, item] : undefined;
}

/** What a list of commits can be narrowed to. */
export const commitFilters = ["all", "moves", "calls", "people"] as const;
/** One of {@link commitFilters}. */
export type CommitFilter = (typeof commitFilters)[number];

/** A step of a machine in words. */
export type Move = {
  readonly machine: string;
  readonly from: string;
  readonly to: string;
  readonly event: string;
};

/** A commit in words. */
export type Told = {
  readonly item: HistoryItem;
  /** What caused it. */
  readonly title: string;
  readonly moves: readonly Move[];
  /** Who asked for it; absent for timers, calls and workers. */
  readonly person?: string;
  readonly fits: ReadonlySet<CommitFilter>;
};

/** A commit in words. */
export function told(item: HistoryItem): Told {
  const moves = item.transitions.flatMap(moveOf);
  const isPerson = item.actor.kind !== "system" && item.actor.kind !== "worker";
  const isCall =
    item.input.startsWith("effect:") || item.effects.opened.length > 0 || item.timers.armed.length > 0;
  const fits = new Set<CommitFilter>(["all"]);
  if (moves.length > 0) fits.add("moves");
  if (isCall) fits.add("calls");
  if (isPerson) fits.add("people");
  const { id, kind } = item.actor;
  return {
    item,
    title: causeOf(item),
    moves,
    ...(isPerson && { person: id ? `${kind} ${id}` : kind }),
    fits,
  };
}

function moveOf({ event = "", from, machine, to }: HistoryItem["transitions"][number]): Move[] {
  const [before, after] = [leavesOf(from)[0] ?? "", leavesOf(to)[0] ?? ""];
  if (before === after) return [];
  return [{ machine, from: stateTitle(before), to: stateTitle(after), event: eventText(event) }];
}

/** What caused a commit, as people say it. */
export function causeOf({ input, transitions }: Pick<HistoryItem, "input" | "transitions">): string {
  const [kind = "", ...rest] = input.split(":");
  const name = rest.join(":");
  const failed = transitions.some(({ event }) => event?.startsWith("xstate.error."));
  switch (kind) {
    case "start":
      return "The order was placed";
    case "command":
      return `Command: ${name}`;
    case "effect":
      return `${callName(name)} ${failed ? "failed" : "answered"}`;
    case "timer":
      return `Timer: ${timerName(name)}`;
    case "inbox":
      return `Message: ${name}`;
    default:
      return input;
  }
}

/** A call without the machine that makes it. */
export const callName = (name: string): string => name.slice(name.indexOf(".") + 1);

/** A timer as people read it: `retryDelay` of `payment.xstate.after.retryDelay.payment.capture_failed`. */
export function timerName(name: string): string {
  const delay = /xstate\.after\.([^.]+)/u.exec(name)?.[1];
  return delay ?? callName(name);
}

/** Sentences about what happened, from the texts of the states that were entered; the same is said once. */
export function storyOf(
  commits: readonly HistoryItem[],
  says: (machine: string, state: string) => string | undefined,
): { readonly version: number; readonly at: string; readonly text: string }[] {
  const story: { version: number; at: string; text: string }[] = [];
  const last = new Map<string, string>();
  for (const { at, transitions, version } of commits)
    for (const { event, machine, to } of transitions) {
      // The others have not begun anything yet.
      if (event === "xstate.init" && machine !== "order") continue;
      const state = leavesOf(to)[0];
      const text = state === undefined ? undefined : says(machine, state);
      if (text === undefined || last.get(machine) === text) continue;
      last.set(machine, text);
      story.push({ version, at, text });
    }
  return story;
}

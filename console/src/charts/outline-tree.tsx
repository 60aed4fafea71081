/** A machine as a tree of its states: the same as its chart, for phones, keyboards, screen readers and print. */
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import type { Meaning } from "../orders/meanings.ts";
import { formatCount } from "../ui/format.ts";
import { MarkIcon, verdictOf } from "./marks.tsx";
import type { OutlineState } from "./outline.ts";
import { versionsText } from "./path-layout.ts";
import styles from "./charts.module.css";

/** A state that is shown, with where it is in the tree. */
type Item = { readonly state: OutlineState; readonly expandable: boolean; readonly expanded: boolean };

/** Draws it. States of an order's path are open at first. */
export function OutlineTree({
  counts,
  meaningOf,
  name,
  onChoose,
  onPick,
  states,
}: {
  readonly name: string;
  readonly states: readonly OutlineState[];
  readonly meaningOf: (state: string) => Meaning;
  /** Number of orders in each state. */
  readonly counts?: ReadonlyMap<string, number>;
  /** Called with the commit that last entered a state. */
  readonly onPick?: (version: number) => void;
  /** Called with the state. */
  readonly onChoose?: (path: string) => void;
}) {
  const [changed, setChanged] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [reached, setReached] = useState<string>();
  const list = useRef<HTMLUListElement>(null);
  const items = useMemo(() => itemsOf(states, changed), [states, changed]);
  const at = Math.max(
    0,
    items.findIndex(({ state }) => (reached === undefined ? state.isActive : state.path === reached)),
  );
  const go = (place: number): void => {
    const item = items[Math.min(Math.max(place, 0), items.length - 1)];
    if (!item) return;
    setReached(item.state.path);
    list.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(item.state.path)}"]`)?.focus();
  };
  const fold = ({ expandable, state }: Item, expanded: boolean): void => {
    if (expandable) setChanged((before) => new Map(before).set(state.path, expanded));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const item = items[at];
    if (!item) return;
    const inner = event.key === "ArrowRight" && item.expanded;
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      Home: () => go(0),
      End: () => go(items.length - 1),
      ArrowRight: () => (inner ? go(at + 1) : fold(item, true)),
      ArrowLeft: () =>
        item.expanded
          ? fold(item, false)
          : go(items.findLastIndex(({ state }, place) => place < at && state.level < item.state.level)),
      Enter: () => pick(item),
      " ": () => pick(item),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  };
  const pick = ({ state }: Item): void => {
    const last = state.visits.at(-1);
    if (last !== undefined) onPick?.(last);
    onChoose?.(state.path);
  };
  return (
    <ul
      ref={list}
      className={styles["tree"]}
      role="tree"
      aria-label={`${name}: outline`}
      onKeyDown={onKeyDown}
    >
      {items.map((item, place) => {
        const { expandable, expanded, state } = item;
        const meaning = meaningOf(state.path);
        return (
          <li
            key={state.path}
            role="treeitem"
            aria-level={state.level}
            aria-expanded={expandable ? expanded : undefined}
            aria-current={state.isActive || undefined}
            aria-selected={place === at}
            data-path={state.path}
            data-active={state.isActive || undefined}
            data-visited={state.visits.length > 0 || undefined}
            data-meaning={state.isActive ? meaning : undefined}
            tabIndex={place === at ? 0 : -1}
            style={{ paddingLeft: 8 + (state.level - 1) * 18 }}
            onClick={() => {
              setReached(state.path);
              fold(item, !expanded);
              onChoose?.(state.path);
            }}
          >
            <span className={styles["treeRow"]}>
              <MarkIcon name={expandable ? (expanded ? "open" : "inside") : "possible"} />
              {state.isActive && <MarkIcon name={meaning} />}
              <strong>{state.name}</strong>
              {state.isActive && <span className={styles["tag"]}>now</span>}
              {state.isFinal && <span className={styles["tag"]}>end</span>}
              {state.calls.map((call) => (
                <span key={call} className="dim">
                  <MarkIcon name="call" /> {call}
                </span>
              ))}
              {(counts?.get(state.path) ?? 0) > 0 && (
                <span className={styles["visits"]}>
                  {formatCount(counts?.get(state.path) ?? 0)}
                  <span className="visually-hidden"> orders</span>
                </span>
              )}
              {state.visits.length > 0 && (
                <span className={styles["visits"]}>{versionsText(state.visits)}</span>
              )}
            </span>
            {expanded && state.exits.length > 0 && (
              <span className={styles["exits"]}>
                {state.exits.map((exit) => (
                  <span
                    key={`${exit.text} ${exit.to}`}
                    data-verdict={exit.verdict === undefined ? undefined : verdictOf(exit.verdict).name}
                  >
                    {exit.verdict === undefined ? null : <MarkIcon name={verdictOf(exit.verdict).name} />}
                    {exit.text} {exit.to === "" ? "(stays)" : `→ ${exit.to}`}
                    {exit.verdict !== undefined && (
                      <span className="visually-hidden">, {verdictOf(exit.verdict).words}</span>
                    )}
                  </span>
                ))}
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function itemsOf(states: readonly OutlineState[], changed: ReadonlyMap<string, boolean>): Item[] {
  return states.flatMap((state) => {
    const expandable = state.states.length > 0 || state.exits.length > 0;
    const expanded = expandable && (changed.get(state.path) ?? state.isActive);
    return [{ state, expandable, expanded }, ...(expanded ? itemsOf(state.states, changed) : [])];
  });
}

/** What happened to an order, newest first: moves, calls, timers, events, people, and changes of its owner. */
import { useEffect, useMemo, useRef, useState } from "react";
import { MarkIcon } from "../charts/marks.tsx";
import type { HistoryItem } from "../api/types.ts";
import { Button } from "../ui/button.tsx";
import { formatDuration } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { Time } from "../ui/time.tsx";
import { callName, type CommitFilter, commitFilters, timerName, type Told, told } from "./commits.ts";
import type { Outside } from "./outside-events.ts";
import styles from "./order.module.css";

/** Entries that are drawn before "show more". */
const FIRST = 100;

/** Draws it. */
export function Timeline({
  at,
  commits,
  filter,
  onFilter,
  onGo,
  outside,
}: {
  readonly commits: readonly HistoryItem[];
  /** Mails and parcels, oldest first. */
  readonly outside: readonly Outside[];
  readonly at: number | undefined;
  readonly filter: CommitFilter;
  readonly onFilter: (filter: CommitFilter) => void;
  readonly onGo: (version: number | undefined) => void;
}) {
  const [shown, setShown] = useState(FIRST);
  const entries = useMemo(() => commits.map(told).toReversed(), [commits]);
  const fitting = entries.filter(({ fits }) => fits.has(filter));
  const list = useRef<HTMLOListElement>(null);
  /** Those after a record and before the next one, newest first. */
  const between = (from: string, to: string | undefined) =>
    filter === "all"
      ? outside
          .filter(({ at: when }) => isAfter(when, from) && (to === undefined || !isAfter(when, to)))
          .toReversed()
      : [];
  const newest = commits.at(-1)?.version;
  const current = at ?? newest;
  useEffect(() => {
    const entry = list.current?.querySelector("[data-at]");
    const frame = list.current;
    if (!(entry instanceof HTMLElement) || !frame) return;
    // The list alone scrolls, not the page.
    const top = entry.offsetTop - frame.offsetTop;
    if (top < frame.scrollTop || top + entry.offsetHeight > frame.scrollTop + frame.clientHeight)
      frame.scrollTop = top - 40;
  }, [current]);
  return (
    <section className={styles["timeline"]} aria-label="Timeline">
      <header>
        <h2>Timeline</h2>
        <div className={styles["choices"]} role="group" aria-label="Show">
          {commitFilters.map((one) => (
            <button key={one} type="button" aria-pressed={filter === one} onClick={() => onFilter(one)}>
              {one}
            </button>
          ))}
        </div>
      </header>
      {fitting.length === 0 ? (
        <p className="dim">No record of this kind yet.</p>
      ) : (
        <ol ref={list} tabIndex={0} aria-label="Records, newest first">
          {fitting.slice(0, shown).map((entry, place) => (
            <Entry
              key={entry.item.version}
              entry={entry}
              then={between(entry.item.at, fitting[place - 1]?.item.at)}
              earlier={earlier(commits, entry.item)}
              isAt={entry.item.version === current}
              onGo={() => onGo(place === 0 && entry.item.version === newest ? undefined : entry.item.version)}
            />
          ))}
          {fitting.length > shown && (
            <li className={styles["more"]}>
              <Button kind="quiet" onClick={() => setShown(shown + FIRST)}>
                {fitting.length - shown} earlier records
              </Button>
            </li>
          )}
        </ol>
      )}
    </section>
  );
}

const isAfter = (one: string, other: string): boolean => Date.parse(one) > Date.parse(other);

/** The commit before this one. */
const earlier = (commits: readonly HistoryItem[], { version }: HistoryItem): HistoryItem | undefined =>
  commits.findLast((commit) => commit.version < version);

function Entry({
  earlier,
  entry: { item, moves, person, title },
  isAt,
  onGo,
  then,
}: {
  /** What happened outside after it. */
  readonly then: readonly Outside[];
  readonly entry: Told;
  readonly earlier: HistoryItem | undefined;
  readonly isAt: boolean;
  readonly onGo: () => void;
}) {
  const taken = earlier !== undefined && earlier.epoch !== item.epoch;
  const since = earlier === undefined ? undefined : Date.parse(item.at) - Date.parse(earlier.at);
  return (
    <>
      {then.map(({ at, kind, text }) => (
        <li key={`${at} ${text}`} className={styles["outside"]}>
          <Icon name={kind === "mail" ? "messages" : "warehouse"} />
          <span>{text}</span>
          <Time at={at} />
        </li>
      ))}
      <li className={styles["entry"]} data-at={isAt || undefined}>
        <button type="button" onClick={onGo} aria-current={isAt ? "step" : undefined}>
          <span className={styles["number"]}>{item.version}</span>
          <span className={styles["what"]}>{title}</span>
          <span className={styles["when"]}>
            <Time at={item.at} />
            {since !== undefined && <span>+{since < 1000 ? `${since} ms` : formatDuration(since)}</span>}
          </span>
        </button>
        <ul className={styles["details"]}>
          {moves.map(({ event, from, machine, to }, at) => (
            <li key={`${machine} ${at}`}>
              <MarkIcon name="stays" />
              <span>
                <span className="dim">{machine}</span> {from === "" ? "" : `${from} → `}
                <strong>{to}</strong> <span className="dim">{event}</span>
              </span>
            </li>
          ))}
          {item.effects.opened.map((name) => (
            <li key={`call ${name}`}>
              <MarkIcon name="call" />
              <span>calls {callName(name)}</span>
            </li>
          ))}
          {item.timers.armed.map((name) => (
            <li key={`timer ${name}`}>
              <MarkIcon name="time" />
              <span>timer {timerName(name)}</span>
            </li>
          ))}
          {item.events.length > 0 && (
            <li>
              <MarkIcon name="chip" />
              <span>publishes {item.events.join(", ")}</span>
            </li>
          )}
          {(person !== undefined || item.reason !== undefined) && (
            <li>
              <MarkIcon name="person" />
              <span>
                {person}
                {item.reason !== undefined && `: “${item.reason}”`}
              </span>
            </li>
          )}
          <li className="dim">
            {item.node}, epoch {item.epoch}
            {item.durationMs !== undefined && `, the call took ${item.durationMs} ms`}
          </li>
        </ul>
      </li>
      {taken && (
        <li className={styles["taken"]}>
          moved from {earlier.node} (epoch {earlier.epoch}) to {item.node} (epoch {item.epoch})
        </li>
      )}
    </>
  );
}

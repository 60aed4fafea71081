/** All records of an order on a line: any instant of its past is one move away. */
import { useEffect, useState } from "react";
import type { HistoryItem } from "../api/types.ts";
import { IconButton } from "../ui/button.tsx";
import { formatClock } from "../ui/format.ts";
import { neighbors } from "./instants.ts";
import styles from "./order.module.css";

const PLAY_MS = 700;

/** Draws it. `[` and `]` go to the record before and after, wherever the focus is. */
export function Scrubber({
  at,
  commits,
  onGo,
}: {
  readonly commits: readonly HistoryItem[];
  /** Version that is shown; absent: now. */
  readonly at: number | undefined;
  readonly onGo: (version: number | undefined) => void;
}) {
  const [playing, setPlaying] = useState(false);
  const last = commits.length - 1;
  const found = at === undefined ? last : commits.findIndex(({ version }) => version === at);
  const place = found < 0 ? last : found;
  const item = commits[place];
  const { after, before } = neighbors(commits, at);
  const go = (version: number | undefined): void =>
    onGo(version === commits[last]?.version ? undefined : version);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { target } = event;
      const isTyping =
        target instanceof Element && target.closest("input:not([type=range]), textarea, select, dialog");
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "[" && before !== undefined) go(before);
      if (event.key === "]" && after !== undefined) go(after);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  });
  useEffect(() => {
    if (!playing) return undefined;
    const timer = window.setTimeout(() => (after === undefined ? setPlaying(false) : go(after)), PLAY_MS);
    return () => window.clearTimeout(timer);
  });
  if (!item) return null;
  return (
    <div className={styles["scrubber"]}>
      <IconButton
        icon={playing ? "pause" : "play"}
        label={playing ? "Stop" : "Play the records"}
        onClick={() => {
          if (!playing && after === undefined) go(commits[0]?.version);
          setPlaying(!playing);
        }}
      />
      <IconButton
        icon="left"
        label="Record before: ["
        disabled={before === undefined}
        onClick={() => go(before)}
      />
      <input
        type="range"
        aria-label="Record"
        aria-valuetext={`record ${item.version} of ${commits[last]?.version}, ${formatClock(Date.parse(item.at))}`}
        min={0}
        max={last}
        value={place}
        onChange={({ target }) => go(commits[Number(target.value)]?.version)}
      />
      <IconButton
        icon="right"
        label="Record after: ]"
        disabled={after === undefined}
        onClick={() => go(after)}
      />
      <span className={styles["position"]}>
        {item.version} of {commits[last]?.version}
      </span>
    </div>
  );
}

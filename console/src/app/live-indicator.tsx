/** What the live connection is doing, in a word, and a button that pauses it. */
import { useLiveConnection, useLiveState } from "../live/use-live.ts";
import { liveWords } from "../live/live-state.ts";
import { formatClock } from "../ui/format.ts";
import { IconButton } from "../ui/button.tsx";
import { useTimedText } from "../ui/time.tsx";
import styles from "./shell.module.css";

/** The indicator. */
export function LiveIndicator() {
  const connection = useLiveConnection();
  const state = useLiveState();
  const words = useTimedText((now) => liveWords(state, now, formatClock));
  const paused = state.phase === "paused";
  return (
    <div className={styles["live"]}>
      <span className={styles["liveState"]} data-phase={state.phase} role="status">
        <span className={styles["dot"]} aria-hidden="true" />
        <span>{words}</span>
      </span>
      <IconButton
        icon={paused ? "play" : "pause"}
        label={paused ? "Resume live changes" : "Pause live changes"}
        onClick={() => (paused ? connection.resume() : connection.pause())}
      />
    </div>
  );
}

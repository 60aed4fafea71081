/** Small signs in charts, drawn here: no font has to have them. They are decoration; texts say the same. */
import type { Meaning } from "../orders/meanings.ts";
import type { Verdict } from "./path.ts";
import styles from "./charts.module.css";

/** Signs of 10 px around their middle. */
const shapes = {
  moving: <circle r="4.5" />,
  person: (
    <>
      <circle r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M0-4a4 4 0 0 0 0 8z" />
    </>
  ),
  time: (
    <>
      <circle r="4.2" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M0-2.6V0L1.8 1.2" fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinecap="round" />
    </>
  ),
  held: <path d="M0-4.6 5 4.2H-5z" />,
  failed: <path d="M-3.6-3.6 3.6 3.6M3.6-3.6-3.6 3.6" fill="none" stroke="currentColor" strokeWidth="2" />,
  unknown: (
    <path
      d="M-2.4-2.2a2.4 2.4 0 1 1 3.4 2.2C.3.4 0 .9 0 1.8M0 4v.3"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
    />
  ),
  done: <path d="M-4 .2-1.2 3.2 4-3.4" fill="none" stroke="currentColor" strokeWidth="2" />,
  ended: <path d="M-4 0H4" fill="none" stroke="currentColor" strokeWidth="2" />,
  visited: <circle r="3.4" fill="none" stroke="currentColor" strokeWidth="1.4" />,
  possible: <circle r="3.4" fill="none" stroke="currentColor" strokeWidth="1.2" strokeDasharray="1.6 1.6" />,
  initial: <circle r="3" />,
  call: (
    <path
      d="M0-4.4V-2.6M0 2.6V4.4M-4.4 0H-2.6M2.6 0H4.4M-3.1-3.1-1.9-1.9M1.9 1.9 3.1 3.1M3.1-3.1 1.9-1.9M-1.9 1.9-3.1 3.1M0-2.4A2.4 2.4 0 1 0 0 2.4 2.4 2.4 0 0 0 0-2.4z"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.2"
    />
  ),
  chip: <path d="M-3 3 3-3M-1.6-3H3V1.6" fill="none" stroke="currentColor" strokeWidth="1.3" />,
  stays: (
    <path d="M3-1.4A3.3 3.3 0 1 0 3 1.6M3.4-4V-1H.4" fill="none" stroke="currentColor" strokeWidth="1.2" />
  ),
  inside: <path d="M-2.6-3.4 2.6 0-2.6 3.4z" />,
  open: <path d="M-3.6-2.4H3.6L0 3z" />,
} as const;

/** A sign that is not a meaning. */
export type MarkName = keyof typeof shapes;

/** A sign in an SVG, around a place. */
export function Mark({
  name,
  x,
  y,
}: {
  readonly name: MarkName | Meaning;
  readonly x: number;
  readonly y: number;
}) {
  return (
    <g className={styles["mark"]} transform={`translate(${x} ${y})`}>
      {shapes[name]}
    </g>
  );
}

/** The same in a text. */
export function MarkIcon({ name }: { readonly name: MarkName | Meaning }) {
  return (
    <svg className={styles["icon"]} width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true">
      <g className={styles["mark"]}>{shapes[name]}</g>
    </svg>
  );
}

const verdicts = {
  true: { name: "done", words: "would be taken now" },
  false: { name: "failed", words: "would not be taken now" },
  null: { name: "unknown", words: "depends on what the event says" },
} as const;

/** What an answer of a condition means, in words and as a sign. */
export const verdictOf = (verdict: Verdict): { readonly name: Meaning; readonly words: string } =>
  verdicts[`${verdict}`];

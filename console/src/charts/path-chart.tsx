/** The path of an order through one machine, drawn. */
import { type KeyboardEvent, type ReactNode, type RefObject, useMemo } from "react";
import type { Meaning } from "../orders/meanings.ts";
import { useTimedText } from "../ui/time.tsx";
import { useChartFocus } from "./chart-focus.ts";
import type { Layout, Rect } from "./layout.ts";
import { stateTitle } from "./machine-chart.ts";
import { Mark, verdictOf } from "./marks.tsx";
import type { Path, PathArrow, PathLine, PathState } from "./path.ts";
import { labelRows, markWidth, pathTitle } from "./path-layout.ts";
import { headOf, routePath } from "./route.ts";
import { sizes } from "./sizes.ts";
import { textWidth } from "./text-width.ts";
import styles from "./charts.module.css";

/** What is shown beside the path itself. */
export type PathChartProps = {
  /** Of the machine. */
  readonly name: string;
  readonly path: Path;
  readonly layout: Layout;
  readonly meaningOf: (state: string) => Meaning;
  /** Under the current state: which try it is, or a clock. */
  readonly status: (now: number) => string;
  /** Commits after this version are marked: another instant is compared with. */
  readonly since?: number | undefined;
  /** Called with the commit that last entered a state. */
  readonly onPick: (version: number) => void;
};

/** Draws it. */
export function PathChart({ layout, meaningOf, name, onPick, path, since, status }: PathChartProps) {
  const ways = useMemo(
    () => ({ order: path.states.map((state) => state.path), arrows: path.arrows }),
    [path],
  );
  const current = path.states.find(({ isCurrent }) => isCurrent);
  const { onKeyDown, svg, tabIndex } = useChartFocus(ways, current?.path);
  return (
    <ChartSheet name={`${name}: its path`} layout={layout} sheet={svg} onKeyDown={onKeyDown}>
      {path.arrows.map((arrow) => (
        <PathLineDrawn key={arrow.id} arrow={arrow} layout={layout} since={since} />
      ))}
      {path.states.map((state) => (
        <StateDrawn
          key={state.path}
          state={state}
          place={layout.boxes[state.path]}
          meaning={meaningOf(state.path)}
          status={status}
          since={since}
          tabIndex={tabIndex(state.path)}
          onPick={onPick}
        />
      ))}
      {path.arrows.map((arrow) => (
        <Label key={arrow.id} arrow={arrow} place={layout.arrows[arrow.id]?.label} />
      ))}
    </ChartSheet>
  );
}

/** Texts can still be read at this part of their size. */
const SMALLEST = 0.72;

/** A sheet of a chart; it shrinks a little where there is less room, and then its frame scrolls. */
export function ChartSheet({
  children,
  layout,
  name,
  onKeyDown,
  sheet,
}: {
  readonly name: string;
  readonly layout: Layout;
  readonly sheet: RefObject<SVGSVGElement | null>;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly children: ReactNode;
}) {
  const { height, width } = layout;
  return (
    <svg
      ref={sheet}
      className={styles["sheet"]}
      role="group"
      aria-label={name}
      viewBox={`0 0 ${width} ${height}`}
      style={{ width: "100%", maxWidth: width, minWidth: Math.round(width * SMALLEST) }}
      onKeyDown={onKeyDown}
    >
      {children}
    </svg>
  );
}

/** The line of an arrow with its head. */
export function Line({ points }: { readonly points: readonly (readonly [number, number])[] }) {
  const head = headOf(points);
  return (
    <>
      <path d={routePath(points)} fill="none" />
      {head && (
        <path
          className={styles["head"]}
          d="M-8-4 0 0-8 4z"
          transform={`translate(${head.x} ${head.y}) rotate(${head.angle})`}
        />
      )}
    </>
  );
}

const isFresh = (versions: readonly number[], since: number | undefined): boolean =>
  since !== undefined && versions.some((version) => version > since);

function PathLineDrawn({
  arrow,
  layout,
  since,
}: {
  readonly arrow: PathArrow;
  readonly layout: Layout;
  readonly since: number | undefined;
}) {
  const { points = [] } = layout.arrows[arrow.id] ?? {};
  const fresh = arrow.lines.some(({ versions }) => isFresh(versions, since));
  return (
    <g className={styles["arrow"]} data-taken={arrow.taken || undefined} data-fresh={fresh || undefined}>
      <Line points={points} />
    </g>
  );
}

function Label({ arrow, place }: { readonly arrow: PathArrow; readonly place: Rect | undefined }) {
  if (!place) return null;
  return (
    <g className={styles["label"]} data-taken={arrow.taken || undefined}>
      <rect
        className={styles["halo"]}
        x={place.x}
        y={place.y}
        width={place.width}
        height={place.height}
        rx="3"
      />
      {labelRows(arrow).map(({ begins, line, text, versions }, at) => {
        const y = place.y + sizes.labelPadding + at * sizes.line + 9;
        // Texts are in the middle of their label.
        const width = markWidth(versions) + textWidth(text, sizes.lineFont);
        const x = place.x + (place.width - width) / 2;
        return (
          <g key={`${line.event} ${text}`} data-verdict={verdictName(line)}>
            {begins && line.versions.length > 0 && (
              <text className={styles["versions"]} x={x} y={y} fontSize={sizes.lineFont}>
                {versions}
              </text>
            )}
            {begins && line.versions.length === 0 && line.verdict !== undefined && (
              <g>
                <title>{verdictOf(line.verdict).words}</title>
                <Mark name={verdictOf(line.verdict).name} x={x + 6} y={y - 4} />
              </g>
            )}
            <text x={x + markWidth(versions)} y={y} fontSize={sizes.lineFont}>
              {text}
            </text>
          </g>
        );
      })}
    </g>
  );
}

const verdictName = (line: PathLine): string | undefined =>
  line.versions.length > 0 || line.verdict === undefined ? undefined : verdictOf(line.verdict).name;

/** A state as a sentence, for screen readers. */
export function stateSentence(state: PathState, meaning: Meaning): string {
  const title = stateTitle(state.path);
  if (state.visits.length === 0 && !state.isCurrent) return `${title}, possible next`;
  const how = state.visits.length > 0 ? `, entered by ${records(state.visits)}` : "";
  const chips = state.chips.map(
    ({ event, guard, to, verdict }) =>
      `${event} ${guard} to ${stateTitle(to)} ${verdict === undefined ? "" : verdictOf(verdict).words}`,
  );
  const possible = chips.length > 0 ? `. Possible: ${chips.join("; ")}` : "";
  return state.isCurrent ? `${title}, current, ${meaning}${how}${possible}` : `${title}${how}`;
}

const records = (versions: readonly number[]): string =>
  `${versions.length > 1 ? "records" : "record"} ${versions.join(", ")}`;

function StateDrawn({
  meaning,
  onPick,
  place,
  since,
  state,
  status,
  tabIndex,
}: {
  readonly state: PathState;
  readonly place: Rect | undefined;
  readonly meaning: Meaning;
  readonly status: (now: number) => string;
  readonly since: number | undefined;
  readonly tabIndex: number;
  readonly onPick: (version: number) => void;
}) {
  if (!place) return null;
  const { height, width, x, y } = place;
  const last = state.visits.at(-1);
  const pick = last === undefined ? undefined : () => onPick(last);
  const kind = state.isCurrent ? "current" : last === undefined ? "possible" : "visited";
  return (
    <g
      className={styles["state"]}
      data-kind={kind}
      data-meaning={state.isCurrent ? meaning : undefined}
      data-fresh={isFresh(state.visits, since) || undefined}
      data-state={state.path}
      data-button={pick !== undefined || undefined}
      onClick={pick}
    >
      <rect
        className={styles["box"]}
        x={x}
        y={y}
        width={width}
        height={height}
        rx="6"
        role={pick ? "button" : "img"}
        aria-label={stateSentence(state, meaning)}
        tabIndex={tabIndex}
        onKeyDown={(event) => {
          if (!pick || (event.key !== "Enter" && event.key !== " ")) return;
          event.preventDefault();
          pick();
        }}
      />
      {state.isFinal && (
        <rect className={styles["inner"]} x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx="4" />
      )}
      <Mark
        name={state.isCurrent ? meaning : kind === "visited" ? "visited" : "possible"}
        x={x + 16}
        y={y + 14}
      />
      {/* Its name says the same, and more. */}
      <text className={styles["title"]} x={x + 28} y={y + 18.5} fontSize={sizes.titleFont} aria-hidden="true">
        {pathTitle(state)}
      </text>
      <Rows state={state} x={x} y={y} status={status} />
    </g>
  );
}

function Rows({
  state,
  status,
  x,
  y,
}: {
  readonly state: PathState;
  readonly x: number;
  readonly y: number;
  readonly status: (now: number) => string;
}) {
  const at = (place: number): number => y + sizes.title + place * sizes.row + 9;
  const { calls, chips, isCurrent } = state;
  const first = calls.length + (isCurrent ? 1 : 0);
  return (
    <g className={styles["rows"]} aria-hidden="true">
      {calls.map((call, place) => (
        <g key={call}>
          <Mark name="call" x={x + 16} y={at(place) - 3.5} />
          <text x={x + 28} y={at(place)} fontSize={sizes.rowFont}>
            {call}
          </text>
        </g>
      ))}
      {isCurrent && <Status x={x + 28} y={at(calls.length)} status={status} />}
      {chips.map((line, place) => (
        <g key={`${line.event} ${line.guard} ${line.to}`} data-verdict={verdictName(line)}>
          {line.verdict !== undefined && (
            <Mark name={verdictOf(line.verdict).name} x={x + 16} y={at(first + place) - 3.5} />
          )}
          <text x={x + 28} y={at(first + place)} fontSize={sizes.rowFont}>
            {[line.event, line.guard, "→", stateTitle(line.to)].filter((part) => part !== "").join(" ")}
          </text>
        </g>
      ))}
    </g>
  );
}

function Status({
  status,
  x,
  y,
}: {
  readonly x: number;
  readonly y: number;
  readonly status: (now: number) => string;
}) {
  const text = useTimedText(status);
  return (
    <text className={styles["status"]} x={x} y={y} fontSize={sizes.rowFont}>
      {text}
    </text>
  );
}

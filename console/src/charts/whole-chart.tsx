/** A whole machine, drawn: places come from the build, what is in them from the node. */
import { useMemo, useState } from "react";
import type { Meaning } from "../orders/meanings.ts";
import { formatCount } from "../ui/format.ts";
import { useChartFocus } from "./chart-focus.ts";
import type { Box, Drawing, Row } from "./drawing.ts";
import type { Layout, Rect } from "./layout.ts";
import { ownName, stateTitle } from "./machine-chart.ts";
import { Mark } from "./marks.tsx";
import { ChartSheet, Line } from "./path-chart.tsx";
import { sizes } from "./sizes.ts";
import { textWidth } from "./text-width.ts";
import styles from "./charts.module.css";

/** What an order, or all orders, have to do with the states. */
export type WholeChartProps = {
  readonly name: string;
  readonly drawing: Drawing;
  readonly layout: Layout;
  readonly meaningOf: (state: string) => Meaning;
  /** States that the order is in, with those around them. */
  readonly active?: ReadonlySet<string>;
  readonly visited?: ReadonlySet<string>;
  /** Ids of transitions that the order took. */
  readonly taken?: ReadonlySet<string>;
  /** Number of orders in each state. */
  readonly counts?: ReadonlyMap<string, number>;
  /** Whether a state has the more of its color the more orders are in it. */
  readonly heat?: boolean;
  readonly selected?: string;
  readonly onPick?: (state: string) => void;
  /** Opens or closes a compound state. */
  readonly onFold?: (state: string) => void;
};

/** Draws it. */
export function WholeChart(props: WholeChartProps) {
  const { drawing, layout, name, taken } = props;
  const [shown, setShown] = useState<{ readonly from: string; readonly row: number; readonly to: string }>();
  const ways = useMemo(
    () => ({
      order: drawing.boxes.map(({ path }) => path),
      arrows: [
        ...drawing.arrows,
        ...drawing.boxes.flatMap(({ path, rows }) =>
          rows.flatMap(({ to }) => (to === undefined ? [] : [{ from: path, to }])),
        ),
      ],
    }),
    [drawing],
  );
  const first = drawing.boxes.find(({ path }) => props.active?.has(path))?.path;
  const { onKeyDown, svg, tabIndex } = useChartFocus(ways, first);
  const isTaken = (edges: readonly string[]): boolean => edges.some((edge) => taken?.has(edge));
  return (
    <ChartSheet name={`${name}: all states`} layout={layout} sheet={svg} onKeyDown={onKeyDown}>
      {drawing.boxes.map((box) => (
        <BoxDrawn
          key={box.path}
          box={box}
          place={layout.boxes[box.path]}
          props={props}
          target={shown?.to === box.path}
          tabIndex={tabIndex(box.path)}
          isTaken={isTaken}
          onShow={(row, to) => setShown(to === undefined ? undefined : { from: box.path, row, to })}
        />
      ))}
      {drawing.arrows.map(({ id, lines }) => {
        const { label, points = [] } = layout.arrows[id] ?? {};
        const edges = lines.flatMap((line) => line.edges);
        return (
          <g key={id}>
            <g className={styles["arrow"]} data-taken={isTaken(edges) || undefined} data-solid>
              <Line points={points} />
            </g>
            {label && (
              <g className={styles["label"]} data-taken={isTaken(edges) || undefined}>
                <rect className={styles["halo"]} {...label} rx="3" />
                {lines.map(({ text }, at) => (
                  <text
                    key={text}
                    x={label.x + label.width / 2}
                    y={label.y + sizes.labelPadding + at * sizes.line + 9}
                    textAnchor="middle"
                    fontSize={sizes.lineFont}
                  >
                    {text}
                  </text>
                ))}
              </g>
            )}
          </g>
        );
      })}
      {shown && <ChipArrow from={layout.boxes[shown.from]} row={shown.row} to={layout.boxes[shown.to]} />}
    </ChartSheet>
  );
}

/** The arrow of a chip, while the pointer or the focus is on it. */
function ChipArrow({
  from,
  row,
  to,
}: {
  readonly from: Rect | undefined;
  readonly row: number;
  readonly to: Rect | undefined;
}) {
  if (!from || !to) return null;
  const y = from.y + sizes.title + row * sizes.row + 6;
  const isRight = to.x + to.width / 2 >= from.x + from.width / 2;
  const start = isRight ? from.x + from.width : from.x;
  const out = start + (isRight ? 16 : -16);
  const middle = to.x + to.width / 2;
  const isBelow = to.y >= y;
  const end = isBelow ? to.y : to.y + to.height;
  const before = end + (isBelow ? -14 : 14);
  return (
    <g className={styles["arrow"]} data-shown data-solid>
      <Line
        points={[
          [start, y],
          [out, y],
          [out, before],
          [middle, before],
          [middle, end],
        ]}
      />
    </g>
  );
}

function BoxDrawn({
  box,
  isTaken,
  onShow,
  place,
  props,
  tabIndex,
  target,
}: {
  readonly box: Box;
  readonly place: Rect | undefined;
  readonly props: WholeChartProps;
  readonly target: boolean;
  readonly tabIndex: number;
  readonly isTaken: (edges: readonly string[]) => boolean;
  readonly onShow: (row: number, to: string | undefined) => void;
}) {
  if (!place) return null;
  const { active, counts, heat = false, meaningOf, onFold, onPick, selected, visited } = props;
  const { fold, path, rows } = box;
  const { height, width, x, y } = place;
  const meaning = meaningOf(path);
  const isActive = active?.has(path) ?? false;
  const count = counts?.get(path) ?? 0;
  const act = onPick ? () => onPick(path) : fold === "none" || !onFold ? undefined : () => onFold(path);
  const kind = isActive ? (fold === "open" ? "around" : "current") : visited?.has(path) ? "visited" : "plain";
  const words = [
    stateTitle(path),
    isActive && "current",
    visited?.has(path) && !isActive && "visited",
    box.isFinal && "final",
    fold !== "none" && fold,
    counts && `${formatCount(count)} orders`,
    ...rows.map(({ text }) => text),
  ];
  return (
    <g
      className={styles["state"]}
      data-kind={kind}
      data-fold={fold}
      data-meaning={isActive || count > 0 ? meaning : undefined}
      data-target={target || undefined}
      data-selected={selected === path || undefined}
      data-state={path}
      data-button={act !== undefined || undefined}
      onClick={(event) => {
        event.stopPropagation();
        act?.();
      }}
      onDoubleClick={() => fold !== "none" && onFold?.(path)}
    >
      <rect
        className={styles["box"]}
        x={x}
        y={y}
        width={width}
        height={height}
        rx="6"
        role={act ? "button" : "img"}
        aria-label={words.filter(Boolean).join(", ")}
        tabIndex={tabIndex}
        onKeyDown={(event) => {
          if (event.key !== "Enter" && event.key !== " " && event.key !== "+" && event.key !== "-") return;
          event.preventDefault();
          if (event.key === "+" || event.key === "-") onFold?.(path);
          else act?.();
        }}
      />
      {heat && fold !== "open" && (
        <rect
          className={styles["heat"]}
          x={x}
          y={y}
          width={width}
          height={height}
          rx="6"
          fillOpacity={warmth(count, counts)}
        />
      )}
      {box.isFinal && (
        <rect className={styles["inner"]} x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx="4" />
      )}
      <Sign
        box={box}
        isActive={isActive}
        meaning={meaning}
        isVisited={kind === "visited"}
        x={x + 16}
        y={y + 14}
        onFold={onFold}
      />
      <text className={styles["title"]} x={x + 28} y={y + 18.5} fontSize={sizes.titleFont} aria-hidden="true">
        {ownName(path)}
      </text>
      {count > 0 && <Count count={count} x={x + width} y={y} />}
      <g className={styles["rows"]} aria-hidden="true">
        {rows.map((row, at) => (
          <RowDrawn
            key={`${row.kind} ${row.text}`}
            row={row}
            x={x}
            y={y + sizes.title + at * sizes.row + 9}
            taken={isTaken(row.edges)}
            onShow={(to) => onShow(at, to)}
          />
        ))}
      </g>
    </g>
  );
}

function Sign({
  box,
  isActive,
  isVisited,
  meaning,
  onFold,
  x,
  y,
}: {
  readonly box: Box;
  readonly isActive: boolean;
  readonly isVisited: boolean;
  readonly meaning: Meaning;
  readonly x: number;
  readonly y: number;
  readonly onFold: ((state: string) => void) | undefined;
}) {
  if (box.fold !== "none" && onFold)
    return (
      <g
        className={styles["fold"]}
        onClick={(event) => {
          event.stopPropagation();
          onFold(box.path);
        }}
      >
        <rect x={x - 12} y={y - 12} width="24" height="24" fill="transparent" />
        <Mark name={box.fold === "open" ? "open" : "inside"} x={x} y={y} />
      </g>
    );
  if (isActive) return <Mark name={meaning} x={x} y={y} />;
  if (isVisited) return <Mark name="visited" x={x} y={y} />;
  return box.isInitial ? <Mark name="initial" x={x} y={y} /> : null;
}

/** How much color a count has, 0 to 0.35: by its logarithm, since most orders are in the last states. */
function warmth(count: number, counts: ReadonlyMap<string, number> = new Map()): number {
  const most = Math.max(1, ...counts.values());
  return Math.round((Math.log1p(count) / Math.log1p(most)) * 35) / 100;
}

/** How many orders are there: on the corner of the box, so that it covers nothing. */
function Count({ count, x, y }: { readonly count: number; readonly x: number; readonly y: number }) {
  const text = formatCount(count);
  const width = textWidth(text, 11, 600) + 12;
  return (
    <g className={styles["count"]} aria-hidden="true">
      <rect x={x - width + 8} y={y - 9} width={width} height="18" rx="9" />
      <text x={x - width / 2 + 8} y={y + 4} textAnchor="middle" fontSize="11">
        {text}
      </text>
    </g>
  );
}

function RowDrawn({
  onShow,
  row,
  taken,
  x,
  y,
}: {
  readonly row: Row;
  readonly taken: boolean;
  readonly x: number;
  readonly y: number;
  readonly onShow: (to: string | undefined) => void;
}) {
  return (
    <g
      className={styles["row"]}
      data-kind={row.kind}
      data-taken={taken || undefined}
      onMouseEnter={() => onShow(row.to)}
      onMouseLeave={() => onShow(undefined)}
    >
      <Mark name={row.kind} x={x + 16} y={y - 3.5} />
      <text x={x + 28} y={y} fontSize={sizes.rowFont}>
        {row.text}
      </text>
    </g>
  );
}

/** A table of many rows of which only those in view are drawn. It can be used by keyboard alone. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Icon } from "./icon.tsx";
import styles from "./data-table.module.css";

/** One column. */
export type Column<Row> = {
  readonly key: string;
  readonly title: string;
  /** Track of a CSS grid. */
  readonly width: string;
  /** The column is left out while the table is narrower than this, px. */
  readonly from?: number;
  readonly align?: "end";
  /** Sorts of the API: what a press on the title asks for, first and then. */
  readonly sort?: readonly [string, string];
  readonly cell: (row: Row) => ReactNode;
};

/** A table. Rows are focusable: arrows or `j` and `k` move, `Enter` opens, `x` or the space bar selects. */
export type DataTableProps<Row> = {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  /** What a row is called: the name of its checkbox. */
  readonly nameOf: (row: Row) => string;
  /** Of a phone: everything that matters, in a few lines of `compactHeight` px. */
  readonly compact: (row: Row) => ReactNode;
  readonly compactHeight?: number;
  readonly rowHeight?: number;
  readonly onOpen?: (row: Row) => void;
  readonly selection?: ReadonlySet<string>;
  readonly onSelect?: (key: string, selected: boolean) => void;
  readonly sort?: string;
  readonly onSort?: (sort: string) => void;
  /** `changed` flashes once; `gone` does not fit the filter any more. */
  readonly stateOf?: (row: Row) => "changed" | "gone" | undefined;
  /** Called when the last rows are in view. */
  readonly onEnd?: () => void;
};

const NARROW = 640;
const CHECK_WIDTH = "24px";

/** Draws it. The table fills the height of a flex column. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { columns, compactHeight = 72, keyOf, onEnd, rowHeight = 36, rows, selection } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const width = useWidth(scroll);
  const narrow = width < NARROW;
  const [active, setActive] = useState(0);
  const wantsFocus = useRef(false);
  const size = narrow ? compactHeight : rowHeight;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => size,
    getItemKey: (at) => keyOf(rows[at] as Row),
    overscan: 8,
  });
  useEffect(() => virtual.measure(), [size, virtual]);
  const items = virtual.getVirtualItems();
  const lastSeen = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length > 0 && lastSeen >= rows.length - 10) onEnd?.();
  }, [lastSeen, onEnd, rows.length]);
  useEffect(() => {
    if (!wantsFocus.current) return;
    const row = scroll.current?.querySelector<HTMLElement>(`[data-index="${active}"]`);
    if (!row) return;
    wantsFocus.current = false;
    row.focus({ preventScroll: true });
  });

  const shown = columns.filter(({ from = 0 }) => width >= from);
  const template = [...(selection ? [CHECK_WIDTH] : []), ...shown.map((column) => column.width)].join(" ");
  const go = (to: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, to));
    wantsFocus.current = true;
    setActive(next);
    virtual.scrollToIndex(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows[active];
    const acts: Readonly<Record<string, () => void>> = {
      ArrowDown: () => go(active + 1),
      j: () => go(active + 1),
      ArrowUp: () => go(active - 1),
      k: () => go(active - 1),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      PageDown: () => go(active + 10),
      PageUp: () => go(active - 10),
      ...(row !== undefined && isRow(event.target) ? actsOn(props, row) : {}),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  return (
    <div
      ref={scroll}
      className={styles["scroll"]}
      role="grid"
      aria-label={props.label}
      aria-rowcount={rows.length + 1}
      aria-multiselectable={selection ? true : undefined}
      onKeyDown={onKeyDown}
    >
      <div
        role="row"
        aria-rowindex={1}
        className={narrow ? "visually-hidden" : styles["head"]}
        style={{ gridTemplateColumns: template }}
      >
        {selection && (
          <span role="columnheader">
            <span className="visually-hidden">Selected</span>
          </span>
        )}
        {shown.map((column) => (
          <Head key={column.key} column={column} sort={props.sort} onSort={props.onSort} />
        ))}
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {items.map(({ index, key, start }) => (
          <BodyRow
            key={key}
            props={props}
            row={rows[index] as Row}
            index={index}
            top={start}
            height={size}
            columns={shown}
            template={template}
            narrow={narrow}
            focusable={index === Math.min(active, rows.length - 1)}
            onFocus={() => setActive(index)}
          />
        ))}
      </div>
    </div>
  );
}

const isRow = (target: EventTarget): boolean =>
  target instanceof HTMLElement && target.getAttribute("role") === "row";

function actsOn<Row>({ keyOf, onOpen, onSelect, selection }: DataTableProps<Row>, row: Row) {
  const key = keyOf(row);
  const select = onSelect && (() => onSelect(key, !selection?.has(key)));
  return { ...(onOpen ? { Enter: () => onOpen(row) } : {}), ...(select ? { x: select, " ": select } : {}) };
}

function Head<Row>({
  column: { align, key, sort: sorts, title },
  sort,
  onSort,
}: {
  readonly column: Column<Row>;
  readonly sort: string | undefined;
  readonly onSort: ((sort: string) => void) | undefined;
}) {
  const [first, then] = sorts ?? [];
  const isSorted = sort !== undefined && (sort === first || sort === then);
  const direction = sort?.startsWith("-") ? "descending" : "ascending";
  return (
    <span role="columnheader" data-key={key} data-align={align} aria-sort={isSorted ? direction : undefined}>
      {first !== undefined && then !== undefined ? (
        <button
          type="button"
          className={styles["sort"]}
          onClick={() => onSort?.(sort === first ? then : first)}
        >
          {title}
          {isSorted && <Icon name={direction === "descending" ? "down" : "up"} />}
        </button>
      ) : (
        title
      )}
    </span>
  );
}

function BodyRow<Row>({
  props,
  row,
  index,
  top,
  height,
  columns,
  template,
  narrow,
  focusable,
  onFocus,
}: {
  readonly props: DataTableProps<Row>;
  readonly row: Row;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly columns: readonly Column<Row>[];
  readonly template: string;
  readonly narrow: boolean;
  readonly focusable: boolean;
  readonly onFocus: () => void;
}) {
  const { compact, keyOf, nameOf, onOpen, onSelect, selection, stateOf } = props;
  const key = keyOf(row);
  const selected = selection?.has(key) ?? false;
  const single = "minmax(0, 1fr)";
  const tracks = narrow ? (selection ? `${CHECK_WIDTH} ${single}` : single) : template;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selection ? selected : undefined}
      data-index={index}
      data-state={stateOf?.(row)}
      tabIndex={focusable ? 0 : -1}
      className={styles["row"]}
      style={{ height, transform: `translateY(${top}px)`, gridTemplateColumns: tracks }}
      onFocus={onFocus}
      onDoubleClick={() => onOpen?.(row)}
    >
      {selection && (
        <span role="gridcell">
          <input
            type="checkbox"
            className={styles["check"]}
            tabIndex={-1}
            checked={selected}
            aria-label={`Select ${nameOf(row)}`}
            onChange={(event) => onSelect?.(key, event.target.checked)}
          />
        </span>
      )}
      {narrow ? (
        <span role="gridcell">{compact(row)}</span>
      ) : (
        columns.map((column) => (
          <span key={column.key} role="gridcell" data-align={column.align}>
            {column.cell(row)}
          </span>
        ))
      )}
    </div>
  );
}

function useWidth(element: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const { current } = element;
    if (!current) return undefined;
    setWidth(current.clientWidth);
    const observer = new ResizeObserver(() => setWidth(current.clientWidth));
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

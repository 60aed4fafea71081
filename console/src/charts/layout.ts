/** Places of boxes and arrows, and how readable they are. Pure. */

/** A place on the sheet, px. */
export type Point = { readonly x: number; readonly y: number };

/** A rectangle on the sheet, px. */
export type Rect = Point & { readonly width: number; readonly height: number };

/** The places of a drawing, by the ids of its boxes and arrows. */
export type Layout = {
  readonly width: number;
  readonly height: number;
  readonly boxes: Readonly<Record<string, Rect>>;
  readonly arrows: Readonly<
    Record<string, { readonly points: readonly (readonly [x: number, y: number])[]; readonly label: Rect }>
  >;
};

/** All layouts of one machine: by the compound state that is open; empty: none, `*`: all. */
export type MachineLayouts = {
  /** Of the chart that they were made from. */
  readonly hash: string;
  readonly version: number;
  readonly layouts: Readonly<Record<string, Layout>>;
};

/** What makes a drawing hard to read. */
export type LayoutScore = {
  /** Two arrows that cross. */
  readonly crossings: number;
  readonly labelsOverLabels: number;
  readonly labelsOverStates: number;
  /** Arrows through a state that they neither leave nor enter. */
  readonly arrowsThroughStates: number;
  readonly statesOverStates: number;
};

type Segment = { readonly arrow: string; readonly from: Point; readonly to: Point };

/** @param leaves ids of the boxes that have no boxes inside */
export function scoreOf({ arrows, boxes }: Layout, leaves: readonly string[]): LayoutScore {
  const segments = Object.entries(arrows).flatMap(([arrow, { points }]) =>
    points.slice(1).map(([x, y], place): Segment => {
      const [fromX, fromY] = points[place] as readonly [number, number];
      return { arrow, from: { x: fromX, y: fromY }, to: { x, y } };
    }),
  );
  const labels = Object.values(arrows).map(({ label }) => label);
  const states = leaves.flatMap((id) => boxes[id] ?? []);
  return {
    crossings: pairs(segments, (a, b) => a.arrow !== b.arrow && cross(a, b)),
    labelsOverLabels: pairs(labels, overlap),
    labelsOverStates: count(labels, (label) => states.some((state) => overlap(label, state))),
    arrowsThroughStates: count(segments, (segment) => states.some((state) => passes(segment, state))),
    statesOverStates: pairs(states, overlap),
  };
}

const count = <T>(all: readonly T[], fits: (one: T) => boolean): number => all.filter(fits).length;

const pairs = <T>(all: readonly T[], fits: (a: T, b: T) => boolean): number =>
  all.reduce((sum, one, place) => sum + count(all.slice(place + 1), (other) => fits(one, other)), 0);

/** Whether two rectangles have a part in common; edges that touch have none. */
export function overlap(a: Rect, b: Rect): boolean {
  const apart = 0.5;
  return (
    a.x + a.width > b.x + apart &&
    b.x + b.width > a.x + apart &&
    a.y + a.height > b.y + apart &&
    b.y + b.height > a.y + apart
  );
}

/** On which side of a line a point is: -1, 0 or 1. */
const side = (p: Point, q: Point, r: Point): number =>
  Math.sign((q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x));

/** Whether two segments cross in their insides, at any angle. */
function cross({ from: a, to: b }: Segment, { from: c, to: d }: Segment): boolean {
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

/** Whether a segment goes through the inside of a rectangle: more than touching its border. */
function passes({ from, to }: Segment, { height, width, x, y }: Rect): boolean {
  const inset = 1.5;
  const [left, top, right, bottom] = [x + inset, y + inset, x + width - inset, y + height - inset];
  let [begin, end] = [0, 1];
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  for (const [delta, low, high] of [
    [dx, left - from.x, right - from.x],
    [dy, top - from.y, bottom - from.y],
  ] as const) {
    if (delta === 0) {
      if (low >= 0 || high <= 0) return false;
      continue;
    }
    const [near, far] = [Math.min(low / delta, high / delta), Math.max(low / delta, high / delta)];
    begin = Math.max(begin, near);
    end = Math.min(end, far);
  }
  return begin < end;
}

/** Lines of arrows as SVG paths. Pure. */

type Place = readonly [x: number, y: number];

const RADIUS = 7;

/** The line through some points, with round corners. */
export function routePath(points: readonly Place[]): string {
  const [first] = points;
  if (!first) return "";
  const parts = [`M${text(first)}`];
  for (const [at, corner] of points.entries()) {
    const [before, after] = [points[at - 1], points[at + 1]];
    if (!before) continue;
    if (after)
      parts.push(`L${text(towards(corner, before))}Q${text(corner)} ${text(towards(corner, after))}`);
    else parts.push(`L${text(corner)}`);
  }
  return parts.join("");
}

/** The place between a corner and another point at which its curve begins or ends. */
function towards([x, y]: Place, [otherX, otherY]: Place): Place {
  const [dx, dy] = [otherX - x, otherY - y];
  const length = Math.hypot(dx, dy);
  const part = length === 0 ? 0 : Math.min(RADIUS, length / 2) / length;
  return [x + dx * part, y + dy * part];
}

/** Where the head of an arrow is, and its angle in degrees; `undefined` for a line without length. */
export function headOf(points: readonly Place[]): { x: number; y: number; angle: number } | undefined {
  const end = points.at(-1);
  const before = points.findLast(([x, y]) => end !== undefined && (x !== end[0] || y !== end[1]));
  if (!end || !before) return undefined;
  return {
    x: end[0],
    y: end[1],
    angle: (Math.atan2(end[1] - before[1], end[0] - before[0]) * 180) / Math.PI,
  };
}

const text = ([x, y]: Place): string => `${round(x)} ${round(y)}`;
const round = (value: number): number => Math.round(value * 10) / 10;

/** A machine as `GET /v1/machines/{kind}` answers it, and how states of it are found. Pure. */

/** One state. `path` is empty for the whole machine. */
export type ChartState = {
  readonly path: string;
  readonly parent: string | null;
  readonly kind: "atomic" | "compound" | "parallel" | "final";
  readonly initial?: string;
  readonly invokes: readonly { readonly id: string; readonly src: string }[];
  readonly texts?: {
    readonly meaning: string;
    readonly awaits: string;
    readonly waitsFor: string;
    readonly says: string;
  };
};

/** One transition. `event` is empty where it follows by itself; without targets the state stays. */
export type ChartTransition = {
  readonly id: string;
  readonly source: string;
  readonly event: string;
  readonly index: number;
  readonly targets: readonly string[];
  readonly guard?: string;
  readonly after?: string | number;
};

/** One machine. States from the outside to the inside, transitions in the order in which they are checked. */
export type MachineChart = {
  readonly kind: string;
  readonly version: number;
  readonly hash: string;
  readonly states: readonly ChartState[];
  readonly transitions: readonly ChartTransition[];
};

/** The value of a machine in records: a state, or nested states as objects. */
export type StateValue = string | { readonly [state: string]: StateValue };

/** Whether a state is another one, or inside it. The whole machine holds all. */
export const isWithin = (path: string, outer: string): boolean =>
  outer === "" || path === outer || path.startsWith(`${outer}.`);

/** A state as people read it: `packed › capturing`. */
export const stateTitle = (path: string): string => path.replaceAll(".", " › ");

/** The last part of a path. */
export const ownName = (path: string): string => path.slice(path.lastIndexOf(".") + 1);

/** Innermost states of a value, in its order; empty for anything that is no value. */
export function leavesOf(value: unknown, within = ""): string[] {
  const at = (name: string): string => (within === "" ? name : `${within}.${name}`);
  if (typeof value === "string") return [at(value)];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const inside = leavesOf(inner, at(name));
    return inside.length > 0 ? inside : [at(name)];
  });
}

/** A chart with its states by path. */
export class ChartIndex {
  readonly chart: MachineChart;
  private readonly states: ReadonlyMap<string, ChartState>;
  private readonly places: ReadonlyMap<string, number>;
  private readonly inner = new Map<string, string[]>();
  private readonly edges: ReadonlyMap<string, ChartTransition>;

  constructor(chart: MachineChart) {
    this.chart = chart;
    this.states = new Map(chart.states.map((state) => [state.path, state]));
    this.places = new Map(chart.states.map(({ path }, place) => [path, place]));
    this.edges = new Map(chart.transitions.map((edge) => [edge.id, edge]));
    for (const { parent, path } of chart.states)
      if (parent !== null) this.inner.set(parent, [...(this.inner.get(parent) ?? []), path]);
  }

  state(path: string): ChartState | undefined {
    return this.states.get(path);
  }

  transition(id: string): ChartTransition | undefined {
    return this.edges.get(id);
  }

  /** States right inside a state, in the order of the chart. */
  children(path: string): readonly string[] {
    return this.inner.get(path) ?? [];
  }

  /** Number of states anywhere inside a state. */
  countInside(path: string): number {
    return this.children(path).reduce((sum, child) => sum + 1 + this.countInside(child), 0);
  }

  /** Place of a state in the chart; states of another version come last. */
  place(path: string): number {
    return this.places.get(path) ?? this.places.size;
  }

  /** The innermost state that is entered with a state. */
  entered(path: string): string {
    const { initial } = this.states.get(path) ?? {};
    return initial === undefined ? path : this.entered(initial);
  }

  /** Whether a transition is the last of several for its event, and is taken when no other one is. */
  isElse({ event, guard, index, source }: ChartTransition): boolean {
    if (guard !== undefined || index === 0) return false;
    return this.chart.transitions.some(
      (one) => one.source === source && one.event === event && one.index < index,
    );
  }

  /** Compound states other than the whole machine, in the order of the chart. */
  compounds(): string[] {
    return this.chart.states.flatMap(({ path }) =>
      path !== "" && this.children(path).length > 0 ? [path] : [],
    );
  }
}

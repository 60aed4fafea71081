/**
 * What operators have asked of this process: to take certain resources, or to give everything away. The node's presence
 * entry says it, so every node computes the same owners. It ends with the process: the next one has its equal share.
 * Owns: the requests to this process.  Does not own: locks (ownership.ts), what other processes were asked.
 * Invariants
 *   placement.L1. Of two processes that were asked to take one resource, the later one has it.
 *   placement.L2. A process that does not get the lock within `TAKING_MS` drops the request: others may take it.
 *   placement.L3. A drained process takes nothing, and keeps nothing that it was asked to take.
 * Proved by: test/unit/runtime/cluster/placement.test.ts, test/fault/move-partition.test.ts
 * A crash ends the presence, and with it what was asked: any node takes over as from a dead one.
 */
import { isObject, isTime } from "../json.ts";
import type { Clock } from "../ports.ts";

/** Why a node gives everything away, and since when (ms since the epoch, the server's time). */
export type Drained = { readonly reason: string | null; readonly since: number };

/** What a presence entry says of the requests of operators. `moved`: by resource, when this was asked. */
export type PlacementDetails = {
  readonly drained?: Drained;
  readonly leaving?: true;
  readonly moved?: Readonly<Record<string, number>>;
};

/** A presence entry (presence.ts). */
type Entry = { readonly id: string; readonly [detail: string]: unknown };

/** How long the other nodes leave a resource to the process that was asked to take it, ms. */
export const TAKING_MS = 10_000;

/** See the top of the file. */
export class Placement {
  private readonly clock: Pick<Clock, "now" | "monotonic">;
  private readonly changed: () => void;
  private drained: Drained | undefined;
  private readonly taken = new Map<string, { readonly at: number; readonly begun: number }>();

  /**
   * @param clock its `now` is the server's time
   * @param changed the presence entry of this process has changed: send it
   */
  constructor(clock: Pick<Clock, "now" | "monotonic">, changed: () => void) {
    this.clock = clock;
    this.changed = changed;
  }

  /** This process is to own a resource from now on. False: it is drained and takes nothing. */
  take(resource: string): boolean {
    if (this.drained) return false;
    this.taken.set(resource, { at: this.clock.now(), begun: this.clock.monotonic() });
    this.changed();
    return true;
  }

  /** This process gives everything away and takes nothing, until `undrain`. Idempotent: the first reason stays. */
  drain(reason: string | null): void {
    this.taken.clear();
    this.drained ??= { reason, since: this.clock.now() };
    this.changed();
  }

  /** This process has a share again. Idempotent. */
  undrain(): void {
    this.drained = undefined;
    this.changed();
  }

  /** Undefined while it takes part as every node. */
  drainedBy(): Drained | undefined {
    return this.drained;
  }

  /** For the presence entry. @param held names of the resources whose lock names this process */
  details(held: ReadonlySet<string>): PlacementDetails {
    const now = this.clock.monotonic();
    for (const [resource, { begun }] of this.taken)
      if (now - begun >= TAKING_MS && !held.has(resource)) this.taken.delete(resource);
    return {
      ...(this.drained && { drained: this.drained, leaving: true }),
      ...(this.taken.size > 0 && {
        moved: Object.fromEntries([...this.taken].map(([resource, { at }]) => [resource, at])),
      }),
    };
  }
}

/**
 * The owner of each resource that operators have moved: of several processes, the one that was asked last. Pure.
 * @param entries of the present nodes. What cannot be read in them counts as nothing: another program wrote it
 */
export function movesOf(entries: readonly Entry[]): ReadonlyMap<string, string> {
  const moves = new Map<string, { readonly node: string; readonly at: number }>();
  for (const { id, leaving, moved } of entries) {
    if (leaving === true || !isObject(moved)) continue;
    for (const [resource, at] of Object.entries(moved)) {
      if (!isTime(at)) continue;
      const other = moves.get(resource);
      if (!other || at > other.at || (at === other.at && id > other.node))
        moves.set(resource, { node: id, at });
    }
  }
  return new Map([...moves].map(([resource, { node }]) => [resource, node]));
}

/** Who gives everything away, by node, as the entry says. */
export function drainedIn({ drained }: Entry): Drained | undefined {
  if (!isObject(drained) || !isTime(drained["since"])) return undefined;
  const { reason, since } = drained;
  return { reason: typeof reason === "string" ? reason : null, since };
}

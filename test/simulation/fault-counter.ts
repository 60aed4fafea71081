/** Draws the faults of a run, and counts those that strike. */
import { type FaultKind, faultKinds, type Plan } from "./plan.ts";
import type { Random } from "./random.ts";

/** See the top of the file. */
export class FaultCounter {
  readonly counts = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  private readonly strength: Plan["strength"];
  private readonly random: Random;
  private over = false;

  constructor(plan: Plan, random: Random) {
    this.strength = plan.strength;
    this.random = random;
  }

  /** True when the fault strikes: with this probability at full strength, and never after `end`. */
  strikes(kind: FaultKind, share: number): boolean {
    if (this.over || !this.random.chance(share * this.strength[kind])) return false;
    this.counts[kind]++;
    return true;
  }

  /** From now on nothing fails. */
  end(): void {
    this.over = true;
  }
}

/**
 * Whether a node has claimed its share of the resources: what the assignment gives it and no present node holds.
 * Owns: since when something is unclaimed.  Does not own: the claims (ownership.ts).
 */

import type { Clock } from "../ports.ts";

/** What a node has not claimed of its share. */
export type UnclaimedShare = {
  /** False until the node has claimed its whole share once. */
  readonly complete: boolean;
  readonly resources: readonly string[];
  /** How long some of its share has been unclaimed without a break, ms; 0 when there is none. */
  readonly forMs: number;
};

/** See the top of the file. */
export class OwnShare {
  private readonly clock: Pick<Clock, "monotonic">;
  private complete = false;
  private resources: readonly string[] = [];
  private since = 0;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.clock = clock;
  }

  /** @param resources unclaimed now */
  saw(resources: readonly string[]): void {
    if (this.resources.length === 0) this.since = this.clock.monotonic();
    if (resources.length === 0) this.complete = true;
    this.resources = resources;
  }

  /** As last seen. */
  unclaimed(): UnclaimedShare {
    const { complete, resources } = this;
    const forMs = resources.length === 0 ? 0 : this.clock.monotonic() - this.since;
    return { complete, resources, forMs };
  }
}

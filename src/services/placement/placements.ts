/**
 * Moves partitions and drains nodes: the node that is meant is asked, its presence says so, and all nodes follow.
 * Owns: nothing; the request is kept by the node that is meant (src/runtime/cluster/placement.ts).
 * A crash of the asking node leaves the request done or not done; asked again, it is done once.
 * Proved by: test/unit/services/placements.test.ts, test/fault/move-partition.test.ts
 */
import { drainedIn, movesOf } from "../../runtime/cluster/placement.ts";
import type { NodeEntry } from "../../runtime/cluster/presence.ts";
import type { Bus, Clock } from "../../runtime/ports.ts";
import { unavailable, type UnavailableResult } from "../unavailable.ts";
import type { Asked, Drain, DrainRefusal, Move, MoveRefusal, Placements, WantedMove } from "./contract.ts";
import { askOf, type PlacementRequest, placementSubject } from "./requests.ts";

/** The cluster as this node knows it. */
export type PlacementView = {
  /** Present nodes. */
  readonly entries: readonly NodeEntry[];
  /** Every resource; `node` is empty while it has no owner. */
  readonly owners: readonly { readonly resource: string; readonly node: string; readonly epoch: number }[];
};

/** What the service needs of its node. */
export type PlacementsOptions = {
  readonly bus: Pick<Bus, "request">;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  readonly view: () => PlacementView;
};

/** A node answers at once; this is the time of a slow connection. */
const ASK_MS = 2_000;
/** How long an answer waits for the hand-over, ms. */
const WAIT_MS = 8_000;
const POLL_MS = 20;

/** See {@link Placements}. */
export class ClusterPlacements implements Placements {
  private readonly options: PlacementsOptions;

  constructor(options: PlacementsOptions) {
    this.options = options;
  }

  async move(wanted: WantedMove): Promise<Move | MoveRefusal | UnavailableResult> {
    const { clock } = this.options;
    const { dryRun, node, partition, reason } = wanted;
    const resource = `partition.${partition}`;
    const refusal = refusalOf(wanted, this.options.view());
    if (refusal) return refusal;
    const begun = clock.monotonic();
    const from = this.ownerOf(resource).node || null;
    const report = (status: Move["status"]): Move => {
      const { epoch } = this.ownerOf(resource);
      return { status, partition, from, to: node, epoch, tookMs: Math.round(clock.monotonic() - begun) };
    };
    if (dryRun) return report("would_move");
    const answer = await this.ask(node, { type: "take", resource, reason });
    if (answer === undefined) return unavailable(`${node} did not answer`);
    if (answer === "draining") return { status: "node_draining" };
    const isThere = await this.until(() => this.ownerOf(resource).node === node);
    return report(isThere ? "moved" : "moving");
  }

  async drain(node: string, { dryRun, reason }: Asked): Promise<Drain | DrainRefusal | UnavailableResult> {
    const { entries } = this.options.view();
    if (!entries.some(({ id }) => id === node)) return { status: "node_not_found" };
    const others = entries.filter(({ id, leaving }) => id !== node && leaving !== true);
    if (others.length === 0) return { status: "last_node" };
    if (dryRun) return { status: "would_drain", node, left: this.heldBy(node) };
    if ((await this.ask(node, { type: "drain", reason })) === undefined)
      return unavailable(`${node} did not answer`);
    const isEmpty = await this.until(() => this.heldBy(node).length === 0);
    return { status: isEmpty ? "drained" : "draining", node, left: this.heldBy(node) };
  }

  async undrain(node: string, { dryRun, reason }: Asked): Promise<Drain | DrainRefusal | UnavailableResult> {
    if (!this.options.view().entries.some(({ id }) => id === node)) return { status: "node_not_found" };
    if (!dryRun && (await this.ask(node, { type: "undrain", reason })) === undefined)
      return unavailable(`${node} did not answer`);
    return { status: "undrained", node, left: this.heldBy(node) };
  }

  private ownerOf(resource: string): { readonly node: string; readonly epoch: number } {
    const found = this.options.view().owners.find((owner) => owner.resource === resource);
    return found ?? { node: "", epoch: 0 };
  }

  private heldBy(node: string): readonly string[] {
    return this.options.view().owners.flatMap((owner) => (owner.node === node ? owner.resource : []));
  }

  /** Undefined: no answer. */
  private async ask(node: string, request: PlacementRequest): Promise<string | undefined> {
    const answer = await this.options.bus.request(placementSubject(node), askOf(request), ASK_MS);
    return answer.status === "answered" ? answer.payload : undefined;
  }

  private async until(condition: () => boolean): Promise<boolean> {
    const { clock } = this.options;
    const end = clock.monotonic() + WAIT_MS;
    while (!condition()) {
      if (clock.monotonic() >= end) return false;
      await clock.sleep(POLL_MS);
    }
    return true;
  }
}

/** Why a move cannot be done as the cluster is now. Pure. */
function refusalOf(wanted: WantedMove, { entries, owners }: PlacementView): MoveRefusal | undefined {
  const resource = `partition.${wanted.partition}`;
  const owner = owners.find((found) => found.resource === resource);
  if (!owner) return { status: "partition_not_found" };
  const entry = entries.find(({ id }) => id === wanted.node);
  if (!entry) return { status: "node_not_found" };
  const { epoch } = owner;
  if (wanted.ifEpochs && !wanted.ifEpochs.includes(epoch))
    return { status: "version_changed", version: epoch };
  if (entry.leaving === true || drainedIn(entry)) return { status: "node_draining" };
  if (entry.unfit?.includes(resource)) return { status: "node_incompatible" };
  const to = movesOf(entries).get(resource);
  // A move that is done stays in the presence of its node; one to the same node is joined.
  if (to !== undefined && to !== owner.node && to !== wanted.node) return { status: "already_moving", to };
  return owner.node === wanted.node ? { status: "already_owner", epoch } : undefined;
}

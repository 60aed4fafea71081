/**
 * The shard on the bus: only its owner serves it.
 * Owns: the subscription.  Does not own: decisions, which are the shard's.
 * Invariants
 *   inventory-service.V1. The node serves only between a finished `acquire` and the next `drain` or `revoke`. A request
 *       between two owners gets "no responders", and a request to the wrong node gets `not_owner`.
 */
import { inventorySubjects } from "./subjects.ts";
import { type Failpoints, failpoint } from "../../runtime/failpoints.ts";
import type { Bus, Journal, Subscription } from "../../runtime/ports.ts";
import type { OwnedResource } from "../../runtime/cluster/owned-resource.ts";
import { INVALID_REQUEST, type InventoryReply, parseRequest } from "./protocol.ts";
import type { InventoryShard } from "./shard.ts";

/** The resource that the runtime owns: the shard and its subject. */
export class InventoryService implements OwnedResource {
  readonly name: string;
  readonly lock: string;
  readonly journal: Journal;
  private readonly shard: InventoryShard;
  private readonly subject: string;
  private readonly bus: Bus;
  private readonly failpoints: Failpoints | undefined;
  private subscription: Subscription | undefined;
  /** Stops of subscriptions that `revoke` began; it cannot wait for them. */
  private stopping: Promise<void> = Promise.resolve();
  private generation = 0;

  constructor(shard: number, owned: InventoryShard, bus: Bus, failpoints?: Failpoints) {
    this.name = owned.name;
    this.lock = owned.lock;
    this.journal = owned.journal;
    this.shard = owned;
    this.subject = inventorySubjects.requests(shard);
    this.bus = bus;
    this.failpoints = failpoints;
  }

  /** Loads, then serves. Rejects, and serves nothing, when either fails or the lock is lost in between. */
  async acquire(epoch: number): Promise<void> {
    const generation = ++this.generation;
    await this.stopServing();
    await this.shard.acquire(epoch);
    let subscription: Subscription | undefined;
    try {
      subscription = await failpoint(this.failpoints, "inventory.serve", () =>
        this.bus.serve(this.subject, (payload) => this.serve(payload)),
      );
      await failpoint(this.failpoints, "inventory.flush", () => this.bus.flush());
      if (generation !== this.generation)
        throw new Error(`${this.name} was lost while it was being acquired`);
      this.subscription = subscription;
    } catch (error) {
      // A newer acquisition may have begun: only this one is revoked.
      if (generation === this.generation) this.shard.revoke();
      await subscription?.stop();
      throw error;
    }
  }

  revoke(): void {
    this.generation++;
    this.shard.revoke();
    void this.stopServing();
  }

  async drain(): Promise<void> {
    const generation = ++this.generation;
    // The subject first, so that callers find the next owner instead of getting `not_owner`.
    await this.stopServing();
    if (generation === this.generation) await this.shard.drain();
  }

  private async serve(payload: string): Promise<string> {
    const request = parseRequest(payload);
    const reply: InventoryReply = request
      ? await this.shard.answer(request)
      : { status: "refused", code: INVALID_REQUEST, reason: "not a request to the inventory" };
    return JSON.stringify(reply);
  }

  private stopServing(): Promise<void> {
    const subscription = this.subscription;
    this.subscription = undefined;
    if (subscription) this.stopping = this.stopping.then(() => subscription.stop());
    return this.stopping;
  }
}

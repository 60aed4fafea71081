/**
 * The shard as the whole cluster reaches it: served on the bus by its owner, and by nobody else.
 * Owns: the subscription.  Does not own: decisions, which are the shard's.
 * Invariants
 *   V1. Served only between a finished `acquire` and the next `drain` or `revoke`; a request that comes in between
 *       two owners meets "no responders", and one that meets the wrong one is answered `not_owner`.
 */
import { subjects } from "../../../config/subjects.ts";
import type { Bus, Subscription } from "../../runtime/ports.ts";
import type { OwnedResource } from "../../runtime/resource.ts";
import { parseRequest } from "./protocol.ts";
import type { Reply } from "./protocol.ts";
import type { InventoryShard } from "./shard.ts";

/** What the runtime owns: the shard, and its subject with it. */
export class InventoryService implements OwnedResource {
  readonly name: string;
  readonly #shard: InventoryShard;
  readonly #subject: string;
  readonly #bus: Bus;
  #subscription: Subscription | undefined;
  /** Ends of subscriptions that were begun by `revoke`, which cannot wait for them. */
  #stopping: Promise<void> = Promise.resolve();
  #generation = 0;

  constructor(shard: number, owned: InventoryShard, bus: Bus) {
    this.name = owned.name;
    this.#shard = owned;
    this.#subject = subjects.inventory(shard);
    this.#bus = bus;
  }

  /** Loads, then serves. Rejects, and serves nothing, when either fails. */
  async acquire(epoch: number): Promise<void> {
    const generation = ++this.#generation;
    await this.#stopServing();
    await this.#shard.acquire(epoch);
    try {
      this.#subscription = await this.#bus.serve(this.#subject, (payload) => this.#serve(payload));
      await this.#bus.flush();
      if (generation !== this.#generation)
        throw new Error(`${this.name} was lost while it was being acquired`);
    } catch (error) {
      this.#shard.revoke();
      await this.#stopServing();
      throw error;
    }
  }

  revoke(): void {
    this.#generation++;
    this.#shard.revoke();
    void this.#stopServing();
  }

  async drain(): Promise<void> {
    this.#generation++;
    // First the subject, so that callers look for the next owner instead of being told to.
    await this.#stopServing();
    await this.#shard.drain();
  }

  async #serve(payload: string): Promise<string> {
    const request = parseRequest(payload);
    const reply: Reply = request
      ? await this.#shard.answer(request)
      : { status: "refused", code: "invalid_request", reason: "not a request to the inventory" };
    return JSON.stringify(reply);
  }

  #stopServing(): Promise<void> {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    if (subscription) this.#stopping = this.#stopping.then(() => subscription.stop());
    return this.#stopping;
  }
}

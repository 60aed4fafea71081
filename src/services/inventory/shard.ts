/**
 * A shard of the inventory as something that one node at a time owns.
 * Owns: the current tenure.  Does not own: the lock, which the runtime acquires and loses; the bus (service.ts).
 * Invariants
 *   shard.I1. At most one tenure is open, and only between a finished `acquire` and the next `drain` or `revoke`.
 *   shard.I2. Nothing of one tenure is reused in the next: every `acquire` reads the log.
 *   shard.I3. The shard answers nothing while the lock is unverified: another node may own it already.
 */
import { failpoint } from "../../runtime/failpoints.ts";
import { subjects } from "../subjects.ts";
import { INVENTORY_STREAM } from "./subjects.ts";
import type { Joined } from "../../runtime/definition.ts";
import type { Journal } from "../../runtime/ports.ts";
import type { OwnedResource } from "../../runtime/cluster/owned-resource.ts";
import { loadStock } from "./load-stock.ts";
import type { Answer, Operation, Operations, InventoryReply, InventoryRequest } from "./protocol.ts";
import type { ShardDependencies } from "./shard-dependencies.ts";
import { ShardTenure } from "./shard-tenure.ts";

type PredictedOutput = { readonly output: unknown } | undefined;

/** Decides while it is owned; refuses everything else with `not_owner`. */
export class InventoryShard implements OwnedResource {
  readonly name: string;
  readonly lock: string;
  readonly journal: Journal;
  private readonly dependencies: ShardDependencies;
  private tenure: ShardTenure | undefined;
  /** Counts acquisitions and losses, so that a load that ends too late is detected. */
  private generation = 0;

  /** @param shard number of the shard, 0 for the only one */
  constructor(shard: number, dependencies: ShardDependencies) {
    this.name = `inventory.${shard}`;
    this.lock = subjects.lock(this.name, INVENTORY_STREAM);
    this.journal = dependencies.journal;
    this.dependencies = dependencies;
  }

  /** True while this node decides. */
  get open(): boolean {
    return this.tenure?.open ?? false;
  }

  async acquire(epoch: number): Promise<void> {
    this.revoke();
    const generation = this.generation;
    const { journal, clock, failpoints } = this.dependencies;
    const stock = await loadStock(journal, clock, { name: this.name, epoch }, failpoints);
    if (generation !== this.generation) throw new Error(`${this.name} was lost while it was being loaded`);
    this.tenure = new ShardTenure({ subject: this.lock, epoch }, stock, this.dependencies);
  }

  revoke(): void {
    this.generation++;
    this.tenure?.close();
    this.tenure = undefined;
  }

  async drain(): Promise<void> {
    const { tenure } = this;
    if (tenure === undefined) return;
    await failpoint(this.dependencies.failpoints, "inventory.drain", () => tenure.drain());
    if (tenure === this.tenure) this.revoke();
  }

  /** Answers `not_owner` unless this node owns the shard. Rejects for programmer faults only. */
  answer<O extends Operation>(request: InventoryRequest<O>): Promise<InventoryReply<O>>;
  answer(request: InventoryRequest): Promise<InventoryReply> {
    const tenure = this.tenure;
    if (!tenure?.open) return Promise.resolve({ status: "not_owner" });
    const reason = this.dependencies.unverified(this.lock);
    if (reason !== undefined) return Promise.resolve({ status: "unavailable", reason });
    switch (request.op) {
      case "reserve":
        return tenure.reserve(request.orderId, request.lines, request.fresh ?? false);
      case "release":
        return tenure.end(request.orderId, "released");
      case "ship":
        return tenure.end(request.orderId, "shipped");
      case "return":
        return tenure.putBack(request.orderId);
      case "put":
        return tenure.operations.put(request);
      case "putIf":
        return tenure.operations.put(request);
      case "predictPut":
        return tenure.operations.predictPut(request);
      case "adjust":
        return tenure.operations.adjust(request);
      case "movements":
        return tenure.operations.movements(request);
      case "shortages":
        return tenure.operations.shortages(request.sku);
      case "get":
        return answered<"get">(tenure.stock.view(request.sku) ?? null);
      case "list":
        return answered<"list">(tenure.stock.page(request.limit, request.after));
      // "known": the last of the operations; the compiler rejects a new one here.
      default:
        return answered<"known">(tenure.stock.known(request.skus));
    }
  }

  /**
   * Joins a reservation to the order's own commit. `undefined`: not here or not at once, so send a request.
   * @param first false when the order has a record already, and so may have reserved before
   */
  joinReserve(input: Operations["reserve"]["input"], first = true): Joined | undefined {
    return this.tenure?.joinReserve(input.orderId, input.lines, first);
  }

  joinRelease(input: Operations["release"]["input"]): Joined | undefined {
    return this.tenure?.joinEnd(input.orderId, "released");
  }

  joinReturn(input: Operations["return"]["input"]): Joined | undefined {
    return this.tenure?.joinReturn(input.orderId);
  }

  joinShip(input: Operations["ship"]["input"]): Joined | undefined {
    return this.tenure?.joinEnd(input.orderId, "shipped");
  }

  /** What each of these would decide now, without a trace of it; `undefined` where it would not decide at once. */
  readonly predict = {
    reserve: ({ lines, orderId }: Operations["reserve"]["input"], first = true): PredictedOutput =>
      this.tenure?.reserveAtOnce(orderId, lines, first),
    release: ({ orderId }: Operations["release"]["input"]): PredictedOutput =>
      this.tenure?.endAtOnce(orderId, "released"),
    return: ({ orderId }: Operations["return"]["input"]): PredictedOutput =>
      this.tenure?.returnAtOnce(orderId),
    ship: ({ orderId }: Operations["ship"]["input"]): PredictedOutput =>
      this.tenure?.endAtOnce(orderId, "shipped"),
  };
}

function answered<O extends Operation>(
  output: Operations[O]["output"],
): Promise<Answer<Operations[O]["output"]>> {
  return Promise.resolve({ status: "ok", output });
}

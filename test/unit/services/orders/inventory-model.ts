import type { EffectHandler } from "../../../../src/runtime/definition.ts";
import { reserved } from "../../machines/order-input.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import type { ReserveOutput } from "../../../../machines/types.ts";

/** State of an order's hold. */
export type HoldState = "none" | "held" | "released" | "shipped";

const LOCK = subjects.lock("inventory.0");
const idOf = (input: unknown): string => (input as { orderId: string }).orderId;

/** The inventory in memory as an order sees it: one hold per order, which ends once. */
export class InventoryModel {
  readonly holds = new Map<string, HoldState>();
  /** The outcome of a reservation without an earlier hold. */
  reservation: ReserveOutput = reserved;
  /** How often a hold has ended, over all orders. */
  ended = 0;
  /** Orders whose pieces are back in stock, once for each time. */
  readonly cameBack: string[] = [];

  readonly effects: Readonly<
    Record<"reserveInventory" | "releaseInventory" | "shipInventory" | "returnInventory", EffectHandler>
  > = {
    reserveInventory: this.handler((model, id) => model.reserve(id)),
    releaseInventory: this.handler((model, id) => model.end(id, "released")),
    shipInventory: this.handler((model, id) => model.end(id, "shipped")),
    returnInventory: this.handler((model, id) => model.putBack(id)),
  };

  hold(orderId: string): HoldState {
    return this.holds.get(orderId) ?? "none";
  }

  private reserve(orderId: string): ReserveOutput {
    const hold = this.hold(orderId);
    if (hold === "released" || hold === "shipped") return { outcome: "closed", as: hold };
    if (hold === "held") return this.reservation;
    if (this.reservation.outcome === "reserved") this.holds.set(orderId, "held");
    return this.reservation;
  }

  private end(orderId: string, as: "released" | "shipped"): { readonly outcome: "released" | "shipped" } {
    const hold = this.hold(orderId);
    if (hold === "released" || hold === "shipped") return { outcome: hold };
    if (hold === "none" && as === "shipped") throw new Error("an order without a hold was shipped");
    if (hold === "held") this.ended++;
    this.holds.set(orderId, as);
    return { outcome: as };
  }

  private putBack(orderId: string): { readonly outcome: "returned" } {
    if (this.hold(orderId) !== "shipped") throw new Error("an order that was not shipped came back");
    if (!this.cameBack.includes(orderId)) this.cameBack.push(orderId);
    return { outcome: "returned" };
  }

  /** The same state, apart from this one. */
  private copy(): InventoryModel {
    const copy = new InventoryModel();
    for (const [id, state] of this.holds) copy.holds.set(id, state);
    copy.reservation = this.reservation;
    return copy;
  }

  private handler(run: (model: InventoryModel, orderId: string) => object): EffectHandler {
    return {
      provider: "inventory",
      timeoutMs: 1000,
      maxAttempts: 1,
      backoffMs: 1,
      run: async ({ input }) => run(this, idOf(input)),
      join: {
        lock: LOCK,
        decide: ({ input }) => ({
          output: run(this, idOf(input)),
          lock: { subject: LOCK, epoch: 1 },
          messages: [],
          resolved: () => {},
        }),
        predict: ({ input }) => ({ output: run(this.copy(), idOf(input)) }),
      },
    };
  }
}

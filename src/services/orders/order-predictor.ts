/**
 * What placing an order, or a command to one, would do: `?dryRun=true`. The owner's own cascade answers; nothing is
 * written, nothing is called, no stock is held and no version is used up. Owns nothing.
 * Proved by: test/unit/services/orders/predicted.test.ts, test/integration/nodes/dry-runs.test.ts
 */
import type { DryRun, Predicted } from "../../runtime/actor/dry-run.ts";
import { effectKey } from "../../runtime/actor/cascade.ts";
import type { Actors, DryRunReply, DryRuns, ParkedActors } from "../../runtime/actors.ts";
import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import type { Ids } from "../../runtime/ports.ts";
import type { Inventory } from "../inventory/contract.ts";
import type { Maintenance } from "../maintenance/contract.ts";
import { orUnavailable, unavailable, unavailableReply, type UnavailableResult } from "../unavailable.ts";
import { addressed, type AddressedEvent } from "./commands.ts";
import type { PredictedOrder, OrderPredictions, OrderOutline } from "../predictions/contract.ts";
import { FACTS } from "../../runtime/definition.ts";
import type { AnnotationChanges, OrderCommand, PlaceOrder, ReferenceTaken } from "./contract.ts";
import { ANNOTATE } from "./facts.ts";
import type { References } from "./references.ts";
import { historyTransition } from "./history.ts";
import { masked, maskedOrder } from "./masking.ts";
import { derivedOrderId, drawnOrderId, hasOtherHash, keyedCommandId, requestHashes } from "./order-id.ts";
import { orderInput, type OrderPlan } from "./order-input.ts";
import { placeResult } from "./placing.ts";
import {
  addressedIn,
  illegal,
  refusedAddress,
  refusedByCatalogue,
  statedReason,
  refusedByMaintenance,
} from "./refusals.ts";
import { orderView } from "./view.ts";

/** What predictions needs of its node. */
export type PredictionsOptions = OrderPlan & {
  readonly actors: Pick<Actors, "read"> & DryRuns;
  readonly parked: Pick<ParkedActors, "predictResume">;
  readonly inventory: Pick<Inventory, "predict" | "known" | "get">;
  /** Absent: orders have no external references. */
  readonly references?: Pick<References, "takenBy">;
  readonly ids: Ids;
  /** Whether new orders are taken. Absent: they are. */
  readonly maintenance?: Pick<Maintenance, "state">;
  /** As orders are placed with. */
  readonly idempotencySecret: string;
};

type Source = PredictedOrder["basedOn"]["source"];
type Refusal = NonNullable<PredictedOrder["refusal"]>;

/** See {@link OrderPredictions}. */
export class OrderPredictor implements OrderPredictions {
  private readonly options: PredictionsOptions;

  constructor(options: PredictionsOptions) {
    this.options = options;
  }

  async place(
    order: PlaceOrder,
    { caller, idempotencyKey, waitMs }: Parameters<OrderPredictions["place"]>[1],
  ): ReturnType<OrderPredictions["place"]> {
    const { actors, ids, idempotencySecret, inventory, maintenance } = this.options;
    const keyed = idempotencyKey !== undefined;
    const id = keyed ? derivedOrderId(idempotencySecret, caller, idempotencyKey) : drawnOrderId(ids);
    const refusal =
      refusedByMaintenance(maintenance) ??
      refusedAddress(order) ??
      (await refusedByCatalogue(inventory, order)) ??
      (await this.refusedByReference(order.externalReference, id));
    if (refusal && !isRefusal(refusal)) return refusal;
    const stock = refusal ? undefined : await inventory.predict(order.lines);
    if (stock && stock.status !== "predicted") return stock;
    const input = orderInput(id, maskedOrder(order), this.options, { waitMs, wide: false });
    const hashes = keyed ? requestHashes(idempotencySecret, order, false) : undefined;
    const start = { kind: "start" as const, input, mayExist: keyed };
    const outputs = stock && { outputs: { reserveInventory: stock.output } };
    let { reply, source } = await actors.dryRun(
      id,
      { ...start, ...(hashes && { request: hashes[0] }) },
      outputs,
    );
    if (hasOtherHash(reply, hashes))
      ({ reply, source } = await actors.dryRun(id, { ...start, request: hashes[1] }, outputs));
    switch (reply.status) {
      case "predicted": {
        // The key decides first: only an order that is new is refused by the catalogue.
        if (refusal) return { ...nothing(null, source), refusal };
        const result = placeResult(id, reply.after, order.lines);
        return isRefusal(result)
          ? { ...something(id, reply, source), refusal: withoutOrder(result) }
          : something(id, reply, source);
      }
      case "repeated": {
        const result = placeResult(id, reply.snapshot, order.lines);
        const same = nothing(outline(id, reply.snapshot), source);
        return isRefusal(result) ? { ...same, refusal: result } : same;
      }
      case "request_mismatch": {
        const reused = { status: "idempotency_key_reused", orderId: id } as const;
        return { ...nothing(outline(id, reply.snapshot), source), refusal: reused };
      }
      case "illegal":
      case "not_found":
        throw new Error(`a start was predicted as ${reply.status}`);
      default:
        return await this.unanswered(id, reply, source);
    }
  }

  private async refusedByReference(
    reference: string | undefined,
    id: string,
  ): Promise<ReferenceTaken | UnavailableResult | undefined> {
    const { references } = this.options;
    if (reference === undefined || !references) return undefined;
    return await orUnavailable(async () => {
      const orderId = await references.takenBy(reference, id);
      return orderId === undefined ? undefined : { status: "reference_taken" as const, orderId };
    });
  }

  async annotate(
    id: string,
    changes: AnnotationChanges,
    { ifVersions, key, reason }: Parameters<OrderPredictions["annotate"]>[2] = {},
  ): ReturnType<OrderPredictions["annotate"]> {
    const event = { ...changes, type: ANNOTATE };
    const commandId = key && keyedCommandId(this.options.idempotencySecret, id, key, event, reason);
    const sent = commandId === undefined ? {} : { commandId };
    const { reply, source } = await this.options.actors.dryRun(id, {
      kind: "command",
      machine: FACTS,
      event,
      ...sent,
    });
    switch (reply.status) {
      case "predicted": {
        const taken = await this.refusedByReference(changes.externalReference ?? undefined, id);
        if (taken && !isRefusal(taken)) return taken;
        const same = nothing(outline(id, reply.before ?? reply.after), source);
        return ofVersion(taken ? { ...same, refusal: taken } : something(id, reply, source), ifVersions);
      }
      case "not_found":
        return { status: "not_found" };
      case "repeated":
        return nothing(outline(id, reply.snapshot), source);
      case "request_mismatch": {
        const reused = { status: "idempotency_key_reused", orderId: id } as const;
        return { ...nothing(outline(id, reply.snapshot), source), refusal: reused };
      }
      case "illegal":
        return unavailable("the order's owner runs an earlier version");
      default:
        return await this.unanswered(id, reply, source);
    }
  }

  async command(
    id: string,
    command: OrderCommand,
    { ifVersions, key, reason = statedReason(command) }: Parameters<OrderPredictions["command"]>[2] = {},
  ): ReturnType<OrderPredictions["command"]> {
    const prediction = await this.commanded(
      id,
      command,
      key && keyedCommandId(this.options.idempotencySecret, id, key, command, reason),
    );
    return prediction.status === "predicted" ? ofVersion(prediction, ifVersions) : prediction;
  }

  async resume(
    id: string,
    { ifVersions }: Parameters<OrderPredictions["resume"]>[1] = {},
  ): ReturnType<OrderPredictions["resume"]> {
    const forecast = await this.options.parked.predictResume(id);
    switch (forecast.status) {
      case "predicted":
        return ofVersion(something(id, forecast, "stored"), ifVersions);
      case "open": {
        const { snapshot } = forecast;
        const effects = snapshot.effects.map((effect) => ({
          name: effect.id,
          key: effectKey(id, effect),
          input: masked(effect.input),
        }));
        return ofVersion({ ...nothing(outline(id, snapshot), "stored"), effects }, ifVersions);
      }
      case "not_parked":
        return ofVersion(nothing(outline(id, forecast.snapshot), "stored"), ifVersions);
      case "parks_again": {
        const { reason, snapshot } = forecast;
        const same = nothing(snapshot ? outline(id, snapshot) : null, "stored");
        return ofVersion({ ...same, refusal: { status: "still_parked", reason } }, ifVersions);
      }
      case "not_found":
        return { status: "not_found" };
      default:
        return unavailableReply(forecast);
    }
  }

  private async commanded(
    id: string,
    command: OrderCommand,
    commandId: string | undefined,
  ): ReturnType<OrderPredictions["command"]> {
    const { actors } = this.options;
    const sent = commandId === undefined ? {} : { commandId };
    // Of the machines that may wait for a next try, the payment is asked first: `failedMachine` prefers it too.
    let to: AddressedEvent =
      command.type === "retry" ? { machine: "payment", event: command } : addressed(command);
    let { reply, source } = await actors.dryRun(id, { kind: "command", ...to, ...sent });
    if (reply.status === "illegal") {
      const right = addressedIn(command, reply.snapshot);
      if ("status" in right)
        return { ...refused(id, reply, source), ...(isRefusal(right) && { refusal: right }) };
      if (right.machine !== to.machine) {
        to = right;
        ({ reply, source } = await actors.dryRun(id, { kind: "command", ...to, ...sent }));
      }
    }
    switch (reply.status) {
      case "predicted":
        return something(id, reply, source);
      case "illegal":
        return refused(id, reply, source);
      case "not_found":
        return { status: "not_found" };
      case "repeated":
        return nothing(outline(id, reply.snapshot), source);
      case "request_mismatch": {
        const reused = { status: "idempotency_key_reused", orderId: id } as const;
        return { ...nothing(outline(id, reply.snapshot), source), refusal: reused };
      }
      default:
        return await this.unanswered(id, reply, source);
    }
  }

  /** A parked order refuses whatever is sent to it; its last good state is shown. */
  private async unanswered(
    id: string,
    reply: Exclude<
      DryRunReply,
      { readonly snapshot: Snapshot } | { readonly status: "predicted" | "not_found" }
    >,
    source: Source,
  ): Promise<PredictedOrder | UnavailableResult> {
    const answer = unavailableReply(reply);
    if (answer.status !== "refused") return answer;
    const read = await this.options.actors.read(id);
    const last = read.status === "ok" ? outline(id, read.snapshot) : null;
    return { ...nothing(last, source), refusal: answer };
  }
}

/** The prediction, or its refusal when the order has another version than the caller names. */
function ofVersion(prediction: PredictedOrder, ifVersions: readonly number[] | undefined): PredictedOrder {
  const { before, basedOn } = prediction;
  if (ifVersions === undefined || ifVersions.includes(basedOn.version)) return prediction;
  const refusal = { status: "version_changed", version: basedOn.version } as const;
  return { ...nothing(before, basedOn.source), refusal };
}

/** The order would change. */
function something(id: string, prediction: Predicted, source: Source): PredictedOrder {
  const { after, armed, before, changes, guards, opened } = prediction;
  return {
    status: "predicted",
    before: before && outline(id, before),
    after: outline(id, after),
    machines: changes.transitions.map(historyTransition),
    events: changes.events,
    effects: opened.map(({ input, ...effect }) => ({ ...effect, input: masked(input) })),
    timers: armed.map(({ dueAt, name }) => ({ name, dueAt: new Date(dueAt).toISOString() })),
    guards,
    basedOn: { version: before?.version ?? 0, source },
  };
}

/** The order would stay as it is. */
function nothing(order: OrderOutline | null, source: Source): PredictedOrder {
  return {
    status: "predicted",
    before: order,
    after: order,
    machines: [],
    events: [],
    effects: [],
    timers: [],
    guards: [],
    basedOn: { version: order?.version ?? 0, source },
  };
}

function refused(
  id: string,
  { guards, snapshot }: Extract<DryRun, { status: "illegal" }>,
  source: Source,
): PredictedOrder {
  const same = nothing(outline(id, snapshot), source);
  return { ...same, guards, refusal: illegal(snapshot, guards) };
}

/** The order without what concerns its customer. */
function outline(id: string, snapshot: Snapshot): OrderOutline {
  const {
    billingAddress: _,
    customer: __,
    erased: ___,
    shippingAddress: ____,
    ...rest
  } = orderView(id, snapshot);
  return rest;
}

const refusals: ReadonlySet<string> = new Set<Refusal["status"]>([
  "amount_mismatch",
  "idempotency_key_reused",
  "illegal_transition",
  "invalid_address",
  "maintenance",
  "mixed_currency",
  "out_of_stock",
  "payment_expired",
  "payment_failed",
  "price_changed",
  "reference_taken",
  "refused",
  "sku_not_for_sale",
  "unknown_sku",
  "version_changed",
]);

const isRefusal = (result: { readonly status: string }): result is Refusal => refusals.has(result.status);

/** A refusal of an order that is not to be. */
function withoutOrder(refusal: Refusal): Refusal {
  if (!("orderId" in refusal)) return refusal;
  const { orderId: _, ...rest } = refusal;
  return rest as Refusal;
}

/** Why an order or a command is refused before its actor decides, and what an illegal command is answered with. */
import { type DryRun, dryRun } from "../../runtime/actor/dry-run.ts";
import type { Snapshot, StoredSnapshot } from "../../runtime/actor/snapshot.ts";
import type { Actors } from "../../runtime/actors.ts";
import type { ActorDefinition } from "../../runtime/definition.ts";
import { type AddressFault, addressFaults, type RuledAddress } from "../addresses/address-faults.ts";
import type { Inventory, StockView } from "../inventory/contract.ts";
import type { Maintenance } from "../maintenance/contract.ts";
import { unavailableReply } from "../unavailable.ts";
import { addressed, type AddressedEvent, collectsDue } from "./commands.ts";
import type { CommandResult, OrderCommand, PlaceOrder, PlaceResult } from "./contract.ts";
import { orderMachines } from "./definition.ts";
import { positions, refusedByPrice } from "./placing.ts";
import { allowedCommands, dueOnDelivery, failedMachine, orderMachinesOf, orderStatus } from "./status.ts";

/** Why a new order is not placed. */
export type PlaceRefusal = Exclude<PlaceResult, { readonly status: "placed" | "pending" }>;

/** Why no new order is placed now; undefined when orders are taken. */
export function refusedByMaintenance(maintenance?: Pick<Maintenance, "state">): PlaceRefusal | undefined {
  const state = maintenance?.state();
  return state?.takingOrders === false ? { status: "maintenance", reason: state.reason } : undefined;
}

/** Why no post could deliver to the order's addresses; undefined when one could. */
export function refusedAddress({ shippingAddress, billingAddress }: PlaceOrder): PlaceRefusal | undefined {
  const faults = [
    ...faultsWithin("shippingAddress", shippingAddress),
    ...faultsWithin("billingAddress", billingAddress),
  ];
  return faults.length === 0 ? undefined : { status: "invalid_address", faults };
}

function faultsWithin(field: string, address: RuledAddress | undefined): AddressFault[] {
  const faults = address ? addressFaults(address) : [];
  return faults.map((fault) => ({ ...fault, pointer: `/${field}${fault.pointer}` }));
}

/**
 * Why the order cannot be placed as the catalogue is now. An order with an expected total needs prices of this
 * moment, so the owner of the stock is asked about each of its lines.
 */
export async function refusedByCatalogue(
  inventory: Pick<Inventory, "known" | "get">,
  order: PlaceOrder,
): Promise<PlaceRefusal | undefined> {
  const skus = order.lines.map(({ sku }) => sku);
  if (order.expectedTotal === undefined) return refusalOf(await inventory.known(skus), order.lines);
  const found = await Promise.all(skus.map((sku) => inventory.get(sku)));
  const stocks: (StockView | undefined)[] = [];
  for (const one of found) {
    if (one.status !== "found" && one.status !== "not_found") return one;
    stocks.push(one.status === "found" ? one.stock : undefined);
  }
  return refusedByPrice(order, stocks);
}

/** The answer to an order whose lines cannot be reserved for a reason that the catalogue alone shows. */
function refusalOf(
  known: Awaited<ReturnType<Inventory["known"]>>,
  lines: PlaceOrder["lines"],
): PlaceRefusal | undefined {
  if (known.status !== "checked") return known;
  const { notForSale = [], unknown } = known;
  if (unknown.length > 0) return { status: "unknown_sku", skus: positions(lines, unknown) };
  return notForSale.length > 0
    ? { status: "sku_not_for_sale", skus: positions(lines, notForSale) }
    : undefined;
}

/** The machine that takes a command, or why none does. A command that the state decides about is preceded by a read. */
export async function addressedTo(
  actors: Pick<Actors, "read">,
  id: string,
  command: OrderCommand,
): Promise<AddressedEvent | CommandResult> {
  if (command.type !== "deliver" && command.type !== "retry") return addressed(command);
  const reply = await actors.read(id);
  if (reply.status === "not_found") return { status: "not_found" };
  return reply.status === "ok" ? addressedIn(command, reply.snapshot) : unavailableReply(reply);
}

/**
 * The machine that takes the command in this state, or why none does. A retry goes to the machine that waits for its
 * next try. The machine accepts a delivery only with exactly the amount due, which never changes; this check reports
 * it.
 * The state may change before the command arrives; then the machine rejects it.
 */
export function addressedIn(command: OrderCommand, snapshot: Snapshot): AddressedEvent | CommandResult {
  const machines = orderMachinesOf(snapshot.machines);
  if (command.type === "retry") {
    const machine = failedMachine(machines);
    return machine === undefined ? illegal(snapshot, []) : { machine, event: { type: "retry" } };
  }
  const due = command.type === "deliver" ? dueOnDelivery(machines) : null;
  if (command.type === "deliver" && due !== null && allowedCommands(machines).includes("deliver")) {
    if (!collectsDue(due, command.collected)) return { status: "amount_mismatch", expected: due };
  }
  return addressed(command);
}

/** Why a command is sent, where the command itself says so. */
export const statedReason = (command: OrderCommand): string | undefined =>
  "reason" in command ? command.reason : undefined;

/** The answer to a command that the order does not take now, with the conditions that were checked. */
export function illegal(snapshot: Snapshot, guards: Illegal["guards"]): Illegal {
  const machines = orderMachinesOf(snapshot.machines);
  const state = orderStatus(machines);
  return { status: "illegal_transition", state, allowedEvents: allowedCommands(machines), guards };
}

/** The machines alone: they decide whether a command is taken. */
const machinesOnly: ActorDefinition = {
  machines: orderMachines,
  listens: {},
  effects: {},
  settled: () => true,
};

/** The conditions that were checked when no machine took the event; none where the state has no transition for it. */
export function guardsAgainst(snapshot: Snapshot, to: AddressedEvent): Illegal["guards"] {
  const prediction = tried(snapshot, to);
  return prediction.status === "illegal" ? prediction.guards : [];
}

/** Why a version of the order that has passed refused the command; undefined when it would have taken it. */
export function refusedThen(command: OrderCommand, then: StoredSnapshot): CommandResult | undefined {
  const { facts: _, ...snapshot } = then;
  const to = addressedIn(command, snapshot);
  if ("status" in to) return to;
  const prediction = tried(snapshot, to);
  return prediction.status === "illegal" ? illegal(snapshot, prediction.guards) : undefined;
}

/** Whether a machine takes the event, by the machines alone: what follows from it is not predicted. */
export function tried(snapshot: Snapshot, { event, machine }: AddressedEvent): DryRun {
  const { facts: _, definition: __, effects: ___, ...state } = snapshot;
  return dryRun(
    machinesOnly,
    { ...state, effects: [], timers: [] },
    { kind: "command", machine, event },
    { actor: "", now: 0, predict: () => undefined },
  );
}

type Illegal = Extract<CommandResult, { readonly status: "illegal_transition" }>;

/**
 * The order service: places orders and passes commands to their actors, on any node.
 * Owns nothing: every answer comes from acknowledged state. Outcomes are values.
 */
import { personalOfInput } from "../../../machines/order-facts.ts";
import type { Address, OpenInput, OpenOrderInput, OrderInput } from "../../../machines/types.ts";
import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import { partitionOf } from "../../runtime/subjects.ts";
import { subjects } from "../subjects.ts";
import type { Requester } from "../../runtime/actor/input.ts";
import type { ActorReply, Actors } from "../../runtime/actors.ts";
import { type Ids, type Journal, Unavailable } from "../../runtime/ports.ts";
import type { Inventory, StockView } from "../inventory/contract.ts";
import { unavailable, unavailableReply, type UnavailableResult } from "../unavailable.ts";
import { addressed, type AddressedEvent, collectsDue } from "./commands.ts";
import { type AddressFault, addressFaults, type RuledAddress } from "../addresses/address-faults.ts";
import type {
  CommandResult,
  Given,
  Money,
  OrderCommand,
  Orders,
  OrderView,
  PlaceOrder,
  PlaceResult,
} from "./contract.ts";
import type { UnreadableEntries } from "../../runtime/unreadable.ts";
import { historyItem, historyPage } from "./history.ts";
import { orderMessages } from "./messages.ts";
import { derivedOrderId, drawnOrderId, requestHash } from "./order-id.ts";
import {
  type JustSealed,
  type OpensPersonal,
  type OrderSeals,
  shownPersonal,
  withoutKeys,
  withSealedToken,
} from "./personal.ts";
import { placeResult, positions, refusedByPrice } from "./placing.ts";
import {
  allowedCommands,
  dueOnDelivery,
  failedMachine,
  type OrderMachines,
  orderMachinesOf,
  orderStatus,
} from "./status.ts";
import { orderView } from "./view.ts";

/** What the order service needs of its node. */
export type OrdersOptions = {
  readonly actors: Actors;
  readonly inventory: Pick<Inventory, "known" | "get">;
  /** The stream of a partition. */
  readonly journalOf: (partition: number) => Pick<Journal, "readAll">;
  readonly ids: Ids;
  /** Number of partitions, as the stream was made with. */
  readonly partitions: number;
  /** Where records are named that cannot be read. */
  readonly unreadable?: UnreadableEntries;
  /** Derives ids from idempotency keys. Equal on all nodes and constant: a new secret invalidates all keys. */
  readonly idempotencySecret: string;
  readonly fulfillment: OrderInput["fulfillment"];
  readonly hostedPayment: OrderInput["hostedPayment"];
  /** Whether a node with an earlier definition is present, which may work on events. Absent: none is. */
  readonly hasEarlierNodes?: () => boolean;
  /** Seals and opens personal data and card tokens. Absent: they are stored plain. */
  readonly seals?: OrderSeals;
  /** Recorded with every new order. */
  readonly taxBasisPoints: OrderInput["taxBasisPoints"];
};

/** How long a cancellation or a shipment waits for the stock to follow, ms; the order itself changes before. */
const COMMAND_WAIT_MS = 2000;

/** A caller that waits at least this long gets the outcome of a reservation that its first tries decide, ms. */
const ATTENDED_MS = 10_000;

const WHOLE = { after: 0, limit: Number.POSITIVE_INFINITY };

/** A request without a key repeats none. */
const NO_ORDER = { status: "not_found" } as const;

/** See {@link Orders}. */
export class OrderService implements Orders {
  private readonly options: OrdersOptions;

  constructor(options: OrdersOptions) {
    this.options = options;
  }

  async place(order: PlaceOrder, how: Parameters<Orders["place"]>[1]): Promise<PlaceResult> {
    const { actors, ids, idempotencySecret, fulfillment, hostedPayment, taxBasisPoints } = this.options;
    const { method, token } = order.payment;
    const { by, idempotencyKey, caller, waitMs } = how;
    const keyed = idempotencyKey !== undefined;
    const id = keyed ? derivedOrderId(idempotencySecret, caller, idempotencyKey) : drawnOrderId(ids);
    const refusal = refusedAddress(order) ?? (await this.refusedByCatalogue(order));
    if (refusal) {
      // The key decides first: an order that has it makes this request a repetition, or the key a reused one.
      const first = keyed ? await actors.read(id) : NO_ORDER;
      if (first.status === "not_found") return refusal;
      if (first.status !== "ok") return unavailableReply(first);
    }
    const input: OpenOrderInput = {
      orderId: id,
      ...personOf(order),
      lines: order.lines,
      ...(order.expectedTotal ? { expectedTotal: order.expectedTotal } : {}),
      payment: token === undefined ? { method } : { method, token },
      fulfillment,
      hostedPayment,
      taxBasisPoints,
      ...(waitMs < ATTENDED_MS && { unattended: true as const }),
      ...(this.options.hasEarlierNodes?.() && { wide: true as const }),
    };
    const options = {
      waitMs,
      mayExist: keyed,
      ...(by && { by }),
      ...(keyed ? { request: requestHash(order) } : {}),
    };
    return await orUnavailable(async () => {
      const { reply, own } = await this.start(input, options);
      if (reply.status === "ok") {
        const shown = await shownPersonal(id, reply.snapshot, this.open, own);
        return placeResult(id, reply.snapshot, order.lines, shown);
      }
      if (reply.status === "request_mismatch") return { status: "idempotency_key_reused", orderId: id };
      return unavailableReply(reply);
    });
  }

  /** Starts an order; its personal data and its card token are sealed before, if every node can open them. */
  private async start(
    input: OpenOrderInput,
    how: Parameters<Actors["start"]>[2],
  ): Promise<{ readonly reply: ActorReply; readonly own?: JustSealed }> {
    const { actors, seals } = this.options;
    const { orderId } = input;
    if (input.wide || !seals?.areOpenedByAll()) return { reply: await actors.start(orderId, input, how) };
    const { billingAddress: _, customer, shippingAddress, taxId: __, ...plain } = input;
    const payment = await withSealedToken(input, seals.tokens);
    const personal = personalOfInput(input);
    return await seals.personal.whileSealed(
      { customerId: customer.id, orderId, personal },
      async (sealed) => {
        const { country } = shippingAddress;
        const one: OrderInput = { ...plain, payment, customer: { id: customer.id }, country, sealed };
        const reply = await actors.start(orderId, one, how);
        const value = { reply, own: { text: sealed.text, personal } };
        // Without an answer the order may be stored later.
        return { value, isOver: reply.status !== "unavailable" };
      },
    );
  }

  private readonly open: OpensPersonal = (orderId, text) =>
    this.options.seals ? this.options.seals.personal.open(orderId, text) : withoutKeys(orderId, text);

  private async view(id: string, snapshot: Snapshot): Promise<OrderView> {
    return orderView(id, snapshot, await shownPersonal(id, snapshot, this.open));
  }

  /**
   * Why the order cannot be placed as the catalogue is now. An order with an expected total needs prices of this
   * moment, so the owner of the stock is asked about each of its lines.
   */
  private async refusedByCatalogue(order: PlaceOrder): Promise<PlaceResult | undefined> {
    const { inventory } = this.options;
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

  async get(id: string): ReturnType<Orders["get"]> {
    const reply = await this.options.actors.read(id);
    if (reply.status === "not_found") return { status: "not_found" };
    if (reply.status !== "ok") return unavailableReply(reply);
    return await orUnavailable(async () => ({
      status: "found" as const,
      order: await this.view(id, reply.snapshot),
    }));
  }

  async command(id: string, command: OrderCommand, by?: Requester): Promise<CommandResult> {
    const { actors, ids } = this.options;
    if (command.type === "deliver") {
      const refusal = await this.refusesDelivery(id, command.collected);
      if (refusal) return refusal;
    }
    const to = command.type === "retry" ? await this.failed(id) : addressed(command);
    if ("status" in to) return to;
    const { machine, event } = to;
    const reply = await actors.command(id, machine, event, {
      commandId: ids.next(),
      waitMs: COMMAND_WAIT_MS,
      ...(by && { by }),
      ...("reason" in command && { reason: command.reason }),
    });
    switch (reply.status) {
      case "ok":
        return await orUnavailable(async () => ({
          status: "done" as const,
          order: await this.view(id, reply.snapshot),
        }));
      case "illegal":
        return illegal(orderMachinesOf(reply.snapshot.machines));
      case "not_found":
        return { status: "not_found" };
      default:
        return unavailableReply(reply);
    }
  }

  async messages(id: string): ReturnType<Orders["messages"]> {
    const { journalOf, partitions } = this.options;
    const partition = partitionOf(id, partitions);
    const journal = journalOf(partition);
    try {
      // The inbox first: a message that is evaluated in between then has its record.
      const inbox = await journal.readAll(subjects.inbox(partition, id));
      const records = await journal.readAll(subjects.record(partition, id));
      if (records.length === 0) return { status: "not_found" };
      return { status: "found", items: orderMessages(inbox, records) };
    } catch (error) {
      if (error instanceof Unavailable) return unavailable(error.message);
      throw error;
    }
  }

  async history(id: string, page = WHOLE): ReturnType<Orders["history"]> {
    const { journalOf, partitions, unreadable } = this.options;
    const partition = partitionOf(id, partitions);
    try {
      const records = await journalOf(partition).readAll(subjects.record(partition, id));
      if (records.length === 0) return { status: "not_found" };
      const items = records.flatMap((message) => {
        const item = historyItem(message);
        if (item === undefined)
          unreadable?.passed("record", message.subject, message.sequence, "the history is without it");
        return item ?? [];
      });
      return { status: "found", ...historyPage(items, page) };
    } catch (error) {
      if (error instanceof Unavailable) return unavailable(error.message);
      throw error;
    }
  }

  /** The machine that waits for its next try. It may change its state in between; then it rejects the command. */
  private async failed(id: string): Promise<AddressedEvent | CommandResult> {
    const reply = await this.options.actors.read(id);
    if (reply.status === "not_found") return { status: "not_found" };
    if (reply.status !== "ok") return unavailableReply(reply);
    const machines = orderMachinesOf(reply.snapshot.machines);
    const machine = failedMachine(machines);
    return machine === undefined ? illegal(machines) : { machine, event: { type: "retry" } };
  }

  /**
   * The machine accepts a delivery only with exactly the amount due; this check reports that amount to the caller. The
   * amount due never changes, so reading it before the command is safe.
   */
  private async refusesDelivery(
    id: string,
    collected: Money | undefined,
  ): Promise<CommandResult | undefined> {
    const reply = await this.options.actors.read(id);
    if (reply.status === "not_found") return { status: "not_found" };
    if (reply.status !== "ok") return unavailableReply(reply);
    const machines = orderMachinesOf(reply.snapshot.machines);
    const due = dueOnDelivery(machines);
    if (due === null || !allowedCommands(machines).includes("deliver")) return undefined;
    return collectsDue(due, collected) ? undefined : { status: "amount_mismatch", expected: due };
  }
}

/** The answer to an order whose lines cannot be reserved for a reason that the catalogue alone shows. */
function refusalOf(
  known: Awaited<ReturnType<Inventory["known"]>>,
  lines: PlaceOrder["lines"],
): PlaceResult | undefined {
  if (known.status !== "checked") return known;
  if (known.unknown.length === 0) return undefined;
  return { status: "unknown_sku", skus: positions(lines, known.unknown) };
}

/** Why no post could deliver to the order's addresses; undefined when one could. */
function refusedAddress({ shippingAddress, billingAddress }: PlaceOrder): PlaceResult | undefined {
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

/** The customer, apart from it the tax id, which only invoices need, and the addresses. */
function personOf({ billingAddress, customer, shippingAddress }: PlaceOrder): OpenInput {
  const { taxId, ...rest } = customer;
  return {
    customer: rest,
    ...(taxId === undefined ? {} : { taxId }),
    shippingAddress: stored(shippingAddress),
    ...(billingAddress ? { billingAddress: stored(billingAddress) } : {}),
  };
}

/** The keys of sealed data are at the server too. */
async function orUnavailable<T>(work: () => Promise<T>): Promise<T | UnavailableResult> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unavailable) return unavailable(error.message);
    throw error;
  }
}

/** Version 0.1.0 reads addresses of events, and refuses one without a postal code: an empty one is stored. */
function stored<A extends Address>(address: Given<A>): A {
  return { ...address, postalCode: address.postalCode ?? "" } as A;
}

function illegal(machines: OrderMachines): CommandResult {
  return {
    status: "illegal_transition",
    state: orderStatus(machines),
    allowedEvents: allowedCommands(machines),
  };
}

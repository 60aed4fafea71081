/**
 * The order service: places orders and passes commands to their actors, on any node.
 * Owns nothing: every answer comes from acknowledged state. Outcomes are values.
 */
import { personalOfInput } from "../../../machines/order-facts.ts";
import type { OpenOrderInput, OrderInput } from "../../../machines/types.ts";
import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import { partitionOf } from "../../runtime/subjects.ts";
import { subjects } from "../subjects.ts";
import { isOtherRequest } from "../../runtime/actor/input.ts";
import { readSnapshot } from "../../runtime/actor/record-decoding.ts";
import { limits } from "../../runtime/limits.ts";
import type { ActorReply, Actors } from "../../runtime/actors.ts";
import type { Ids, Journal } from "../../runtime/ports.ts";
import type { Inventory } from "../inventory/contract.ts";
import type { Maintenance } from "../maintenance/contract.ts";
import { orUnavailable, unavailableReply } from "../unavailable.ts";
import type { CommandHow, CommandResult, OrderCommand, Orders, OrderView, PlaceOrder } from "./contract.ts";
import type { UnreadableEntries } from "../../runtime/unreadable.ts";
import { historyItem, historyPage } from "./history.ts";
import { orderMessages } from "./messages.ts";
import { derivedOrderId, drawnOrderId, keyedCommandId, hasOtherHash, requestHashes } from "./order-id.ts";
import { orderInput } from "./order-input.ts";
import {
  type JustSealed,
  type OpensPersonal,
  type OrderSeals,
  shownPersonal,
  withoutKeys,
  withSealedToken,
} from "./personal.ts";
import { placeResult } from "./placing.ts";
import { storedAt } from "./stored-at.ts";
import {
  addressedTo,
  guardsAgainst,
  illegal,
  refusedAddress,
  refusedByCatalogue,
  refusedByMaintenance,
  refusedThen,
  statedReason,
} from "./refusals.ts";
import { orderView } from "./view.ts";

/** What the order service needs of its node. */
export type OrdersOptions = {
  readonly actors: Actors;
  readonly inventory: Pick<Inventory, "known" | "get" | "recheck">;
  /** The stream of a partition. */
  readonly journalOf: (partition: number) => Pick<Journal, "readAll">;
  readonly ids: Ids;
  /** Number of partitions, as the stream was made with. */
  readonly partitions: number;
  /** Number of streams, as they were made; 1 when absent. */
  readonly streams?: number;
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
  /** Whether new orders are taken. Absent: they are. */
  readonly maintenance?: Pick<Maintenance, "state">;
  /** Recorded with every new order. */
  readonly taxBasisPoints: OrderInput["taxBasisPoints"];
};

/** How long a cancellation or a shipment waits for the stock to follow, ms; the order itself changes before. */
const COMMAND_WAIT_MS = 2000;

const WHOLE = { after: 0, limit: Number.POSITIVE_INFINITY };

/** A request without a key repeats none. */
const NO_ORDER = { status: "not_found" } as const;

/** See {@link Orders}. */
export class OrderService implements Orders {
  private readonly options: OrdersOptions;

  constructor(options: OrdersOptions) {
    this.options = options;
  }

  async place(order: PlaceOrder, how: Parameters<Orders["place"]>[1]): ReturnType<Orders["place"]> {
    const { actors, hasEarlierNodes, ids, idempotencySecret, inventory } = this.options;
    const { by, idempotencyKey, caller, waitMs } = how;
    const keyed = idempotencyKey !== undefined;
    const id = keyed ? derivedOrderId(idempotencySecret, caller, idempotencyKey) : drawnOrderId(ids);
    const refusal =
      refusedByMaintenance(this.options.maintenance) ??
      refusedAddress(order) ??
      (await refusedByCatalogue(inventory, order));
    if (refusal) {
      // The key decides first: an order that has it makes this request a repetition, or the key a reused one.
      const first = keyed ? await actors.read(id) : NO_ORDER;
      if (first.status === "not_found") return refusal;
      if (first.status !== "ok") return unavailableReply(first);
    }
    const wide = hasEarlierNodes?.() ?? false;
    const input = orderInput(id, order, this.options, { waitMs, wide });
    const hashes = keyed ? requestHashes(idempotencySecret, order, wide) : undefined;
    const options = {
      waitMs,
      mayExist: keyed,
      ...(by && { by }),
      ...(hashes && { request: hashes[0] }),
    };
    return await orUnavailable(async () => {
      const first = await this.start(input, options);
      const { reply, own } = hasOtherHash(first.reply, hashes)
        ? await this.start(input, { ...options, request: hashes[1] })
        : first;
      if (reply.status === "ok") {
        const shown = await shownPersonal(id, reply.snapshot, this.open, own);
        const result = placeResult(id, reply.snapshot, order.lines, shown);
        if (result.status === "sku_not_for_sale") inventory.recheck(result.skus.map(({ sku }) => sku));
        return { ...result, ...storedAt(id, reply, this.options) };
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

  async get(id: string): ReturnType<Orders["get"]> {
    const reply = await this.options.actors.read(id);
    if (reply.status === "not_found") return { status: "not_found" };
    if (reply.status !== "ok") return unavailableReply(reply);
    return await orUnavailable(async () => ({
      status: "found" as const,
      order: await this.view(id, reply.snapshot),
    }));
  }

  async command(
    id: string,
    command: OrderCommand,
    { by, ifVersions, key, reason = statedReason(command) }: CommandHow = {},
  ): ReturnType<Orders["command"]> {
    const { actors, idempotencySecret, ids } = this.options;
    const commandId = key ? keyedCommandId(idempotencySecret, id, key, command, reason) : ids.next();
    const repeated = () => this.repetition(id, commandId, command, ifVersions);
    const earlier = key && (await repeated());
    if (earlier) return earlier;
    const to = await addressedTo(actors, id, command);
    if ("status" in to) return to;
    const { machine, event } = to;
    const reply = await actors.command(id, machine, event, {
      commandId,
      ...(ifVersions && { ifVersions }),
      waitMs: COMMAND_WAIT_MS,
      ...(by && { by }),
      ...(reason === undefined ? {} : { reason }),
    });
    switch (reply.status) {
      case "ok":
        return await orUnavailable(async () => ({
          status: "done" as const,
          order: await this.view(id, reply.snapshot),
          ...storedAt(id, reply, this.options),
        }));
      case "illegal":
        return illegal(reply.snapshot, guardsAgainst(reply.snapshot, to));
      case "version_changed": {
        const refused = key && (await repeated());
        return refused ?? { status: "version_changed", version: reply.snapshot.version };
      }
      case "request_mismatch":
        return { status: "idempotency_key_reused", orderId: id };
      case "not_found":
        return { status: "not_found" };
      default:
        return unavailableReply(reply);
    }
  }

  /**
   * The answer to a command whose key the order has had: its actor remembers the latest ones, its records all of them.
   * Undefined for a new key. A key that is used meanwhile is among the latest when the command arrives.
   *
   * A refused command leaves no record. One for a version that has passed is answered as that version decides, so that
   * its repetition gets the answer of the first request.
   */
  private async repetition(
    id: string,
    commandId: string,
    command: OrderCommand,
    ifVersions: readonly number[] = [],
  ): Promise<CommandResult | undefined> {
    const { actors, journalOf, partitions } = this.options;
    const reply = await actors.read(id);
    if (reply.status === "not_found") return { status: "not_found" };
    if (reply.status !== "ok") return unavailableReply(reply);
    return await orUnavailable(async (): Promise<CommandResult | undefined> => {
      const partition = partitionOf(id, partitions);
      const { version } = reply.snapshot;
      const [named = version, ...others] = ifVersions;
      const hasPassed = others.length === 0 && named !== version;
      const records =
        hasPassed || version > limits.recentCommands
          ? await journalOf(partition).readAll(subjects.record(partition, id))
          : [];
      const latest = records.map((record) => readSnapshot(record)?.commands.at(-1) ?? "");
      const known = [...reply.snapshot.commands, ...latest];
      if (known.some((one) => isOtherRequest(commandId, one)))
        return { status: "idempotency_key_reused", orderId: id };
      if (known.includes(commandId)) return { status: "done", order: await this.view(id, reply.snapshot) };
      if (!hasPassed) return undefined;
      const then = records.map((record) => readSnapshot(record)).find((one) => one?.version === named);
      return (then && refusedThen(command, then)) ?? { status: "version_changed", version };
    });
  }

  async messages(id: string): ReturnType<Orders["messages"]> {
    const { journalOf, partitions } = this.options;
    const partition = partitionOf(id, partitions);
    const journal = journalOf(partition);
    return await orUnavailable(async () => {
      // The inbox first: a message that is evaluated in between then has its record.
      const inbox = await journal.readAll(subjects.inbox(partition, id));
      const records = await journal.readAll(subjects.record(partition, id));
      if (records.length === 0) return { status: "not_found" };
      return { status: "found", items: orderMessages(inbox, records) };
    });
  }

  async history(id: string, page = WHOLE): ReturnType<Orders["history"]> {
    const { journalOf, partitions, unreadable } = this.options;
    const partition = partitionOf(id, partitions);
    return await orUnavailable(async () => {
      const records = await journalOf(partition).readAll(subjects.record(partition, id));
      if (records.length === 0) return { status: "not_found" };
      const items = records.flatMap((message) => {
        const item = historyItem(message);
        if (item === undefined)
          unreadable?.passed("record", message.subject, message.sequence, "the history is without it");
        return item ?? [];
      });
      return { status: "found", ...historyPage(items, page) };
    });
  }
}

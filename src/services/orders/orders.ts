/**
 * The order service: places orders and passes commands to their actors, on any node.
 * Owns nothing: every answer comes from acknowledged state. Outcomes are values.
 */
import { personalOfInput } from "../../../machines/order-facts.ts";
import type { OpenOrderInput, OrderInput } from "../../../machines/types.ts";
import type { Snapshot } from "../../runtime/actor/snapshot.ts";
import { partitionOf } from "../../runtime/subjects.ts";
import { subjects } from "../subjects.ts";
import { askedOf, isOtherRequest } from "../../runtime/actor/input.ts";
import { readSnapshot } from "../../runtime/actor/record-decoding.ts";
import { limits } from "../../runtime/limits.ts";
import type { ActorReply, Actors } from "../../runtime/actors.ts";
import { FACTS } from "../../runtime/definition.ts";
import { type Ids, type Journal, Unavailable } from "../../runtime/ports.ts";
import type { Inventory } from "../inventory/contract.ts";
import type { Maintenance } from "../maintenance/contract.ts";
import {
  orUnavailable,
  type Sequenced,
  unavailable,
  unavailableReply,
  type UnavailableResult,
} from "../unavailable.ts";
import type {
  AnnotationChanges,
  CommandHow,
  CommandResult,
  OrderCommand,
  Orders,
  OrderView,
  PlaceOrder,
  ReferenceTaken,
} from "./contract.ts";
import { ANNOTATE } from "./facts.ts";
import type { References } from "./references.ts";
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
  /** Keeps external references unique. Absent: orders have none. */
  readonly references?: References;
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
    const reserved = refusal ?? (await this.reserve(order.externalReference, id));
    if ("status" in reserved) {
      // The key decides first: an order that has it makes this request a repetition, or the key a reused one.
      const first = keyed ? await actors.read(id) : NO_ORDER;
      if (first.status === "not_found") return reserved;
      if (first.status !== "ok") return unavailableReply(first);
    }
    const wide = hasEarlierNodes?.() ?? false;
    const input = orderInput(id, order, this.options, { waitMs, wide, placedBy: by?.id });
    const hashes = keyed ? requestHashes(idempotencySecret, order, wide) : undefined;
    const options = {
      waitMs,
      mayExist: keyed,
      ...(by && { by }),
      ...(hashes && { request: hashes[0] }),
    };
    return await orUnavailable(async () => {
      if ("isHeld" in reserved && !reserved.isHeld())
        throw new Unavailable("the reservation of the reference is too old");
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

  /** Reserves the reference, if there is one. */
  private async reserve(
    reference: string | undefined,
    id: string,
  ): Promise<{ readonly isHeld: () => boolean } | ReferenceTaken | UnavailableResult> {
    const { references } = this.options;
    if (reference === undefined || !references) return { isHeld: () => true };
    return await orUnavailable(async () => {
      const reservation = await references.reserve(reference, id);
      return reservation.status === "taken"
        ? { status: "reference_taken", orderId: reservation.orderId }
        : { isHeld: reservation.isHeld };
    });
  }

  async annotate(
    id: string,
    changes: AnnotationChanges,
    { by, ifVersions, key, reason }: CommandHow = {},
  ): ReturnType<Orders["annotate"]> {
    const { actors, idempotencySecret, ids } = this.options;
    const event = { ...changes, type: ANNOTATE };
    const commandId = key ? keyedCommandId(idempotencySecret, id, key, event, reason) : ids.next();
    const earlier = key && (await this.repetition(id, commandId));
    if (earlier) return earlier;
    const found = await actors.read(id);
    if (found.status === "not_found") return { status: "not_found" };
    if (found.status !== "ok") return unavailableReply(found);
    if (ifVersions && !ifVersions.includes(found.snapshot.version))
      return { status: "version_changed", version: found.snapshot.version };
    const reserved = await this.reserve(changes.externalReference ?? undefined, id);
    if ("status" in reserved) return reserved;
    if (!reserved.isHeld()) return unavailable("the reservation of the reference is too old");
    const asked = askedOf({ ...(by && { by }), ...(reason === undefined ? {} : { reason }) });
    const sent = { commandId, waitMs: 0, ...(ifVersions && { ifVersions }), ...asked };
    const reply = await actors.command(id, FACTS, event, sent);
    // An owner of an earlier version does not know the receiver: another one will, once the nodes are replaced.
    if (reply.status === "illegal") return unavailable("the order's owner runs an earlier version");
    return await this.answer(id, reply);
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
    if (reply.status === "illegal") return illegal(reply.snapshot, guardsAgainst(reply.snapshot, to));
    if (reply.status === "version_changed" && key) {
      const refused = await repeated();
      if (refused) return refused;
    }
    return await this.answer(id, reply);
  }

  private async answer(id: string, reply: ActorReply): Promise<Sequenced<CommandResult>> {
    switch (reply.status) {
      case "ok":
        return await orUnavailable(async () => ({
          status: "done" as const,
          order: await this.view(id, reply.snapshot),
          ...storedAt(id, reply, this.options),
        }));
      case "version_changed":
        return { status: "version_changed", version: reply.snapshot.version };
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
    command?: OrderCommand,
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
      const hasPassed = command !== undefined && others.length === 0 && named !== version;
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

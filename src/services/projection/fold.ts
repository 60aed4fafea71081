/**
 * What stored messages change in the list of orders. Pure: of an order only its last record, its last facts and its
 * last parking count, so messages that are folded again change nothing.
 * Proved by: test/unit/services/projection/fold.test.ts, test/integration/nodes/projection.test.ts
 */
import { MachineFault } from "../../runtime/actor/machine.ts";
import { readParking } from "../../runtime/actor/parking-record.ts";
import { storedState } from "../../runtime/actor/restore.ts";
import { readSnapshot } from "../../runtime/actor/record-decoding.ts";
import { readFacts } from "../../runtime/actor/snapshot.ts";
import type { StoredMessage } from "../../runtime/ports.ts";
import { isTime } from "../../runtime/json.ts";
import type { OrderFacts } from "../../../machines/order-facts.ts";
import type { Money } from "../orders/contract.ts";
import { DEFINITION_VERSION, orderMachines } from "../orders/definition.ts";
import { orderFactsRules } from "../orders/facts.ts";
import { orderMachinesOf } from "../orders/status.ts";
import { type Shape, shapeOf } from "./shape.ts";

/** What an order's record says. */
export type RecordPart = {
  readonly sequence: number;
  readonly version: number;
  /** ms since the epoch */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly shape: Shape;
  readonly total: Money | null;
  readonly trackingNumber: string | null;
  readonly invoiceNumber: string | null;
  /** The version of the facts that it goes with. */
  readonly facts: number;
};

/** What an order's facts say; nothing of it is personal data. */
export type FactsPart = {
  readonly version: number;
  readonly customer: string;
  /** One token that all orders of the customer share; null where their data is not sealed. */
  readonly group: string | null;
  /** Id of the caller that placed it; null: none, or not known. */
  readonly placedBy: string | null;
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly name?: string }[];
  /** The client's own name of the order; null: none. */
  readonly reference: string | null;
};

/** What changes of one order. What is absent stays as it is. */
export type OrderChange = {
  readonly id: string;
  readonly partition: number;
  readonly record?: RecordPart;
  readonly facts?: FactsPart;
  readonly parked?: boolean;
};

/** The fold of some messages. */
export type Folded = {
  readonly changes: readonly OrderChange[];
  /** The first record that goes with facts which are neither here nor known: they are stored right after it. */
  readonly incomplete: number | undefined;
  /** Records and facts that this program cannot read. */
  readonly unreadable: readonly StoredMessage[];
};

type Latest = { record?: StoredMessage; facts?: StoredMessage; parked?: StoredMessage };

const KINDS: Readonly<Record<string, keyof Latest>> = {
  journal: "record",
  facts: "facts",
  parked: "parked",
};

/**
 * Folds messages of one stream, in its order.
 * @param knownFacts the version of an order's facts that is known already; 0 when none is
 */
export function folded(messages: readonly StoredMessage[], knownFacts: (id: string) => number): Folded {
  const changes: OrderChange[] = [];
  const unreadable: StoredMessage[] = [];
  let incomplete: number | undefined;
  for (const [id, { partition, latest }] of latestOf(messages)) {
    const stored = latest.facts && factsPart(latest.facts);
    if (latest.facts && !stored) unreadable.push(latest.facts);
    const record = latest.record && recordPart(latest.record);
    if (latest.record && !record) unreadable.push(latest.record);
    const facts = stored ?? record?.own;
    const needed = record?.part.facts ?? 0;
    // The file is asked only where the facts are not among the messages.
    if (record && needed > (facts?.version ?? 0) && needed > knownFacts(id))
      incomplete = Math.min(incomplete ?? Number.POSITIVE_INFINITY, record.part.sequence);
    const parking = readParking(latest.parked);
    changes.push({
      id,
      partition,
      ...(record && { record: record.part }),
      ...(facts && { facts }),
      ...(parking && { parked: parking.status === "parked" }),
    });
  }
  return { changes, incomplete, unreadable };
}

function latestOf(
  messages: readonly StoredMessage[],
): ReadonlyMap<string, { readonly partition: number; readonly latest: Latest }> {
  const orders = new Map<string, { readonly partition: number; readonly latest: Latest }>();
  for (const message of messages) {
    const [, kind = "", partition = "", id = ""] = message.subject.split(".", 4);
    const part = KINDS[kind];
    if (part === undefined) continue;
    let order = orders.get(id);
    if (order === undefined) orders.set(id, (order = { partition: Number(partition), latest: {} }));
    order.latest[part] = message;
  }
  return orders;
}

const rules = { version: DEFINITION_VERSION, machines: orderMachines } as const;
const rulesWithFacts = { ...rules, facts: orderFactsRules } as const;

/** `own`: the facts of an order that an earlier definition has stored with its machines. */
function recordPart(
  message: StoredMessage,
): { readonly part: RecordPart; readonly own?: FactsPart } | undefined {
  const { sequence } = message;
  const stored = readSnapshot(message);
  if (stored === undefined || !isTime(stored.createdAt) || !isTime(stored.updatedAt)) return undefined;
  try {
    const snapshot = storedState(stored.facts === undefined ? rulesWithFacts : rules, stored);
    const { fulfillment, order } = orderMachinesOf(snapshot.machines);
    const { invoice, trackingNumber } = fulfillment.context;
    const part: RecordPart = {
      sequence,
      version: snapshot.version,
      createdAt: snapshot.createdAt,
      updatedAt: snapshot.updatedAt,
      shape: shapeOf(snapshot, false),
      total: order.context.total,
      trackingNumber: trackingNumber ?? null,
      invoiceNumber: invoice?.number ?? null,
      facts: stored.facts?.version ?? 0,
    };
    return snapshot.facts ? { part, own: partOf(0, snapshot.facts.data) } : { part };
  } catch (error) {
    if (error instanceof MachineFault || error instanceof TypeError) return undefined;
    throw error;
  }
}

function factsPart({ payload }: StoredMessage): FactsPart | undefined {
  const facts = readFacts(payload);
  return facts && isOrderFacts(facts.data) ? partOf(facts.version, facts.data) : undefined;
}

const isOrderFacts = (data: object): boolean => {
  const { customer, lines } = data as Partial<OrderFacts>;
  return typeof customer?.id === "string" && Array.isArray(lines);
};

function partOf(version: number, data: object): FactsPart {
  const { annotations, customer, group, lines, placedBy } = data as OrderFacts;
  return {
    version,
    customer: customer.id,
    group: group ?? null,
    placedBy: placedBy ?? null,
    reference: annotations?.externalReference ?? null,
    lines: lines.map((line) => ({
      sku: line.sku,
      quantity: line.quantity,
      ...("name" in line && { name: line.name }),
    })),
  };
}

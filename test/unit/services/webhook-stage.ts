/** The intake of webhooks on whole nodes in memory, with an order that notes every event that it takes. */
import { assign, setup } from "xstate";
import { memoryRegister } from "../../../src/adapters/memory/register.ts";
import type { ActorDefinition } from "../../../src/runtime/definition.ts";
import type { Log } from "../../../src/runtime/ports.ts";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import type {
  DeliveryReport,
  IntakeResult,
  PaymentReport,
  WebhookIntake,
} from "../../../src/services/webhooks/contract.ts";
import { type IntakeOptions, webhookIntake } from "../../../src/services/webhooks/intake.ts";
import { orderInbox } from "../../../src/services/webhooks/order-inbox.ts";
import { UNMATCHED } from "../../../src/services/webhooks/subjects.ts";
import { type UnmatchedRegisters, unmatchedMessages } from "../../../src/services/webhooks/unmatched.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";
import { type ClusterNode, memoryCluster } from "../runtime/memory-cluster.ts";
import { NOW } from "../runtime/tenure/tenure-stage.ts";

const PARTITIONS = 2;
export const ORDER = "ord_1";
/** The secrets of the senders. */
export const SECRETS: IntakeOptions["secrets"] = {
  payments: ["secret of the gateway"],
  carrier: ["secret of the carrier"],
};

type Noted = { readonly type: string };

/** Notes the events whose type begins with one of the words. */
const noting = (id: string, ...words: string[]) =>
  setup({ types: { context: {} as { notes: Noted[] }, events: {} as Noted } }).createMachine({
    id,
    context: { notes: [] },
    on: Object.fromEntries(
      words.map((word) => [
        `${word}.*`,
        {
          actions: assign({
            notes: ({ context, event }: { context: { notes: Noted[] }; event: Noted }) => [
              ...context.notes,
              event,
            ],
          }),
        },
      ]),
    ),
  });

const definition: ActorDefinition = {
  machines: {
    payment: { machine: noting("payment", "gateway", "authorization"), version: 1 },
    fulfillment: { machine: noting("fulfillment", "carrier", "invoice"), version: 1 },
  },
  listens: {},
  effects: {},
  settled: () => true,
};

/** A report of a payment, and the bytes in which it came. */
export function payment(
  more: Partial<PaymentReport["data"]> & { readonly type?: PaymentReport["type"] } = {},
) {
  const { type = "payment.paid", ...data } = more;
  const report: PaymentReport = {
    type,
    data: {
      payment: "pay_1",
      orderId: ORDER,
      amount: 3998,
      currency: "EUR",
      authorization: "auth_1",
      reason: null,
      ...data,
    },
  };
  return { report, body: Buffer.from(JSON.stringify(report)) };
}

/** A report of a delivered parcel, and the bytes in which it came. */
export function parcel(orderId = ORDER, trackingNumber = "T1") {
  const report: DeliveryReport = {
    type: "shipment.delivered",
    data: { trackingNumber, orderId, collected: null },
  };
  return { report, body: Buffer.from(JSON.stringify(report)) };
}

type Line = { readonly fields: Record<string, unknown>; readonly message: string };

/** A cluster of one node with the order `ORDER`, and its intake. */
export async function webhookStage(
  options: { readonly log?: Log; readonly secrets?: IntakeOptions["secrets"] } = {},
) {
  const cluster = memoryCluster({ partitions: PARTITIONS, buckets: Object.values(UNMATCHED) });
  const lines: Line[] = [];
  const log: Log = {
    ...(options.log ?? quietLog),
    warn: (fields, message) => void lines.push({ fields: fields as Line["fields"], message }),
  };
  const start = async (name: string, secrets = options.secrets) => {
    const node = await cluster.start(name, definition);
    return { node, ...intakeOf(node, log, secrets) };
  };
  const one = await start("one");
  await cluster.settled();
  await cluster.done(one.node.actors.start(ORDER, {}, NOW));
  const inboxOf = (orderId = ORDER) =>
    cluster
      .logOf(partitionOf(orderId, PARTITIONS))
      .all(subjects.inbox(partitionOf(orderId, PARTITIONS), orderId))
      .map(({ payload }) => JSON.parse(payload) as { id: string; machine: string; event: Noted });
  /** What the machines of an order have taken. */
  const notes = async (orderId = ORDER): Promise<string[]> => {
    await cluster.clock.advance(500);
    const { snapshot } = cluster.ok(await cluster.done(one.node.actors.read(orderId)));
    return Object.values(snapshot.machines).flatMap(({ context }) =>
      (context as { notes: Noted[] }).notes.map(({ type }) => type),
    );
  };
  const take = (result: Promise<IntakeResult>): Promise<IntakeResult> => cluster.done(result);
  return { ...one, cluster, start, lines, inboxOf, notes, take };
}

/** The intake of one node, and what is below it. */
export function intakeOf(
  { actors, journal, link, node }: ClusterNode,
  log: Log,
  secrets = SECRETS,
): {
  readonly intake: WebhookIntake;
  readonly list: ReturnType<typeof unmatchedMessages>["list"];
  readonly registers: UnmatchedRegisters;
} {
  const registers = {
    payments: memoryRegister(link, UNMATCHED.payments),
    carrier: memoryRegister(link, UNMATCHED.carrier),
  };
  const journalOf = () => journal;
  const intake = webhookIntake({
    secrets,
    deliver: (...input) => actors.deliver(...input),
    inbox: orderInbox({ journalOf, partitions: PARTITIONS, read: (order) => actors.read(order), log }),
    unmatched: registers,
    orIsolated: (promise) => node.orIsolated(promise),
    now: () => node.clock.now(),
    log,
  });
  return { intake, list: (page) => unmatchedMessages(registers).list(page), registers };
}

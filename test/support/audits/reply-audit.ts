/**
 * What a reply shows is stored: every answer about an order that carries the order's state is compared with the log.
 * The server's time of storing says whether the record was there when the answer arrived; all processes of a test share
 * one clock. A reply that shows a decision before its acknowledgement fails here while the server is slow, and a reply
 * that shows what was dropped later fails in any case.
 */
import { isDeepStrictEqual } from "node:util";
import type { Test } from "tap";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../../src/adapters/nats/journal.ts";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import {
  type ActorRecord,
  type Facts,
  readFacts,
  type Snapshot,
  type StoredSnapshot,
} from "../../../src/runtime/actor/snapshot.ts";
import type { StoredMessage } from "../../../src/runtime/ports.ts";
import type { PlaceOrder } from "../../../src/services/orders/contract.ts";
import { factsOf } from "../../../src/services/orders/facts.ts";
import { placeResult } from "../../../src/services/orders/placing.ts";
import {
  allowedCommands,
  dueOnDelivery,
  orderMachinesOf,
  orderStatus,
} from "../../../src/services/orders/status.ts";
import { orderView } from "../../../src/services/orders/view.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { type Exchange, observeAnswers, type ProblemBody } from "../clients/order-client.ts";
import type { OrderCluster } from "../cluster/order-cluster.ts";

const PATH = /\/v1\/orders(?:\/(?<id>[^/?]+))?(?:\/(?:fulfillment\/)?(?<command>[a-z-]+))?$/u;
const RECORDS = "orders.journal.>";
const FACTS = "orders.facts.>";
/** Faults that one failure shows. */
const SHOWN = 5;

/** A record of one order. */
type Stored = Pick<ActorRecord, "input"> & Pick<StoredMessage, "at"> & { readonly snapshot: Snapshot };
/** Records of one order, oldest first: the first has version 1. */
type Records = readonly Stored[];

export type ReplyAudit = {
  /**
   * Compares all replies so far with the log, which this reads once. Call it when the server answers again.
   * @returns the number of replies that carried a state
   */
  check(t: Test): Promise<number>;
};

/** Notes every reply of the cluster's nodes from now on. @param streams in which the records are */
export function auditReplies(t: Test, cluster: OrderCluster, streams = 1): ReplyAudit {
  const exchanges: Exchange[] = [];
  t.teardown(
    observeAnswers((exchange) => {
      if (cluster.urls.some((url) => exchange.url.startsWith(`${url}/v1/orders`))) exchanges.push(exchange);
    }),
  );
  return {
    async check(t) {
      const noted = exchanges.splice(0);
      const records = await recordsOf(cluster, streams);
      const faults: string[] = [];
      /** Arrival of the first reply with a state, by order. */
      const shownAt = new Map<string, number>();
      let shown = 0;
      for (const exchange of noted) {
        const id = idOf(exchange);
        const fault = id === undefined ? undefined : faultOf(exchange, id, records.get(id) ?? [], shownAt);
        if (fault === undefined) continue;
        shown++;
        if (fault !== "") faults.push(describe(exchange, fault));
      }
      t.strictSame(
        faults.slice(0, SHOWN),
        [],
        `${shown} replies showed a state that was stored by then, ${faults.length} did not`,
      );
      return shown;
    },
  };
}

/** Reads all records, by order. */
async function recordsOf(cluster: OrderCluster, streams: number): Promise<ReadonlyMap<string, Records>> {
  const servers = cluster.natsServers.filter((server) => server.running()).map(({ url }) => url);
  const link = await connectNats({ servers, name: "reply-audit", connectTimeoutMs: 10_000 });
  const found = new Map<string, (Omit<Stored, "snapshot"> & { readonly snapshot: StoredSnapshot })[]>();
  const facts = new Map<string, Facts[]>();
  try {
    for (const stream of subjects.streams(streams)) {
      const journal = natsJournal(link, stream);
      const ends = [await journal.readLast(RECORDS), await journal.readLast(FACTS)];
      const last = Math.max(...ends.map((message) => message?.sequence ?? 0));
      if (last === 0) continue;
      const { promise: read, resolve } = Promise.withResolvers<void>();
      const subscription = await journal.consume(
        { filters: [RECORDS, FACTS], fromSequence: 1 },
        (message) => {
          if (message.sequence >= last) resolve();
          const [, kind, , id = ""] = message.subject.split(".");
          if (kind === "facts")
            facts.set(id, [...(facts.get(id) ?? []), readFacts(message.payload) as Facts]);
          else {
            const { actor, input, snapshot } = readRecord(message)!;
            const record = { at: message.at, input, snapshot };
            found.set(actor, [...(found.get(actor) ?? []), record]);
          }
        },
      );
      await read;
      await subscription.stop();
    }
  } finally {
    await link.close();
  }
  const whole = (id: string, { facts: named, ...snapshot }: StoredSnapshot): Snapshot => {
    const known = facts.get(id)?.find(({ version }) => version === named?.version);
    return { ...snapshot, ...(known && { facts: known }) };
  };
  return new Map(
    [...found].map(([id, records]) => [
      id,
      records.map((record) => ({ ...record, snapshot: whole(id, record.snapshot) })),
    ]),
  );
}

/** The order that the reply is about. */
function idOf({ answer, url }: Exchange): string | undefined {
  const body = answer.body as ProblemBody & { readonly id?: string };
  return PATH.exec(url)?.groups?.["id"] ?? body.orderId ?? body.id;
}

/**
 * `undefined` for a reply without a state; empty when what it shows was stored by then; else what is wrong.
 * @param records of the order
 */
function faultOf(
  exchange: Exchange,
  id: string,
  records: Records,
  shownAt: Map<string, number>,
): string | undefined {
  const { answer, answeredAt, method, sentAt, url } = exchange;
  const command = PATH.exec(url)?.groups?.["command"];
  const body = answer.body as ProblemBody & { readonly version?: number };
  const before = records.filter(({ at }) => at <= answeredAt);
  if (answer.status < 300) {
    if (typeof body.version !== "number") return undefined;
    shownAt.set(id, Math.min(shownAt.get(id) ?? answeredAt, answeredAt));
    return viewFault(exchange, id, before, method === "POST" ? command : undefined);
  }
  const rests = (on: (record: Stored) => boolean): string =>
    before.some(on) ? "" : "no such state was stored";
  switch (body.code) {
    case "order_not_found":
      return (shownAt.get(id) ?? Infinity) < sentAt ? "an earlier reply has shown the order" : "";
    case "illegal_transition":
      if (body.allowedEvents?.includes(command ?? "")) return "the refused command is among the allowed ones";
      return rests(({ snapshot }) => {
        const machines = orderMachinesOf(snapshot.machines);
        return (
          orderStatus(machines) === body.state &&
          allowedCommands(machines).join() === body.allowedEvents?.join()
        );
      });
    case "amount_mismatch":
      return rests(({ snapshot }) => {
        const machines = orderMachinesOf(snapshot.machines);
        const due = dueOnDelivery(machines);
        return allowedCommands(machines).includes("deliver") && due?.amount === body.expected?.amount;
      });
    case "out_of_stock":
    case "payment_failed":
    case "payment_expired":
      return rests(
        ({ snapshot }) =>
          placeResult(id, snapshot, (exchange.request as PlaceOrder).lines).status === body.code,
      );
    case "idempotency_key_reused":
      return rests(() => true);
    default:
      return undefined;
  }
}

/** Fields of an order that show its personal data. */
const PERSONAL: ReadonlySet<string> = new Set(["customer", "shippingAddress", "billingAddress"]);

/** @param command that the reply says is done */
function viewFault({ answer }: Exchange, id: string, before: Records, command: string | undefined): string {
  const { version } = answer.body as { readonly version: number };
  if (answer.headers.get("etag") !== `"${version}"`) return `its tag is ${answer.headers.get("etag")}`;
  const record = before[version - 1];
  if (record === undefined) return `${before.length} records were stored by then`;
  const stored = JSON.parse(JSON.stringify(orderView(id, record.snapshot))) as Record<string, unknown>;
  // Serialization puts optional members last.
  // What is sealed is not shown by the record.
  const isSealed = typeof factsOf(record.snapshot).personal === "string";
  const differing = Object.keys(stored).filter(
    (field) => !(isSealed && PERSONAL.has(field)) && !isDeepStrictEqual(stored[field], answer.body[field]),
  );
  if (differing.length > 0)
    return `the record of its version differs in ${differing.map((field) => `${field}: ${JSON.stringify(stored[field])}`).join(", ")}`;
  const isDone = before.slice(0, version).some(({ input }) => input === `command:${command}`);
  return command === undefined || isDone ? "" : `no record up to its version has the command ${command}`;
}

function describe({ method, url, answer }: Exchange, fault: string): string {
  return `${method} ${url} was answered ${answer.status} ${JSON.stringify(answer.body)}: ${fault}`;
}

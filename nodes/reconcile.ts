/**
 * Process: compares the gateway's ledger with the payments of all orders, names each difference, and ends.
 * Exit code 0: equal; 1: differences; 2: the comparison failed. It only reads, so it may run at any time.
 */
import { loadReconcileSettings, type ReconcileSettings } from "../config/reconcile-settings.ts";
import { connectNats } from "../src/adapters/nats/connection.ts";
import { natsJournal } from "../src/adapters/nats/journal.ts";
import { ofPartition } from "../src/runtime/layout.ts";
import { subjects } from "../src/services/subjects.ts";
import type { StoredMessage } from "../src/runtime/ports.ts";
import { partitionOf } from "../src/runtime/subjects.ts";
import { knownPayment } from "../src/services/payments/known-payment.ts";
import {
  type Booking,
  type Difference,
  difference,
  unreadableRecord,
} from "../src/services/payments/reconciliation.ts";
import { natsSettings } from "./nats-login.ts";
import { reasonOf } from "./local/max-wait.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const LEDGER_TIMEOUT_MS = 60_000;
/** Differences are checked again, since the two sides are not read at the same moment. */
const CHECKS = 3;
const BETWEEN_CHECKS_MS = 2000;

const asJson = process.argv.includes("--json");
const progress = (text: string): void => {
  if (!asJson) process.stderr.write(`${text}\n`);
};

try {
  const settings = loadReconcileSettings();
  const result = await reconcile(settings);
  if (asJson) process.stdout.write(`${JSON.stringify(result)}\n`);
  else print(result);
  process.exitCode = result.differences.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`orderly reconcile: ${reasonOf(error)}\n`);
  process.exitCode = 2;
}

type Result = {
  readonly orders: number;
  readonly bookings: number;
  /** Orders with a call to the gateway in flight; only their sums were checked. */
  readonly underWay: number;
  readonly differences: readonly Difference[];
};

async function reconcile(settings: ReconcileSettings): Promise<Result> {
  const link = await connectNats(natsSettings(settings, "reader", "reconcile", CONNECT_TIMEOUT_MS));
  try {
    const readers = subjects.streams(settings.streams).map((stream) => natsJournal(link, stream));
    let ledger = await readLedger(settings.gatewayUrl);
    progress(`${count(ledger)} bookings at the gateway`);
    let orders = 0;
    let underWay = 0;
    let suspects: string[] = [];
    const unseen = new Set(ledger.keys());
    for (let partition = 0; partition < settings.partitions; partition++) {
      const records = await ofPartition(partition, readers).readLastPerSubject(
        subjects.record(partition, "*"),
      );
      for (const record of records) {
        orders++;
        const orderId = orderIn(record);
        const payment = knownPayment(orderId, record);
        unseen.delete(orderId);
        if (payment === undefined) {
          suspects.push(orderId);
          continue;
        }
        if (payment.underWay) underWay++;
        if (difference(orderId, payment, ledger.get(orderId) ?? [])) suspects.push(orderId);
      }
      progress(`partition ${partition + 1} of ${settings.partitions}: ${orders} orders`);
    }
    suspects.push(...unseen);
    let differences: Difference[] = [];
    for (let check = 0; check < CHECKS && suspects.length > 0; check++) {
      progress(`${suspects.length} to be checked again`);
      await new Promise((resolve) => {
        setTimeout(resolve, BETWEEN_CHECKS_MS);
      });
      ledger = await readLedger(settings.gatewayUrl);
      differences = [];
      for (const orderId of suspects) {
        const partition = partitionOf(orderId, settings.partitions);
        const stored = await ofPartition(partition, readers).readLast(subjects.record(partition, orderId));
        const payment = stored && knownPayment(orderId, stored);
        const bookings = ledger.get(orderId) ?? [];
        const found =
          stored && !payment
            ? unreadableRecord(orderId, stored.sequence, bookings)
            : difference(orderId, payment, bookings);
        if (found) differences.push(found);
      }
      suspects = differences.map(({ orderId }) => orderId);
    }
    return { orders, bookings: count(ledger), underWay, differences };
  } finally {
    await link.close();
  }
}

function orderIn({ subject }: StoredMessage): string {
  return subject.slice(subject.lastIndexOf(".") + 1);
}

async function readLedger(gatewayUrl: string): Promise<Map<string, Booking[]>> {
  const response = await fetch(`${gatewayUrl}/ledger`, { signal: AbortSignal.timeout(LEDGER_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`the gateway answers ${response.status} to GET ${gatewayUrl}/ledger`);
  const { entries } = (await response.json()) as { entries: Booking[] };
  return Map.groupBy(entries, ({ orderId }) => orderId);
}

function count(ledger: ReadonlyMap<string, readonly Booking[]>): number {
  return [...ledger.values()].reduce((sum, bookings) => sum + bookings.length, 0);
}

function print({ orders, bookings, underWay, differences }: Result): void {
  for (const { orderId, problem, weSay, gatewaySays, advice } of differences) {
    process.stdout.write(
      `${orderId}: ${problem}\n  we say       ${weSay}\n  gateway says ${gatewaySays}\n  ${advice}\n`,
    );
  }
  const end = differences.length === 0 ? "no differences" : `${differences.length} differences`;
  process.stdout.write(`${orders} orders, ${bookings} bookings, ${underWay} under way: ${end}\n`);
}

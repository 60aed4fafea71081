/** Reads the facts of an order from the stream, for the workers, and completes the events that do not carry them. */
import type { OpenFacts, OrderFacts } from "../../../machines/order-facts.ts";
import { readFacts } from "../../runtime/actor/snapshot.ts";
import { type Failpoints, failpoint } from "../../runtime/failpoints.ts";
import { type Journal, Unavailable } from "../../runtime/ports.ts";
import { partitionOf } from "../../runtime/subjects.ts";
import type { WorkEvent } from "../../runtime/workers/work-event.ts";
import { WorkRefused } from "../../runtime/workers/worker.ts";
import { subjects } from "../subjects.ts";
import { ERASED } from "../personal/personal-data.ts";
import { completedData } from "./facts.ts";
import { openedFacts, type OpensPersonal, withoutKeys } from "./personal.ts";

/**
 * The newest facts of an order, of this version at least, opened.
 * @throws Unavailable (retryable) also when only older ones are found, or none: a replica may not have them yet
 */
export type FactsReader = (orderId: string, version: number) => Promise<OpenFacts | typeof ERASED>;

type ReadsFacts = { readonly facts: FactsReader; readonly failpoints?: Failpoints | undefined };

/** Reads facts of orders. @param journalOf the stream of a partition */
export function factsReader(
  journalOf: (partition: number) => Pick<Journal, "readLastTogether">,
  partitions: number,
  open: OpensPersonal = withoutKeys,
): FactsReader {
  return async (orderId, version) => {
    const partition = partitionOf(orderId, partitions);
    // Any replica: the version says whether it has come far enough.
    const { last } = await journalOf(partition).readLastTogether([subjects.factsOf(partition, orderId)], 0);
    const facts = [...last.values()]
      .map(({ payload }) => readFacts(payload))
      .filter((one) => one !== undefined);
    const newest = facts.toSorted((a, b) => a.version - b.version).at(-1);
    if (newest === undefined || newest.version < version)
      throw new Unavailable(`version ${version} of the facts of ${orderId} is not found yet`);
    return await openedFacts(orderId, newest.data as OrderFacts, open);
  };
}

/**
 * The event with all that mails and documents need. An event of version 0.1.0, or of a wide order, has it already.
 * @throws Unavailable (retryable); WorkRefused for an event that is about no order
 */
export async function completed(
  event: WorkEvent,
  { facts: read, failpoints }: ReadsFacts,
): Promise<WorkEvent> {
  const { data, subject } = event;
  // An event of version 0.1.0 has everything, or is no order's.
  if (event.facts === 0) return event;
  if (typeof data !== "object" || data === null)
    throw new WorkRefused("the event's data is not about an order");
  if ("customer" in data && isPerson(data.customer)) return event;
  const facts = await failpoint(failpoints, "worker.read_facts", () => read(subject, event.facts));
  if (facts === ERASED) throw new WorkRefused("the customer's personal data was erased");
  return { ...event, data: completedData(subject, data, facts) };
}

const isPerson = (customer: unknown): boolean =>
  typeof customer === "object" && customer !== null && "email" in customer;

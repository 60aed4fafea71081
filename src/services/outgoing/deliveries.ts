/**
 * Deliveries as they are stored: the latest try of each event for each endpoint. No personal data.
 * Owns: the form of the entries.  Does not own: the bucket and its age.
 */
import { parseObject } from "../../runtime/json.ts";
import { type Bucket, type BucketEntry, Unavailable } from "../../runtime/ports.ts";
import { token } from "../../runtime/subjects.ts";
import { type DeliveryState, deliveryStates, type DeliveryView } from "./contract.ts";

/** A delivery as it is stored. `generation`: of the endpoint, when it was sent. */
export type Delivery = DeliveryView & { readonly generation: number };

const FORM = 1;
/** Entries that are read for one page. */
const PAGE_READS = 1_000;

/** Lists the entries of one endpoint by their revision, oldest first. @throws Unavailable (retryable) */
export type ListDeliveries = (
  endpoint: string,
  after: number,
  limit: number,
) => Promise<readonly BucketEntry[]>;

/** The stored deliveries. All methods throw Unavailable (retryable). */
export class Deliveries {
  private readonly bucket: Pick<Bucket, "get" | "put">;
  private readonly listed: ListDeliveries;

  constructor(bucket: Pick<Bucket, "get" | "put">, listed: ListDeliveries) {
    this.bucket = bucket;
    this.listed = listed;
  }

  async get(endpoint: string, event: string): Promise<Delivery | undefined> {
    const entry = await this.bucket.get(keyOf(endpoint, event));
    return entry && deliveryIn(entry.value);
  }

  async put(endpoint: string, delivery: Delivery): Promise<void> {
    await this.bucket.put(keyOf(endpoint, delivery.id), JSON.stringify({ form: FORM, ...delivery }));
  }

  /** A page; it may be short although another one follows. `next`: where that begins; null at the end. */
  async page(
    endpoint: string,
    {
      after = 0,
      limit,
      state,
    }: { readonly after?: number; readonly limit: number; readonly state?: DeliveryState },
  ): Promise<{ readonly items: readonly DeliveryView[]; readonly next: number | null }> {
    const entries = await this.listed(endpoint, after, state === undefined ? limit + 1 : PAGE_READS);
    const items: DeliveryView[] = [];
    let reached = after;
    for (const { revision, value } of entries) {
      const delivery = deliveryIn(value);
      const fits = delivery && (state === undefined || delivery.state === state);
      if (fits && items.length === limit) return { items, next: reached };
      if (fits) items.push(deliveryView(delivery));
      reached = revision;
    }
    const isFull = state !== undefined && entries.length === PAGE_READS;
    return { items, next: isFull ? reached : null };
  }
}

const keyOf = (endpoint: string, event: string): string => `${endpoint}.${token(event)}`;

/** What the API shows of a delivery. */
export function deliveryView(delivery: Delivery): DeliveryView {
  const { generation: _, ...view } = delivery;
  return view;
}

function deliveryIn(text: string): Delivery | undefined {
  const { form, ...read } = parseObject(text) ?? {};
  const isDelivery = form === FORM && deliveryStates.some((state) => state === read["state"]);
  return isDelivery && typeof read["id"] === "string" ? (read as unknown as Delivery) : undefined;
}

/** A write that is repeated until it is stored or the work is over. */
export async function untilStored(write: () => Promise<void>, pause: () => Promise<void>, stop: AbortSignal) {
  while (!stop.aborted) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      await pause();
    }
  }
}

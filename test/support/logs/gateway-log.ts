/** The requests to the gateway simulator, from its log at level `debug`. */
import type { Test } from "tap";
import type { LoadedOrder } from "../load/order-load.ts";

export type GatewayCall = {
  /** Wall clock, ms. */
  readonly at: number;
  /** The operation's idempotency key: `<order>:<kind>:<attempt>`. */
  readonly key: string;
  readonly kind: "authorize" | "capture" | "void" | "refund" | "lookup";
  /** The operation was booked before: the gateway booked nothing and repeated its answer. */
  readonly known: boolean;
};

/** Oldest first. A line that is still being written is left out. */
export function gatewayCalls(output: string): readonly GatewayCall[] {
  return output
    .split("\n")
    .slice(0, -1)
    .filter((line) => line.includes('"operation requested"'))
    .map((line) => {
      const { time, key, kind, known } = JSON.parse(line) as Omit<GatewayCall, "at"> & { time: number };
      return { at: time, key, kind, known };
    });
}

/** Requests that would book an operation, by its key; status queries are not among them. */
export function requestsByKey(calls: readonly GatewayCall[]): ReadonlyMap<string, readonly GatewayCall[]> {
  const requests = new Map<string, GatewayCall[]>();
  for (const call of calls) {
    if (call.kind === "lookup") continue;
    const known = requests.get(call.key);
    if (known) known.push(call);
    else requests.set(call.key, [call]);
  }
  return requests;
}

/**
 * Fails unless the gateway got each order's operations under the keys of its payment method, and under no other key.
 */
export function checkKeys(
  t: Test,
  requests: ReadonlyMap<string, readonly GatewayCall[]>,
  orders: readonly LoadedOrder[],
): void {
  const wanted = orders.flatMap(({ id, order: { payment }, outcome }) => {
    if (outcome !== "confirmed" || payment.method === "cash_on_delivery") return [];
    return payment.method === "debit_card" ? [`${id}:authorize:1`] : [`${id}:authorize:1`, `${id}:capture:1`];
  });
  t.strictSame(
    [...requests.keys()].toSorted(),
    wanted.toSorted(),
    "one key for each operation, and no other",
  );
}

/** The text that `npm start` prints once everything runs: one screen. Pure. */
import type { Child } from "./child.ts";

/** What the text names. */
export type Welcome = {
  readonly nodes: readonly Pick<Child, "name" | "pid" | "url">[];
  readonly gatewayUrl: string;
  readonly carrierUrl: string;
  readonly mailboxUrl: string;
  /** Which NATS, for people: address, version, source of the binary. */
  readonly nats: string;
  /** The keepers of the nats-servers that were started. */
  readonly natsKeepers: readonly Pick<Child, "name" | "pid">[];
  readonly home: string;
  readonly fulfillment: string;
};

const EXAMPLE = {
  customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
  lines: [{ sku: "TSHIRT-M", quantity: 2 }],
  payment: { method: "credit_card", token: "tok_ok" },
  shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
};

/** The text, with an order to place and a node to kill. */
export function welcome(cluster: Welcome): string {
  const [first, ...others] = cluster.nodes;
  const victim = others[0] ?? first;
  const server = cluster.natsKeepers.length > 1 ? cluster.natsKeepers.at(-1) : undefined;
  if (first === undefined || victim === undefined) return "Orderly runs without an order node.";
  const also = others.length === 0 ? "" : `  (also ${others.map((node) => node.url).join(", ")})`;
  return [
    "",
    "Orderly is running.",
    "",
    `  Console      ${first.url}/${also}`,
    `  API          ${first.url}/docs`,
    `  Cluster      ${first.url}/v1/cluster`,
    `  Payments     ${cluster.gatewayUrl}/ledger  (gateway simulator)`,
    `  Parcels      ${cluster.carrierUrl}  (carrier simulator)`,
    `  Mail         ${cluster.mailboxUrl}`,
    `  NATS         ${cluster.nats}`,
    `  Fulfillment  ${cluster.fulfillment}`,
    `  Data         ${cluster.home}  (logs in logs/)`,
    "",
    "Place an order:",
    `  curl -s ${first.url}/v1/orders -H 'content-type: application/json' -d '${JSON.stringify(EXAMPLE)}'`,
    "",
    `Kill a node, and other nodes continue its orders:`,
    `  kill -9 ${victim.pid}    # ${victim.name}, ${victim.url}`,
    ...(server === undefined
      ? []
      : [`  kill -9 ${server.pid}    # ${server.name}: the other two are enough`]),
    "",
    "Stop: Ctrl-C. The orders are still there at the next start; delete the data folder to start afresh.",
    "",
  ].join("\n");
}

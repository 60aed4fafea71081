import t from "tap";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

type Placed = { readonly id: string; readonly status: string };

const order = (method: string) => ({
  customer: { id: "cus_1", email: "ada@example.com", name: "Ada Byron" },
  lines: [{ sku: "TSHIRT-M", quantity: 2 }],
  payment: method === "credit_card" ? { method, token: "tok_ok" } : { method },
  shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
});

async function place(url: string, method: string): Promise<{ status: number; order: Placed }> {
  const response = await fetch(`${url}/v1/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(order(method)),
  });
  return { status: response.status, order: (await response.json()) as Placed };
}

const statusOf = async (url: string, id: string): Promise<string> => {
  const response = await fetch(`${url}/v1/orders/${id}`);
  return response.ok ? ((await response.json()) as Placed).status : `HTTP ${response.status}`;
};

t.test("orders placed on any node are completed, and every node shows them", async (t) => {
  const cluster = await startOrderCluster(t);
  for (const [index, url] of cluster.urls.entries()) {
    const placed = await place(url, index === 0 ? "cash_on_delivery" : "credit_card");
    t.match(placed, { status: 201, order: { status: "confirmed" } });
    for (const other of cluster.urls)
      await waitUntil(
        `${placed.order.id} is completed, as ${other} shows it`,
        async () => (await statusOf(other, placed.order.id)) === "completed",
        { timeoutMs: 20_000 },
      );
  }
});

t.test("an answered order survives the kill of any node, and goes on", async (t) => {
  const cluster = await startOrderCluster(t, { fulfillment: "manual" });
  const placed = await place(cluster.urls[0]!, "credit_card");
  t.equal(placed.status, 201);
  for (const node of cluster.nodes) {
    await node.kill();
    for (const other of cluster.nodes.filter((candidate) => candidate.running()))
      await waitUntil(
        `${other.name} shows the order while ${node.name} is dead`,
        async () => (await statusOf(other.url, placed.order.id)) === "confirmed",
        { timeoutMs: 30_000 },
      );
    await node.start();
  }
});

/** Maintenance on real nodes and a real server: new orders are refused everywhere, open ones go on. */
import t from "tap";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { cash, confirmed, settled, shirt, startNode } from "./composed-node.ts";

const how = { caller: "test", waitMs: 10_000 };

t.test("no node takes new orders, also not one that starts later, until they are taken again", async (t) => {
  const { url } = await startNatsServer(t);
  const one = await startNode(t, url, "one");
  const two = await startNode(t, url, "two");
  for (const node of [one, two]) {
    const watch = await node.maintenance.start();
    t.teardown(() => watch.stop());
  }
  await settled([one, two]);
  await one.inventory.put("A", { onHand: 10, ...shirt });
  const keyed = { ...how, idempotencyKey: "k1" };
  const id = confirmed(await one.orders.place(cash("A"), keyed));

  t.match(await one.maintenance.set({ takingOrders: false, reason: "stocktaking" }), { status: "set" });
  const refused = { status: "maintenance", reason: "stocktaking" };
  t.strictSame(await one.orders.place(cash("A"), how), refused, "at once where it was set");
  await waitUntil("the other node refuses", async () => {
    const result = await two.orders.place(cash("A"), how);
    return result.status === "maintenance";
  });
  t.match(await two.orders.place(cash("A"), keyed), { status: "placed", order: { id } }, "a repetition");
  t.strictSame(await two.orders.place(cash("A"), { ...how, idempotencyKey: "k2" }), refused);
  t.match(await two.orders.command(id, { type: "pick" }), { status: "done" }, "open orders go on");

  const three = await startNode(t, url, "three");
  const watch = await three.maintenance.start();
  t.teardown(() => watch.stop());
  t.strictSame(await three.orders.place(cash("A"), how), refused);

  await three.maintenance.set({ takingOrders: true, reason: "done" });
  confirmed(
    await waitUntil("orders are taken again", async () => {
      const result = await one.orders.place(cash("A"), how);
      return result.status === "maintenance" ? undefined : result;
    }),
  );
});

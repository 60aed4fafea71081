/** The operators' service on a real node and a real server: orders that are not parked, and one that cannot be read. */
import t from "tap";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { cash, confirmed, PARTITIONS, settled, shirt, startNode } from "../nodes/composed-node.ts";

t.test("missing, unparked and unreadable orders get different answers", async (t) => {
  const { url } = await startNatsServer(t);
  const one = await startNode(t, url, "one");
  await settled([one]);
  t.same(await one.parked.list({ limit: 10 }), { status: "found", items: [], next: null });
  t.equal((await one.parked.resume("ord_none")).status, "not_found");
  t.equal((await one.parked.skip("ord_none")).status, "not_found");
  await one.inventory.put("A", { onHand: 10, ...shirt });
  const id = confirmed(await one.orders.place(cash("A"), { caller: "test", waitMs: 10_000 }));
  t.match(await one.parked.resume(id), { status: "done", order: { id, status: "confirmed" } });
  t.equal((await one.parked.skip(id)).status, "not_parked");

  // A record without an owner: written past the fences, as a faulty program could have left it.
  const payload = JSON.stringify({ actor: "ord_broken", snapshot: { machines: {}, effects: [], inbox: 0 } });
  const subject = subjects.record(partitionOf("ord_broken", PARTITIONS), "ord_broken");
  t.equal((await one.journal.append([{ subject, payload }], 2000)).status, "stored");
  t.match(await one.orders.get("ord_broken"), { status: "unreadable" });
  const page = await waitUntil("it is listed", async () => {
    const found = await one.parked.list({ limit: 10, kind: "unreadable" });
    return found.status === "found" && found.items.length === 1 ? found : undefined;
  });
  t.match(page, {
    items: [{ orderId: "ord_broken", kind: "unreadable", parkingId: null, input: null, version: 0 }],
    next: null,
  });
  t.match(await one.parked.list({ limit: 10 }), { items: [] }, "it is not parked");
  t.match(await one.parked.skip("ord_broken"), { status: "unreadable", kind: "unreadable" });
  t.match(await one.parked.resume("ord_broken"), { status: "unreadable", kind: "unreadable" });
  t.equal((await one.orders.get(id)).status, "found", "all others are served");
});

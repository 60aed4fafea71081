/** Instants of an order on a real server: states, open calls and events as they were stored. */
import t from "tap";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { cash, confirmed, settled, shirt, startNode } from "./composed-node.ts";

t.test(
  "every commit of an order can be read with the state that it left and what it published",
  async (t) => {
    const { url } = await startNatsServer(t);
    const one = await startNode(t, url, "one");
    await settled([one]);
    await one.inventory.put("A", { onHand: 5, ...shirt });
    const id = confirmed(await one.orders.place(cash("A"), { caller: "test", waitMs: 10_000 }));
    await one.orders.command(id, { type: "pick" });
    await one.orders.command(id, { type: "cancel", reason: "changed my mind" });
    const history = await one.orders.history(id);
    if (history.status !== "found") throw new Error(history.status);
    for (const item of history.items) {
      const found = await one.insights.instant(id, item.version);
      if (found.status !== "found") throw new Error(found.status);
      const { machines, next, open, published, ...rest } = found.instant;
      t.strictSame(rest, item);
      t.strictSame(
        published.map(({ type }) => type),
        item.events,
      );
      t.ok(published.every((event) => event.id.startsWith(`${id}.${item.version}.`)));
      const active = Object.keys(machines).filter((name) => machines[name]?.status === "active");
      t.ok(
        next?.every(({ machine }) => active.includes(machine)),
        "only machines that have not ended move on",
      );
      const last = item.transitions.findLast(({ machine }) => machine === "fulfillment");
      if (last) t.strictSame(machines["fulfillment"]?.state, last.to);
      t.strictSame(
        open.effects.map(({ name }) => name).filter((name) => item.effects.opened.includes(name)),
        item.effects.opened,
      );
    }
    t.notMatch(JSON.stringify(await one.insights.instant(id, 1)), /Ada|Main St|example\.com/u);
    t.match(await one.insights.instant(id, 99), { status: "version_not_found" });
    t.match(await one.insights.instant("ord_none", 1), { status: "not_found" });
    const parts = ["waits", "actions"] as const;
    t.match(await one.insights.read(id, parts), {
      status: "found",
      order: { status: "cancelled" },
      insight: { waits: [{ machine: "order", for: "nothing" }, {}, {}] },
    });
    t.match(await one.insights.read("ord_none", parts), { status: "not_found" });
  },
);

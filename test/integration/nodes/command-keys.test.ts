/** Commands with a key, and commands for one version, on a real server and over HTTP, from several nodes at once. */
import type { FastifyInstance } from "fastify";
import t from "tap";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { startApp } from "../../support/http-services.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { cash, confirmed, settled, shirt, startNode } from "./composed-node.ts";

t.test(
  "one key does one command, and one version takes one command, whichever nodes are asked",
  async (t) => {
    const { url } = await startNatsServer(t);
    const nodes = [await startNode(t, url, "one"), await startNode(t, url, "two")] as const;
    const apps: FastifyInstance[] = [];
    for (const { predictions, inventory, orders } of nodes)
      apps.push((await startApp(t, { predictions, inventory, orders })).app);
    const owner = await waitUntil("both nodes are seen", async () => {
      const found = await settled(nodes);
      return nodes.every(({ node }) => node.isolation() === undefined) && found;
    });
    await owner.inventory.put("A", { onHand: 5, ...shirt });
    const id = confirmed(await owner.orders.place(cash("A"), { caller: "test", waitMs: 10_000 }));
    const send = (step: string, headers: Record<string, string>, payload: object = {}) =>
      Promise.all(
        apps.map((app) =>
          app.inject({ method: "POST", url: `/v1/orders/${id}/fulfillment/${step}`, headers, payload }),
        ),
      );
    const commands = async (name: string): Promise<number> => {
      const history = await owner.orders.history(id);
      if (history.status !== "found") throw new Error(history.status);
      return history.items.filter(({ input }) => input === `command:${name}`).length;
    };

    const key = { "idempotency-key": "k1" };
    t.strictSame(
      (await send("pick", key)).map(({ statusCode }) => statusCode),
      [200, 200],
    );
    t.equal(await commands("pick"), 1);
    for (const answer of await send("quality-check", key, { passed: true }))
      t.match(answer.json(), { status: 422, code: "idempotency_key_reused", orderId: id });
    t.equal(await commands("quality-check"), 0);

    const read = await owner.orders.get(id);
    const version = read.status === "found" ? read.order.version : 0;
    for (const answer of await send("quality-check", { "if-match": '"1"' }, { passed: true }))
      t.match(answer.json(), { status: 412, code: "version_changed", version });
    const answers = await send("quality-check", { "if-match": `"${version}"` }, { passed: true });
    t.strictSame(
      answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b),
      [200, 412],
    );
    t.equal(await commands("quality-check"), 1);

    // Off sale: both nodes refuse new orders at once, also the one that knows the SKU from before; this one goes on.
    const [first] = apps as [FastifyInstance];
    const listed = (to: boolean) =>
      first.inject({
        method: "PUT",
        url: "/v1/inventory/A",
        headers: { "idempotency-key": `l${to}` },
        payload: { listed: to },
      });
    t.match((await listed(false)).json(), { listed: false });
    const payload = cash("A");
    const place = () =>
      Promise.all(apps.map((app) => app.inject({ method: "POST", url: "/v1/orders", payload })));
    for (const answer of await place())
      t.match(answer.json(), {
        status: 422,
        code: "sku_not_for_sale",
        errors: [{ pointer: "/lines/0/sku", code: "sku_not_for_sale", sku: "A" }],
      });
    for (const { inventory } of nodes)
      t.strictSame(await inventory.known(["A"]), { status: "checked", unknown: [], notForSale: ["A"] });
    t.match(await send("pack", key), [{ statusCode: 422 }, { statusCode: 422 }]);
    t.equal((await send("pack", {})).filter(({ statusCode }) => statusCode === 200).length, 1);
    await listed(true);
    for (const answer of await place()) t.equal(answer.statusCode, 201);
    // A repetition does nothing: another put has come since.
    t.match((await listed(false)).json(), { listed: true });
  },
);

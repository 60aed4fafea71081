/** Dry runs on a real server, over HTTP: predicted is what then happens, and nothing is left of a dry run. */
import type { FastifyInstance } from "fastify";
import t, { type Test } from "tap";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../src/services/inventory/subjects.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { startApp } from "../../support/http-services.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { cash, confirmed, PARTITIONS, type Running, settled, shirt, startNode } from "./composed-node.ts";

const how = { caller: "test", waitMs: 10_000 };

async function appOf(t: Test, { predictions, inventory, orders }: Running): Promise<FastifyInstance> {
  const { app } = await startApp(t, { predictions, inventory, orders });
  return app;
}

async function twoNodes(t: Test) {
  const { url } = await startNatsServer(t);
  const nodes = [await startNode(t, url, "one"), await startNode(t, url, "two")] as const;
  const apps = [await appOf(t, nodes[0]), await appOf(t, nodes[1])] as const;
  // To make an app keeps this process busy for longer than a presence may last.
  const owner = await waitUntil("both nodes are seen", async () => {
    const found = await settled(nodes);
    return nodes.every(({ node }) => node.isolation() === undefined) && found;
  });
  const other = nodes.find((node) => node !== owner) as Running;
  const app = apps[nodes.indexOf(other)] as FastifyInstance;
  await owner.inventory.put("A", { onHand: 50, ...shirt });
  return { owner, other, apps, app };
}

/** The subjects of an order with their last sequences. */
async function stored({ journal }: Running, id: string): Promise<string[]> {
  const partition = partitionOf(id, PARTITIONS);
  const found = await Promise.all(
    [
      subjects.record(partition, id),
      subjects.factsOf(partition, id),
      subjects.inbox(partition, id),
      inventorySubjects.hold(id),
    ].map((subject) => journal.readLastPerSubject(subject)),
  );
  return found.flat().map(({ sequence, subject }) => `${subject} ${sequence}`);
}

/** An order whose partition this node owns, beside the inventory: it decides about the stock in the order's commit. */
async function placedAt({ node, orders }: Running, quantity: number): Promise<string> {
  for (let n = 0; n < 20; n++) {
    const id = confirmed(await orders.place(cash("A", quantity), how));
    if (node.status().held.includes(`partition.${partitionOf(id, PARTITIONS)}`)) return id;
  }
  throw new Error("every order is in a partition of the other node");
}

const tried = (app: FastifyInstance, path: string, payload: object = {}) =>
  app.inject({ method: "POST", url: `/v1/orders${path}?dryRun=true`, payload });

t.test("what a dry run predicts is what the command then writes, from any node", async (t) => {
  const { apps, owner } = await twoNodes(t);
  const id = await placedAt(owner, 2);
  const steps = [
    ["pick", "fulfillment/pick", {}],
    ["quality-check", "fulfillment/quality-check", { passed: true }],
    ["cancel", "cancel", { reason: "changed my mind" }],
  ] as const;
  for (const [type, path, body] of steps) {
    const [before, stock] = [await stored(owner, id), await owner.inventory.get("A")];
    const answers = await Promise.all(apps.map((app) => tried(app, `/${id}/${path}`, body)));
    t.strictSame(await stored(owner, id), before, "nothing is stored");
    t.strictSame(await owner.inventory.get("A"), stock, "no stock has moved");
    const [prediction, same] = answers.map((answer) => answer.json());
    for (const part of ["before", "machines", "events", "effects", "guards", "basedOn"])
      t.strictSame(prediction[part], same[part], `every node predicts the same ${part}`);
    t.match(prediction, { dryRun: true, accepted: true, basedOn: { source: "owner" } });
    t.notMatch(JSON.stringify(prediction), /Ada|example\.com|Main St/u, "without what concerns the customer");
    const [app] = apps;
    const done = await app?.inject({ method: "POST", url: `/v1/orders/${id}/${path}`, payload: body });
    t.equal(done?.statusCode, 200);
    const history = await owner.orders.history(id, { after: prediction.basedOn.version, limit: 1 });
    const [item] = history.status === "found" ? history.items : [];
    t.match(item, { version: prediction.after.version, input: `command:${type}` }, "no version was used up");
    t.strictSame(prediction.machines, item?.transitions);
    t.strictSame(prediction.events, item?.events);
    t.strictSame(
      prediction.effects.map(({ name }: { name: string }) => name),
      item?.effects.opened,
    );
    t.strictSame(
      prediction.timers.map(({ name }: { name: string }) => name),
      item?.timers.armed,
    );
  }
});

t.test("a refused command is predicted with the same problem, and both name the conditions", async (t) => {
  const { app, owner } = await twoNodes(t);
  const id = confirmed(await owner.orders.place(cash("A"), how));
  for (const path of ["fulfillment/pack", "fulfillment/deliver", "retry", "fulfillment/settle"]) {
    const body = path.endsWith("settle") ? { reason: "small change" } : {};
    const prediction = (await tried(app, `/${id}/${path}`, body)).json();
    const real = await app.inject({ method: "POST", url: `/v1/orders/${id}/${path}`, payload: body });
    const { code, status, state, allowedEvents, guards } = real.json();
    t.match(prediction, { accepted: false, machines: [], effects: [] });
    t.match(prediction.refusal, { code, status, state, allowedEvents, guards });
    t.strictSame(prediction.after, prediction.before);
  }
  const unknown = await tried(app, "/ord_unknown/cancel");
  t.match(unknown.json(), { status: 404, code: "order_not_found" });
});

t.test("placing is predicted with what the inventory would reserve now, and nothing is held", async (t) => {
  const { apps, owner } = await twoNodes(t);
  const before = await owner.inventory.get("A");
  for (const app of apps) {
    const prediction = (await tried(app, "", cash("A", 2))).json();
    t.match(prediction, {
      accepted: true,
      before: null,
      after: { status: "confirmed", total: { amount: 3998, currency: "EUR" }, version: 1 },
      basedOn: { version: 0, source: "owner" },
    });
    t.match(prediction.events, ["order.created", "order.confirmed"]);
    const short = (await tried(app, "", cash("A", 51))).json();
    const missing = [{ sku: "A", requested: 51, available: 50 }];
    t.match(short, { accepted: false, refusal: { code: "out_of_stock", status: 409, missing } });
    t.notOk("orderId" in short.refusal, "there is no such order");
    t.match((await tried(app, "", cash("B"))).json(), {
      accepted: false,
      before: null,
      after: null,
      refusal: { code: "unknown_sku", errors: [{ pointer: "/lines/0/sku" }] },
    });
  }
  t.strictSame(await owner.inventory.get("A"), before);
  for (let partition = 0; partition < PARTITIONS; partition++)
    t.strictSame(await owner.journal.readLastPerSubject(subjects.records(partition)), [], "no order exists");
});

t.test("an order with the same idempotency key is predicted as it is", async (t) => {
  const { app, owner } = await twoNodes(t);
  const key = { "idempotency-key": "k1" };
  const placed = await app.inject({ method: "POST", url: "/v1/orders", headers: key, payload: cash("A") });
  t.equal(placed.statusCode, 201);
  const again = { method: "POST", url: "/v1/orders?dryRun=true", headers: key } as const;
  const same = (await app.inject({ ...again, payload: cash("A") })).json();
  t.match(same, { accepted: true, before: { id: placed.json().id }, machines: [], events: [] });
  const reused = (await app.inject({ ...again, payload: cash("A", 2) })).json();
  t.match(reused, { accepted: false, refusal: { code: "idempotency_key_reused", status: 422 } });
  t.match(await owner.inventory.get("A"), { stock: { reserved: 1 } });
});

t.test("without an owner it is predicted from what is stored, and the answer says so", async (t) => {
  const { app, owner, other } = await twoNodes(t);
  const id = await placedAt(owner, 1);
  const prediction = (await tried(app, `/${id}/cancel`)).json();
  await owner.crash();
  const stale = (await tried(app, `/${id}/cancel`)).json();
  t.match(stale, {
    accepted: true,
    basedOn: { source: "stored" },
    before: prediction.before,
    after: { status: "cancelled" },
    // Without the owner of the stock at hand its release would be a call.
    effects: [{ name: "fulfillment.releaseInventory" }],
  });
  const unknown = await tried(app, "/ord_unknown/cancel");
  t.equal(unknown.statusCode, 404);
  await waitUntil("the other node owns all", () => other.node.status().held.length === 5);
  t.match((await tried(app, `/${id}/cancel`)).json(), { accepted: true, basedOn: { source: "owner" } });
});

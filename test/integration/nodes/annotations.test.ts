/** Tags, metadata, note and reference of orders on a real server and over HTTP, from two nodes at once. */
import type { FastifyInstance } from "fastify";
import t from "tap";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { startApp } from "../../support/http-services.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { ownershipHistory } from "../../../nodes/order/ownership-history.ts";
import { cash, PARTITIONS, settled, shirt, startNode } from "./composed-node.ts";

t.test(
  "annotations move no machine, survive later commits, and a reference is one order's alone",
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
    await owner.inventory.put("A", { onHand: 3, ...shirt });
    const place = (n: number, payload: object, headers: Record<string, string> = {}) =>
      apps[n]!.inject({ method: "POST", url: "/v1/orders", payload: { ...cash("A"), ...payload }, headers });
    const both = await Promise.all([0, 1].map((n) => place(n, { externalReference: "shop-1" })));
    t.strictSame(
      both.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b),
      [201, 409],
    );
    const placed = both.find(({ statusCode }) => statusCode === 201)!.json();
    const { id } = placed;
    t.match(both.find(({ statusCode }) => statusCode === 409)!.json(), {
      code: "reference_taken",
      orderId: id,
    });
    t.equal(placed.externalReference, "shop-1");
    const taken = { code: "reference_taken", orderId: id, status: 409 };
    const tried = await apps[1]!.inject({
      method: "POST",
      url: "/v1/orders?dryRun=true",
      payload: { ...cash("A"), externalReference: "shop-1" },
    });
    t.match(tried.json(), { accepted: false, refusal: taken });

    const key = { "idempotency-key": "k1" };
    const keyed = await place(0, { externalReference: "shop-2" }, key);
    t.equal(keyed.statusCode, 201);
    t.equal((await place(1, { externalReference: "shop-2" }, key)).json().id, keyed.json().id);

    const patch = (n: number, payload: object, headers: Record<string, string> = {}, query = "") =>
      apps[n]!.inject({ method: "PATCH", url: `/v1/orders/${id}${query}`, payload, headers });
    const states = async () => {
      const history = await owner.orders.history(id);
      if (history.status !== "found") throw new Error(history.status);
      return history.items.at(-1);
    };
    const { version } = placed;
    const dry = await patch(1, { tags: ["gift"] }, {}, "?dryRun=true");
    t.match(dry.json(), { accepted: true, machines: [], after: { tags: ["gift"], version: version + 1 } });
    const changes = { tags: ["gift", "vip"], metadata: { channel: "web" }, note: "Call first" };
    const annotated = await patch(
      0,
      { ...changes, reason: "asked by phone" },
      { "if-match": `"${version}"` },
    );
    t.match(annotated, { statusCode: 200, headers: { etag: `"${version + 1}"` } });
    t.match(annotated.json(), { ...changes, externalReference: "shop-1", status: placed.status });
    t.match(await states(), {
      input: "command:annotate",
      transitions: [],
      events: [],
      reason: "asked by phone",
    });
    t.match((await patch(1, { note: "x" }, { "if-match": `"${version}"` })).json(), {
      code: "version_changed",
      version: version + 1,
    });
    for (const n of [0, 1, 0]) t.match((await patch(n, { note: "twice" }, key)).json(), { note: "twice" });
    t.match((await patch(1, { note: "thrice" }, key)).json(), { code: "idempotency_key_reused" });
    const partition = partitionOf(id, PARTITIONS);
    const records = await owner.journal.readAll(subjects.record(partition, id));
    t.equal(records.filter((record) => readRecord(record)?.input === "command:annotate").length, 2);

    t.match((await patch(0, { externalReference: "shop-2" })).json(), {
      code: "reference_taken",
      orderId: keyed.json().id,
    });
    t.match((await patch(0, { externalReference: "shop-3", tags: null })).json(), {
      externalReference: "shop-3",
      tags: undefined,
      metadata: { channel: "web" },
    });
    const cancelled = await apps[1]!.inject({ method: "POST", url: `/v1/orders/${id}/cancel` });
    t.match(cancelled.json(), { status: "cancelled", externalReference: "shop-3", note: "twice" });
    t.match((await patch(1, { tags: ["late"] })).json(), { status: "cancelled", tags: ["late"] });
    t.match((await patch(1, { note: "n".repeat(4000), metadata: { a: "ü".repeat(500) } })).statusCode, 200);
    const long = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, "x".repeat(500)]));
    t.match((await patch(1, { metadata: long })).json(), { code: "validation_failed" });
    t.equal(
      (await apps[0]!.inject({ method: "PATCH", url: "/v1/orders/ord_none", payload: {} })).statusCode,
      404,
    );

    // The locks say who has owned which partition.
    const history = await ownershipHistory(
      { subjects, partitions: PARTITIONS, journals: [owner.journal] },
      0,
    );
    const now = history.filter(({ to }) => to === null);
    t.strictSame(
      now.map((span) => span.partition).toSorted((a, b) => a - b),
      Array.from({ length: PARTITIONS }, (_, number) => number),
    );
    t.ok(now.every(({ epoch, node }) => epoch > 0 && ["one", "two"].includes(node)));
    const later = await ownershipHistory(
      { subjects, partitions: PARTITIONS, journals: [owner.journal] },
      Number.MAX_SAFE_INTEGER,
    );
    t.equal(later.length, now.length, "those that had ended by then are left out");
  },
);

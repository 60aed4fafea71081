/** docs/inspecting.md names the workers' consumers correctly. */
import { readFileSync } from "node:fs";
import t from "tap";
import { consumerName } from "../../../src/adapters/nats/work-consumer.ts";
import { mailedEvents } from "../../../src/services/email/worker.ts";
import { invoicedEvents } from "../../../src/services/invoice/worker.ts";

const DOC = readFileSync(new URL("../../../docs/inspecting.md", import.meta.url), "utf8");

t.test("a consumer's name depends on worker and events alone, not on their order", async (t) => {
  for (const [name, types] of [
    ["email", mailedEvents],
    ["invoice", invoicedEvents],
  ] as const) {
    const filters = types.map((type) => `orders.events.*.${type}`);
    const consumer = consumerName({ name, filters });
    t.ok(DOC.includes(` ${consumer} `), consumer);
    t.equal(consumerName({ name, filters: filters.toReversed() }), consumer);
    t.not(consumerName({ name, filters: filters.slice(1) }), consumer);
  }
});

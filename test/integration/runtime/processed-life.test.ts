/** The marks of processed events live for 30 days and then really end: on a real server, with a shorter life. */
import t from "tap";
import { subjects } from "../../../src/services/subjects.ts";
import { processedBucket } from "../../../src/adapters/nats/stream-definitions.ts";
import { REPLAY_DAYS } from "../../../src/runtime/workers/worker-bounds.ts";
import { apiRequest } from "../../../src/adapters/nats/jetstream-api.ts";
import { startWorker } from "../../../src/runtime/workers/worker.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { startStage } from "../../support/worker-stage.ts";

const DAY_NANOS = 24 * 60 * 60 * 1_000_000_000;
/** Longer than two deliveries on a busy machine. */
const LIFE_MS = 8_000;
const stream = `KV_${subjects.buckets.processed}`;
const bounds = {
  maxInFlight: 4,
  workLimitMs: 1_000,
  lockLifeMs: 1_500,
  backoffMs: 50,
  backoffMaxMs: 200,
  maxAttempts: 5,
};
const event = { id: "e1", type: "order.created", order: "ord_1", data: {} };

t.test("an event counts as processed for 30 days, and as new when its mark has ended", async (t) => {
  const stage = await startStage(t);
  t.equal(processedBucket(stage.settings).max_age, 30 * DAY_NANOS);
  t.ok(REPLAY_DAYS < 30, "a new consumer starts with no event whose mark may have ended");
  const node = await stage.node();
  const { config } = await apiRequest<{ config: { max_age: number } }>(
    node.link,
    `STREAM.INFO.${stream}`,
    undefined,
    2_000,
  );
  t.equal(config.max_age, 30 * DAY_NANOS, "the server's setting");
  const shorter = { ...config, max_age: LIFE_MS * 1_000_000, duplicate_window: LIFE_MS * 1_000_000 };
  await apiRequest(node.link, `STREAM.UPDATE.${stream}`, shorter, 2_000);

  const worker = await startWorker(node, {
    name: "mail",
    types: [event.type],
    bounds,
    work: async () => undefined,
  });
  t.teardown(() => worker.stop());
  await stage.emit(event);
  await waitUntil("the event is processed", () => worker.counters.done === 1);
  await stage.emit(event);
  await waitUntil("its repetition counts as processed", () => worker.counters.repeated === 1);
  await waitUntil("the mark has ended", async () => (await node.processed.get("mail.e1")) === undefined);
  await stage.emit(event);
  await waitUntil("the event counts as new again", () => worker.counters.done === 2);
  t.equal(worker.counters.repeated, 1);
});

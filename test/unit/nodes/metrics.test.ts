/** The text of `GET /metrics`, from a node's status. */
import t from "tap";
import { metricsText } from "../../../nodes/order/metrics.ts";
import type { NodeStatus } from "../../../src/runtime/node.ts";
import { valueOf } from "../../support/metrics.ts";

const status: NodeStatus = {
  connected: true,
  present: true,
  held: [],
  owners: [],
  entries: [],
  relay: {
    answered: true,
    depth: 0,
    oldestMs: 0,
    batches: 0,
    writeSets: 0,
    storeRefuses: false,
    noRoom: undefined,
  },
  effects: 0,
  providers: [],
  partitions: [],
};

t.test("the events of each worker are counted by their outcome", async (t) => {
  const counters = { done: 5, repeated: 4, failed: 3, dead: 2, tooOld: 612, unreadableMark: 1 };
  const text = metricsText("node-1", status, [
    { worker: "email", counters },
    { worker: "invoice", counters: { ...counters, tooOld: 0 } },
  ]);
  const value = (worker: string, outcome: string) =>
    valueOf(text, "orderly_worker_events_total", `worker="${worker}",outcome="${outcome}"`);
  t.equal(value("email", "too_old"), 612);
  t.equal(value("invoice", "too_old"), 0);
  t.equal(value("email", "unreadable_mark"), 1);
  t.equal(value("email", "done"), 5);
  t.equal(text.match(/^# TYPE orderly_worker_events_total counter$/gmu)?.length, 1);
});

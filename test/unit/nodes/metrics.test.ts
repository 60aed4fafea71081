/** The text of `GET /metrics`, from a node's status. */
import t from "tap";
import { metricsText } from "../../../nodes/order/metrics.ts";
import { noWebhooks } from "../../support/http-services.ts";
import { valueOf } from "../../support/metrics.ts";
import { quietStatus as status } from "./node-status.ts";

t.test("the events of each worker are counted by their outcome", async (t) => {
  const counters = { done: 5, repeated: 4, failed: 3, dead: 2, tooOld: 612, unreadableMark: 1 };
  const text = metricsText(
    "node-1",
    status,
    [
      { worker: "email", counters },
      { worker: "invoice", counters: { ...counters, tooOld: 0 } },
    ],
    { version: "0.2.0" },
    noWebhooks,
  );
  const value = (worker: string, outcome: string) =>
    valueOf(text, "orderly_worker_events_total", `worker="${worker}",outcome="${outcome}"`);
  t.equal(value("email", "too_old"), 612);
  t.equal(value("invoice", "too_old"), 0);
  t.equal(value("email", "unreadable_mark"), 1);
  t.equal(value("email", "done"), 5);
  t.equal(text.match(/^# TYPE orderly_worker_events_total counter$/gmu)?.length, 1);
});

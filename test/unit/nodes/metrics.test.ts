/** The text of `GET /metrics`, from a node's status. */
import t from "tap";
import { healthOf } from "../../../nodes/order/operations.ts";
import { metricsText } from "../../../nodes/order/metrics.ts";
import { valueOf } from "../../support/metrics.ts";
import { noProjection } from "../../support/http-services.ts";
import { quietSource } from "./node-status.ts";

t.test("the events of each worker are counted by their outcome", async (t) => {
  const counters = { done: 5, repeated: 4, failed: 3, dead: 2, tooOld: 612, unreadableMark: 1 };
  const text = metricsText({
    ...quietSource,
    workers: [
      { worker: "email", counters, unreadable: { invoice_number: 2 }, backlog: undefined },
      {
        worker: "invoice",
        counters: { ...counters, tooOld: 0 },
        unreadable: { invoice_number: 1 },
        backlog: undefined,
      },
    ],
  });
  const value = (worker: string, outcome: string) =>
    valueOf(text, "orderly_worker_events_total", `worker="${worker}",outcome="${outcome}"`);
  t.equal(value("email", "too_old"), 612);
  t.equal(value("invoice", "too_old"), 0);
  t.equal(value("email", "unreadable_mark"), 1);
  t.equal(value("email", "done"), 5);
  t.notMatch(
    text,
    /unreadable_entries_total\{[^}]*kind="invoice_number"\} [12]\n[^]*unreadable_entries_total\{[^}]*"invoice_number"/u,
    "one sample for a kind",
  );
  t.equal(valueOf(text, "orderly_unreadable_entries_total", 'kind="invoice_number"'), 3, "of all threads");
  t.equal(text.match(/^# TYPE orderly_worker_events_total counter$/gmu)?.length, 1);
});

t.test("what waits for a worker is shown; nothing is shown that is not known", async (t) => {
  const counters = { done: 0, repeated: 0, failed: 0, dead: 0, tooOld: 0, unreadableMark: 0 };
  const backlog = { items: 18, oldestMs: 93_500, deadLetters: 3 };
  const text = metricsText({
    ...quietSource,
    workers: [
      { worker: "email", counters, unreadable: {}, backlog },
      { worker: "invoice", counters, unreadable: {}, backlog: undefined },
    ],
  });
  t.equal(valueOf(text, "orderly_worker_pending", 'worker="email"'), 18);
  t.equal(valueOf(text, "orderly_worker_lag_seconds", 'worker="email"'), 93.5);
  t.equal(valueOf(text, "orderly_dead_letters", 'worker="email"'), 3);
  t.notMatch(text, /^orderly_(worker_pending|worker_lag_seconds|dead_letters).*invoice/mu);
});

t.test("the list of orders shows how far it is; a node without one shows nothing", async (t) => {
  const projection = {
    ...noProjection,
    status: "building",
    progress: 0.25,
    orders: 7,
    streams: [{ stream: 1, sequence: 40, end: 160 }],
    behindMs: 1500,
    folded: 90,
  } as const;
  const text = metricsText({ ...quietSource, projection });
  t.equal(valueOf(text, "orderly_projection_orders"), 7);
  t.equal(valueOf(text, "orderly_projection_progress_ratio"), 0.25);
  t.equal(valueOf(text, "orderly_projection_lag_seconds"), 1.5);
  t.equal(valueOf(text, "orderly_projection_folded_total"), 90);
  t.equal(valueOf(text, "orderly_projection_failing"), 0);
  t.equal(valueOf(text, "orderly_projection_sequence", 'stream="1"'), 40);
  t.notMatch(metricsText(quietSource), /^orderly_projection/mu);
});

t.test("takeovers are shown by reason, failovers among them, and lost locks", async (t) => {
  const takeovers = { first: 8, released: 3, failover: 2, own: 1, lost: 5 };
  const text = metricsText({ ...quietSource, status: { ...quietSource.status, takeovers } });
  for (const [reason, count] of Object.entries(takeovers).filter(([name]) => name !== "lost"))
    t.equal(valueOf(text, "orderly_takeovers_total", `reason="${reason}"`), count, reason);
  t.equal(valueOf(text, "orderly_locks_lost_total"), 5);
});

t.test("partitions without an answer, and a share without an owner, are shown", async (t) => {
  const text = metricsText({
    ...quietSource,
    status: {
      ...quietSource.status,
      unclaimed: { complete: true, resources: ["partition.1"], forMs: 1500 },
    },
    probes: [true, false, false, undefined].map((answers, partition) => ({ partition, answers })),
  });
  t.equal(valueOf(text, "orderly_partitions_unanswered"), 2);
  t.equal(valueOf(text, "orderly_share_unclaimed_seconds"), 1.5);
});

const inputs = { events: {}, ignored: 0 };
const partition = { partition: 0, open: true, lag: 0, actors: 9, parked: 0, newer: 0, unreadable: 0, inputs };

t.test("parked orders and those that a program cannot read are counted apart", async (t) => {
  const partitions = [
    { ...partition, parked: 1, newer: 2 },
    { ...partition, newer: 1, unreadable: 4 },
  ];
  const text = metricsText({ ...quietSource, status: { ...quietSource.status, partitions } });
  t.equal(valueOf(text, "orderly_orders_parked"), 1);
  t.equal(valueOf(text, "orderly_orders_unread", 'kind="newer"'), 3);
  t.equal(valueOf(text, "orderly_orders_unread", 'kind="unreadable"'), 4);
  const check = (some: typeof partitions) => {
    const { ready, checks } = healthOf({ ...quietSource.status, partitions: some }, 1000, []);
    return { ready, ...checks.find(({ name }) => name === "orders") };
  };
  t.match(check(partitions), {
    ready: true,
    ok: false,
    detail: "1 parked, 3 written by a newer program, 4 unreadable",
  });
  t.match(check([partition]), { ready: true, ok: true, detail: "0 parked" });
});

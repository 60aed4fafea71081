/** What a node reports about its clock: to load balancers, to operators, as a metric. */
import t from "tap";
import { clusterOf, healthOf, refusalIn } from "../../../nodes/order/operations.ts";
import { metricsText } from "../../../nodes/order/metrics.ts";
import type { ClockState } from "../../../src/runtime/cluster/server-clock.ts";
import { quietSource, quietStatus } from "./node-status.ts";
import type { NodeStatus } from "../../../src/runtime/node-status.ts";

const AGE_MAX_MS = 5_000;

const statusWith = (clock: Partial<ClockState> = {}, entry: Record<string, unknown> = {}): NodeStatus => ({
  ...quietStatus,
  entries: [{ id: "one", boot: "b", startedAt: 0, clockOffsetMs: -12, ...entry }],
  clock: { offsetMs: -12, uncertaintyMs: 1.5, fault: undefined, ...clock },
});

const clockCheck = (status: NodeStatus) => {
  const { ready, checks } = healthOf(status, AGE_MAX_MS, []);
  return { ready, ...checks.find(({ name }) => name === "clock") };
};

t.test("a node is ready with any clock that is corrected, and says how wrong it is", async (t) => {
  t.match(clockCheck(statusWith()), {
    ready: true,
    ok: true,
    detail: /^12 ms slow by the nats-server's, within 2 ms$/u,
  });
  t.match(clockCheck(statusWith({ offsetMs: 60_000 })), {
    ready: true,
    ok: true,
    detail: /^60\.0 s fast by the nats-server's.*decisions take the server's time; set both clocks/u,
  });
});

t.test("a node whose time cannot be relied on is not ready, and says why", async (t) => {
  const fault = "this machine's clock is 30 days fast";
  t.match(clockCheck(statusWith({ fault })), { ready: false, ok: false, detail: fault });
});

t.test("a node to which the server forbids a subject is not ready, and names it", async (t) => {
  const reason = "forbidden by the server: publish $KV.PROCESSED.email.1";
  const { ready, checks } = healthOf(statusWith(), AGE_MAX_MS, [], reason);
  t.notOk(ready);
  t.match(checks[0], { name: "nats", ok: false, detail: reason });
});

t.test("a refusal of any connection counts for a minute, also after an older one of another", (t) => {
  const [old, fresh] = [
    { reason: "old", at: 0 },
    { reason: "fresh", at: 100_000 },
  ];
  t.equal(refusalIn([old, fresh], 150_000), "fresh");
  t.equal(refusalIn([fresh, old], 150_000), "fresh");
  t.equal(refusalIn([undefined, fresh], 150_000), "fresh");
  t.equal(refusalIn([old, fresh], 160_000), undefined);
  t.equal(refusalIn([undefined, undefined], 0), undefined);
  t.end();
});

const offsetOf = (entry: Record<string, unknown>) =>
  clusterOf(statusWith({}, entry)).nodes.map(({ clockOffsetMs }) => clockOffsetMs);

t.test("the cluster shows the clock of every node, and null for a program that does not say", async (t) => {
  t.strictSame(offsetOf({}), [-12]);
  for (const unknown of [undefined, null, "12", 1.5])
    t.strictSame(offsetOf({ clockOffsetMs: unknown }), [null]);
});

t.test("the difference of the clocks is a metric, in seconds", async (t) => {
  t.match(
    metricsText({ ...quietSource, node: "one", status: statusWith() }),
    /^orderly_clock_offset_seconds\{node="one"\} -0\.012$/mu,
  );
});

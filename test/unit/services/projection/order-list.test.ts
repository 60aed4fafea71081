/** A node without a projection that answers asks the others. */
import t from "tap";
import type { Bus, BusAnswer } from "../../../../src/runtime/ports.ts";
import type { NoAnswer, OrderPage, ProjectionState } from "../../../../src/services/projection/contract.ts";
import { ProjectedOrders } from "../../../../src/services/projection/order-list.ts";
import type { ProjectionQuery } from "../../../../src/services/projection/projection.ts";

const page: OrderPage = {
  status: "found",
  items: [],
  nextCursor: null,
  previousCursor: null,
  total: { value: 0, exact: true },
  asOf: { sequence: 7, at: "2026-11-22T10:00:00.000Z", behindMs: 0 },
};
const building: NoAnswer = { status: "behind", retryAfterMs: 1000, progress: 0.5 };
const behind: NoAnswer = { status: "behind", retryAfterMs: 1000 };
const state = { progress: 1, orders: 0, streams: [], behindMs: 0, builds: 0, folded: 0, unreadable: 0 };

function stage(
  own: OrderPage | NoAnswer | "off",
  others: Readonly<Record<string, OrderPage | NoAnswer | "gone">>,
) {
  const asked: string[] = [];
  let query: ProjectionQuery | undefined;
  const bus: Pick<Bus, "request"> = {
    request: async (subject, payload): Promise<BusAnswer> => {
      const node = subject.split(".")[1] ?? "";
      asked.push(node);
      query = JSON.parse(payload) as ProjectionQuery;
      const answer = others[node];
      if (answer === undefined || answer === "gone") return { status: "no_responders" };
      return { status: "answered", payload: JSON.stringify(answer) };
    },
  };
  const status: ProjectionState["status"] = own === "off" ? "off" : "following";
  const orders = new ProjectedOrders({
    node: "one",
    bus: bus as Bus,
    local: {
      ask: async (one) => {
        query = one;
        return own === "off" ? { status: "projection_off" } : own;
      },
      state: () => ({ ...state, status }),
      rebuild: () => own !== "off",
    },
    projecting: () => ["one", ...Object.keys(others)],
    owners: () =>
      new Map([
        [0, "one"],
        [1, "two"],
        [2, "two"],
      ]),
    now: () => 1_000_000,
  });
  return { asked, orders, query: () => query };
}

const how = { filter: {}, sort: "-createdAt", limit: 10 } as const;

t.test("the node's own projection answers, also that it lags", async (t) => {
  for (const own of [page, behind]) {
    const { asked, orders } = stage(own, { two: page });
    t.strictSame(await orders.list(how), own);
    t.strictSame(asked, []);
  }
});

t.test("while there is none, or it is built, the others are asked until one answers", async (t) => {
  const others = { two: "gone", three: building, four: page } as const;
  for (const own of ["off", building] as const) {
    const { asked, orders } = stage(own, others);
    t.strictSame(await orders.list(how), page);
    t.strictSame(asked, ["two", "three", "four"]);
  }
});

t.test("without any answer the list is off, or is being built", async (t) => {
  t.match(await stage("off", { two: "gone" }).orders.list(how), { status: "projection_off" });
  t.match(await stage("off", {}).orders.counts({ filter: {}, by: "status" }), { status: "projection_off" });
  t.match(await stage(building, { two: "gone" }).orders.list(how), building);
  t.match(await stage("off", { two: building }).orders.list(how), building);
});

t.test("nodes become partitions, durations moments, and unknown states faults", async (t) => {
  const { orders, query } = stage(page, {});
  await orders.list({ ...how, filter: { node: ["two"], partition: [0, 1], stuckFor: 1000 } });
  t.strictSame(query()?.selection, { partition: [1], stuckSince: 999_000 });
  t.match(await orders.list({ ...how, filter: { in: ["payment:shiny"] } }), {
    status: "invalid",
    field: "in",
  });
  t.match(await orders.list({ ...how, filter: { in: ["payment:capture_failed"] } }), { status: "found" });
});

/** Failures with the same cause are one group. */
import t from "tap";
import { causeOf, groupByCause } from "../../../console/src/messages/grouping.ts";

t.test("a cause has no ids and no long numbers, and keeps codes and ports", async (t) => {
  t.equal(causeOf("order ord_4f0v5Xk2 of cus_1 is unknown"), "order … of … is unknown");
  t.equal(causeOf("550 no such user"), "550 no such user");
  t.equal(causeOf("connect ECONNREFUSED 127.0.0.1:3925"), "connect ECONNREFUSED 127.0.0.1:3925");
  t.equal(causeOf("sequence 1234567 is gone"), "sequence … is gone");
});

t.test("groups have the greatest first, with their first moment and their orders", async (t) => {
  const items = [
    { at: "2026-11-30T10:00:03Z", order: "ord_1", reason: "no user ord_1", worker: "email" },
    { at: "2026-11-30T10:00:01Z", order: "ord_2", reason: "no user ord_2", worker: "email" },
    { at: "2026-11-30T10:00:02Z", order: "ord_2", reason: "no user ord_2", worker: "email" },
    { at: "2026-11-30T10:00:00Z", order: "ord_3", reason: "no user ord_3", worker: "invoice" },
  ];
  const groups = groupByCause(items, {
    where: ({ worker }) => worker,
    reason: ({ reason }) => reason,
    at: ({ at }) => at,
    order: ({ order }) => order,
  });
  t.match(groups, [
    { title: "email · no user …", orders: 2, since: "2026-11-30T10:00:01Z", items: { length: 3 } },
    { title: "invoice · no user …", orders: 1 },
  ]);
});

/** Erasing a customer over HTTP: every outcome of the service as an answer. */
import t from "tap";
import type { EraseResult } from "../../../src/services/personal/contract.ts";
import { startApp } from "../../support/http-services.ts";

const outcomes: readonly (readonly [EraseResult, number, object])[] = [
  [
    { status: "erased", at: "2026-11-30T10:00:00.000Z", reason: "asked", orders: 2 },
    200,
    { status: "erased", at: "2026-11-30T10:00:00.000Z", reason: "asked", orders: 2 },
  ],
  [
    { status: "orders_open", orders: ["ord_1"], total: 1 },
    409,
    { code: "orders_open", orders: ["ord_1"], total: 1 },
  ],
  [{ status: "not_found" }, 404, { code: "customer_not_found" }],
  [{ status: "unavailable", reason: "a node is away", retryAfterMs: 1000 }, 503, { code: "unavailable" }],
];

for (const [result, status, body] of outcomes)
  t.test(`the outcome ${result.status} is answered ${status}`, async (t) => {
    const asked: unknown[] = [];
    const customers = {
      erase: async (...call: unknown[]) => {
        asked.push(call);
        return result;
      },
    };
    const { app } = await startApp(t, { customers });
    const url = `/v1/customers/${encodeURIComponent("ada@example.com")}/erase`;
    const answer = await app.inject({ method: "POST", url, payload: { reason: "asked by mail" } });
    t.equal(answer.statusCode, status);
    t.match(answer.json(), body);
    t.same(asked, [["ada@example.com", "asked by mail"]]);
  });

t.test(
  "a request without a reason, or with other fields, is refused, and no log line names the customer",
  async (t) => {
    const { app, logged } = await startApp(t);
    for (const payload of [{}, { reason: "" }, { reason: "asked", at: 1 }]) {
      const answer = await app.inject({
        method: "POST",
        url: "/v1/customers/ada@example.com/erase",
        payload,
      });
      t.equal(answer.statusCode, 400, JSON.stringify(payload));
    }
    t.notMatch(JSON.stringify(logged), /ada@/u);
  },
);

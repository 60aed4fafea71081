/** The maintenance mode over HTTP, on services in memory. */
import t from "tap";
import { body, ordersWith, startApp } from "../../support/http-services.ts";

t.test("orders that are refused in maintenance get the reason and a time", async (t) => {
  const { app } = await startApp(t, {
    orders: ordersWith({ place: async () => ({ status: "maintenance", reason: "stocktaking" }) }),
  });
  const answer = await app.inject({ method: "POST", url: "/v1/orders", payload: body });
  t.equal(answer.statusCode, 503);
  t.equal(answer.headers["retry-after"], "60");
  t.match(answer.json(), { code: "maintenance", reason: "stocktaking" });
});

t.test("it is read and set", async (t) => {
  const { app } = await startApp(t);
  const url = "/v1/maintenance";
  t.strictSame((await app.inject(url)).json(), { takingOrders: true, reason: null, since: null });
  const payload = { takingOrders: false, reason: "stocktaking" };
  const set = await app.inject({ method: "POST", url, payload });
  t.equal(set.statusCode, 200);
  t.match(set.json(), payload);
  for (const bad of [
    {},
    { takingOrders: false },
    { takingOrders: "no", reason: "x" },
    { ...payload, by: "me" },
  ]) {
    const refused = await app.inject({ method: "POST", url, payload: bad });
    t.match(refused.json(), { status: 400, code: "validation_failed" }, JSON.stringify(bad));
  }
});

/** The gateway simulator fails on purpose, for a while. */
import Fastify from "fastify";
import t from "tap";
import { failOnPurpose } from "../../../nodes/gateway/outage.ts";

t.test("requests about money fail as asked, until the time is over; everything else works", async (t) => {
  let now = 0;
  const closing = new AbortController();
  const app = Fastify();
  failOnPurpose(app, { closing: closing.signal, now: () => now, slowMs: 50 });
  app.get("/ledger", () => ({ entries: [] }));
  app.post("/payments/capture", () => ({ status: "captured" }));
  t.teardown(() => app.close());
  const set = (payload: object) => app.inject({ method: "POST", url: "/faults", payload });
  const capture = () => app.inject({ method: "POST", url: "/payments/capture" });
  t.equal((await capture()).statusCode, 200);
  t.match((await set({ mode: "errors", forMs: 1000 })).json(), {
    mode: "errors",
    until: "1970-01-01T00:00:01.000Z",
  });
  t.match(await capture(), { statusCode: 500 });
  t.equal((await app.inject("/ledger")).statusCode, 200);
  now = 1000;
  t.equal((await capture()).statusCode, 200, "the time is over");
  await set({ mode: "slow", forMs: 1000 });
  const from = performance.now();
  t.equal((await capture()).statusCode, 200);
  t.ok(performance.now() - from >= 45);
  t.match((await set({ mode: "none", forMs: 1 })).json(), { mode: "none", until: null });
  t.equal((await set({ mode: "explode", forMs: 1 })).statusCode, 400);
});

/** Outgoing webhooks over HTTP, on a service over buckets in memory: what is shown, refused and replayed. */
import t, { type Test } from "tap";
import { MemoryServer } from "../../../src/adapters/memory/server.ts";
import { memoryNode } from "../../../src/adapters/memory/connection.ts";
import { keepAlive } from "../../../src/adapters/local/keep-alive.ts";
import { systemClock } from "../../../src/adapters/local/system-clock.ts";
import { ENDPOINTS_MAX } from "../../../src/services/outgoing/contract.ts";
import { Deliveries, type Delivery } from "../../../src/services/outgoing/deliveries.ts";
import { Endpoints, EndpointSecrets } from "../../../src/services/outgoing/endpoints.ts";
import { OutgoingService } from "../../../src/services/outgoing/outgoing-service.ts";
import type { PostResult } from "../../../src/services/outgoing/post.ts";
import { WEBHOOK_DELIVERIES, WEBHOOK_ENDPOINTS } from "../../../src/services/outgoing/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { verifiedId } from "../../../src/services/webhooks/signature.ts";
import { startApp } from "../../support/http-services.ts";

const NOW = Date.parse("2026-11-22T10:00:00.000Z");

async function stage(t: Test) {
  // The clock's timers keep no process alive, and there is no connection that does.
  t.teardown(keepAlive());
  const layout = { partitions: 4, streams: 1 };
  const server = new MemoryServer({
    clock: systemClock,
    subjects,
    layout,
    buckets: [WEBHOOK_ENDPOINTS, WEBHOOK_DELIVERIES],
  });
  const node = memoryNode(server, "one");
  const bucket = node.bucket(WEBHOOK_DELIVERIES);
  const endpoints = new Endpoints(node.bucket(WEBHOOK_ENDPOINTS));
  const deliveries = new Deliveries(bucket, async (endpoint, after, limit) => {
    const keys = (await bucket.keys()).filter((key) => key.startsWith(`${endpoint}.`));
    const all = await Promise.all(keys.map(async (key) => (await bucket.get(key))!));
    const sorted = all.toSorted((a, b) => a.revision - b.revision);
    return sorted.filter(({ revision }) => revision > after).slice(0, limit);
  });
  const key = Buffer.alloc(32, 7);
  const secrets = new EndpointSecrets(
    { ofEntry: async () => key, ofExistingEntry: async () => key },
    (bytes) => Buffer.alloc(bytes, 9),
  );
  const posted: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }[] = [];
  const state: { result: PostResult } = { result: { status: 204, error: null } };
  let ids = 0;
  const outgoing = new OutgoingService({
    endpoints,
    secrets,
    deliveries,
    post: async (url, headers, body) => {
      posted.push({ url, headers, body });
      return state.result;
    },
    streams: [{ state: async () => ({ id: "log", createdAt: 0, lastSequence: 42, lastAt: 0 }) }],
    ids: { next: () => `n${++ids}` },
    random: (bytes) => Buffer.alloc(bytes, ids),
    now: () => NOW,
    development: false,
  });
  const { app } = await startApp(t, { outgoing });
  const post = async (url: string, payload: object = {}) => app.inject({ method: "POST", url, payload });
  return { app, post, endpoints, deliveries, posted, state, server };
}

const PATH = "/v1/webhook-endpoints";
const wanted = { url: "https://shop.example.com/hooks", types: ["order.confirmed", "order.confirmed"] };

t.test("an endpoint is made, listed without its secret, and removed", async (t) => {
  const { app, endpoints, post, server } = await stage(t);
  const made = await post(PATH, wanted);
  t.equal(made.statusCode, 201);
  t.equal(made.headers["location"], `${PATH}/whe_n1`);
  t.equal(made.headers["cache-control"], "no-store");
  const { secret, ...shown } = made.json() as { secret: string };
  t.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/u);
  t.strictSame(shown, {
    id: "whe_n1",
    url: wanted.url,
    types: ["order.confirmed"],
    createdAt: "2026-11-22T10:00:00.000Z",
  });
  t.strictSame((await app.inject(PATH)).json(), { items: [shown] });
  const stored = JSON.stringify(server.log(`KV_${WEBHOOK_ENDPOINTS}`).lastPerSubject("$KV.>"));
  t.notMatch(stored, secret.slice("whsec_".length), "the secret is stored sealed");
  t.match(await endpoints.get("whe_n1"), { endpoint: { from: [42], generation: 0 } }, "it begins now");
  const rotated = await post(`${PATH}/whe_n1/rotate-secret`);
  t.equal(rotated.headers["cache-control"], "no-store");
  t.match(rotated.json(), { ...shown, secret: /^whsec_/u, formerUntil: "2026-11-23T10:00:00.000Z" });
  t.match((await post(`${PATH}/whe_n2/rotate-secret`)).json(), { code: "webhook_endpoint_not_found" });
  t.equal((await app.inject({ method: "DELETE", url: `${PATH}/whe_n1` })).statusCode, 204);
  t.strictSame((await app.inject(PATH)).json(), { items: [] });
  const gone = await app.inject({ method: "DELETE", url: `${PATH}/whe_n1` });
  t.match(gone.json(), { status: 404, code: "webhook_endpoint_not_found" });
});

t.test(
  "addresses that nothing may be sent to, unknown types and too many endpoints are refused",
  async (t) => {
    const { post } = await stage(t);
    for (const url of [
      "http://shop.example.com/",
      "https://10.0.0.1/",
      "https://a:b@shop.example.com/",
      "x",
    ]) {
      const { code, errors } = (await post(PATH, { ...wanted, url })).json() as {
        code: string;
        errors: { pointer: string }[];
      };
      t.strictSame([code, errors.map(({ pointer }) => pointer)], ["validation_failed", ["/url"]], url);
    }
    for (const types of [[], ["order.exploded"]])
      t.match((await post(PATH, { ...wanted, types })).json(), { code: "validation_failed" });
    for (let n = 0; n < ENDPOINTS_MAX; n++) t.equal((await post(PATH, wanted)).statusCode, 201);
    t.match((await post(PATH, wanted)).json(), { status: 409, code: "too_many_endpoints" });
  },
);

const delivery = (n: number, state: Delivery["state"]): Delivery => ({
  id: `ord_${n}.3.0`,
  type: "order.confirmed",
  orderId: `ord_${n}`,
  version: 3,
  sequence: 100 + n,
  stream: 0,
  occurredAt: "2026-11-22T09:00:00.000Z",
  state,
  attempts: 1,
  status: state === "delivered" ? 200 : 500,
  error: state === "delivered" ? null : "http_500",
  at: "2026-11-22T09:00:01.000Z",
  generation: 0,
});

t.test("deliveries are listed page by page, by state too, and each endpoint has its own", async (t) => {
  const { app, deliveries, post } = await stage(t);
  await post(PATH, wanted);
  await post(PATH, wanted);
  for (let n = 1; n <= 7; n++)
    await deliveries.put("whe_n1", delivery(n, n % 3 === 0 ? "failed" : "delivered"));
  await deliveries.put("whe_n2", delivery(9, "delivered"));
  const all = async (query: string) => {
    const found: string[] = [];
    for (let cursor = ""; ; ) {
      const page = await app.inject(
        `${PATH}/whe_n1/deliveries?limit=2${query}${cursor && `&cursor=${cursor}`}`,
      );
      const { items, nextCursor } = page.json() as {
        items: { orderId: string }[];
        nextCursor: string | null;
      };
      found.push(...items.map(({ orderId }) => orderId));
      if (nextCursor === null) return found;
      cursor = nextCursor;
    }
  };
  t.strictSame(await all(""), ["ord_1", "ord_2", "ord_3", "ord_4", "ord_5", "ord_6", "ord_7"]);
  t.strictSame(await all("&state=failed"), ["ord_3", "ord_6"]);
  t.strictSame(await all("&state=pending"), []);
  t.match((await app.inject(`${PATH}/whe_n3/deliveries`)).json(), { code: "webhook_endpoint_not_found" });
  t.match((await app.inject(`${PATH}/whe_n1/deliveries?cursor=AAAA`)).json(), { code: "validation_failed" });
});

t.test("a delivery is sent again at once, signed, and its outcome is stored", async (t) => {
  const { deliveries, post, posted, state } = await stage(t);
  const { secret } = (await post(PATH, wanted)).json() as { secret: string };
  await deliveries.put("whe_n1", delivery(1, "failed"));
  const path = `${PATH}/whe_n1/deliveries/ord_1.3.0/replay`;
  state.result = { status: 503, error: "http_503" };
  t.match((await post(path)).json(), { state: "failed", attempts: 2, status: 503, error: "http_503" });
  state.result = { status: 204, error: null };
  const { generation: _, ...before } = delivery(1, "failed");
  t.strictSame((await post(path)).json(), {
    ...before,
    state: "delivered",
    attempts: 3,
    status: 204,
    error: null,
    at: new Date(NOW).toISOString(),
  });
  const { body, headers, url } = posted[1]!;
  t.equal(url, wanted.url);
  t.equal(verifiedId(secret, headers, Buffer.from(body), NOW), "ord_1.3.0");
  t.strictSame(JSON.parse(body), {
    type: "order.confirmed",
    timestamp: "2026-11-22T09:00:00.000Z",
    data: { eventId: "ord_1.3.0", orderId: "ord_1", version: 3, sequence: 101, stream: 0 },
  });
  t.match(await deliveries.get("whe_n1", "ord_1.3.0"), { state: "delivered", generation: 0 });
  t.match((await post(path.replace("ord_1", "ord_2"))).json(), {
    status: 404,
    code: "webhook_delivery_not_found",
  });
  t.match((await post(path.replace("whe_n1", "whe_n9"))).json(), { code: "webhook_endpoint_not_found" });
});

t.test("a replay from a sequence begins a new generation there", async (t) => {
  const { endpoints, post } = await stage(t);
  await post(PATH, wanted);
  await endpoints.advance("whe_n1", { generation: 0, positions: [90] });
  const { endpoint } = (await endpoints.get("whe_n1"))!;
  t.strictSame(await endpoints.progress(endpoint), [90]);
  const replayed = await post(`${PATH}/whe_n1/replay?fromSequence=17`);
  t.match(replayed.json(), { id: "whe_n1" });
  t.equal(replayed.statusCode, 202);
  const { endpoint: next } = (await endpoints.get("whe_n1"))!;
  t.match(next, { generation: 1, from: [16] });
  t.strictSame(await endpoints.progress(next), [16], "the position of the generation before does not count");
  for (const query of ["", "?fromSequence=0", "?fromSequence=x"])
    t.match((await post(`${PATH}/whe_n1/replay${query}`)).json(), { code: "validation_failed" }, query);
  t.match((await post(`${PATH}/whe_n9/replay?fromSequence=1`)).json(), {
    code: "webhook_endpoint_not_found",
  });
});

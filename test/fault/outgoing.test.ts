/**
 * Outgoing webhooks of a cluster of processes: signed, in order for each order, sent again, over the death of the node
 * that sends; replays, and an endpoint that is removed.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { parseObject } from "../../src/runtime/json.ts";
import { bulkSubjects } from "../../src/services/bulk/subjects.ts";
import type { DeliveryView, EndpointView } from "../../src/services/outgoing/contract.ts";
import { verifiedId } from "../../src/services/webhooks/signature.ts";
import { command, orderOf, place } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const TYPES = ["order.created", "order.confirmed", "order.cancelled"];

type Hook = {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly id: string;
  readonly orderId: string;
  readonly version: number;
  readonly sequence: number;
};

const takesAll: (hook: Hook) => boolean = () => false;

/** A receiver on loopback. `refuses`: whether a request is answered 500. */
async function startReceiver(t: Test) {
  const hooks: Hook[] = [];
  const state = { refuses: takesAll, atOnce: 0, mostAtOnce: 0 };
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    state.mostAtOnce = Math.max(state.mostAtOnce, ++state.atOnce);
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { data } = JSON.parse(body) as { data: { orderId: string; version: number; sequence: number } };
    const hook = { headers: request.headers, body, id: String(request.headers["webhook-id"]), ...data };
    const isRefused = state.refuses(hook);
    if (!isRefused) hooks.push(hook);
    state.atOnce--;
    response.writeHead(isRefused ? 500 : 204).end();
  };
  const server = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { hooks, state, url: `http://127.0.0.1:${port}/hooks` };
}

type Answer<B> = { readonly status: number; readonly body: B };

async function ask(url: string, method = "GET", body?: object): Promise<Answer<unknown>> {
  const answer = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? undefined : JSON.parse(text) };
}

/** Whether the first arrivals of each order are in the order of its log. */
function inOrder(hooks: readonly Hook[]): boolean {
  const reached = new Map<string, number>();
  const seen = new Set<string>();
  for (const { id, orderId, sequence } of hooks) {
    if (seen.has(id)) continue;
    seen.add(id);
    if (sequence <= (reached.get(orderId) ?? 0)) return false;
    reached.set(orderId, sequence);
  }
  return true;
}

t.test("outgoing webhooks of a cluster", async (t) => {
  const cluster = await startOrderCluster(t, { nodes: 2, fulfillment: "manual" });
  const [first, second] = cluster.urls as [string, string];
  const { hooks, state, url } = await startReceiver(t);
  const placeSome = async (orders: number): Promise<string[]> => {
    const placed = await Promise.all(
      Array.from({ length: orders }, () => place(second, orderOf({ method: "cash_on_delivery" }))),
    );
    return placed.map(({ body }) => (body as { id: string }).id);
  };
  const [before] = await placeSome(1);

  const created = (await ask(`${first}/v1/webhook-endpoints`, "POST", {
    url,
    types: TYPES,
  })) as Answer<EndpointView & { secret: string }>;
  t.equal(created.status, 201);
  const { id, secret } = created.body;
  const path = `/v1/webhook-endpoints/${id}`;
  t.notMatch(JSON.stringify(await ask(`${second}/v1/webhook-endpoints`)), secret.slice(6), "shown once");
  const refused = { url: "https://169.254.169.254/latest", types: TYPES };
  t.match(await ask(`${first}/v1/webhook-endpoints`, "POST", refused), {
    status: 400,
    body: { code: "validation_failed", errors: [{ pointer: "/url" }] },
  });

  // One order's first event is refused once: only this order waits.
  let refusals = 1;
  state.refuses = ({ version }) => version === 1 && refusals-- > 0;
  const ids = await placeSome(6);
  for (const order of ids) await command(first, order, "cancel", { reason: "x" });
  await waitUntil("every event has arrived", () => new Set(hooks.map((hook) => hook.id)).size === 18);
  t.ok(inOrder(hooks), "the events of each order are in order");
  t.same(
    new Set(hooks.map(({ orderId }) => orderId)),
    new Set(ids),
    "and none from before the endpoint was made",
  );
  t.notOk(hooks.some(({ orderId }) => orderId === before));
  t.ok(state.mostAtOnce <= 2, `${state.mostAtOnce} requests at once`);
  for (const { body, headers, id: event } of hooks)
    t.equal(verifiedId(secret, headers, Buffer.from(body), Date.now()), event, "the signature is right");
  t.notMatch(hooks.map(({ body }) => body).join(), /ada|example/u, "no personal data");

  const deliveries = await waitUntil("all are listed as delivered", async () => {
    const { body } = (await ask(`${second}${path}/deliveries?state=delivered`)) as Answer<{
      items: DeliveryView[];
    }>;
    return body.items.length === 18 ? body.items : undefined;
  });
  t.strictSame(
    deliveries
      .map(({ attempts }) => attempts)
      .toSorted((a, b) => b - a)
      .slice(0, 2),
    [2, 1],
    "one was sent twice",
  );

  // One delivery again, from any node.
  const [one] = deliveries as [DeliveryView];
  const again = (await ask(
    `${second}${path}/deliveries/${one.id}/replay`,
    "POST",
    {},
  )) as Answer<DeliveryView>;
  t.match(again, { status: 200, body: { id: one.id, state: "delivered", attempts: one.attempts + 1 } });
  t.equal(hooks.at(-1)?.id, one.id);

  // The node that sends dies.
  const link = await connectNats({ servers: [cluster.nats.url], name: "test", connectTimeoutMs: 5000 });
  t.teardown(() => link.close());
  const lock = await natsJournal(link, bulkSubjects.stream(0)).readLast(bulkSubjects.lock("webhooks.0"));
  const owner = String(parseObject(lock?.payload ?? "")?.["node"]);
  const victim = cluster.nodes.find(({ name }) => name === owner)!;
  const other = cluster.nodes.find(({ name }) => name !== owner)!;
  hooks.length = 0;
  const more = await placeSome(8);
  await victim.kill();
  await waitUntil("the other node has sent the rest", () => {
    const sent = new Set(hooks.map((hook) => hook.id));
    return more.every((order) => [...sent].filter((event) => event.startsWith(`${order}.`)).length === 2);
  });
  t.ok(inOrder(hooks), "in order, repeats left out");

  // Everything from a sequence on.
  hooks.length = 0;
  const from = Math.min(...deliveries.map(({ sequence }) => sequence));
  const replay = await ask(`${other.url}${path}/replay?fromSequence=${from}`, "POST", {});
  t.equal(replay.status, 202);
  await waitUntil("all of it comes again", () => new Set(hooks.map((hook) => hook.id)).size === 18 + 16);
  t.ok(inOrder(hooks));

  t.equal((await ask(`${other.url}${path}`, "DELETE")).status, 204);
  t.match(await ask(`${other.url}${path}/deliveries`), {
    status: 404,
    body: { code: "webhook_endpoint_not_found" },
  });
});

/** `npm start`: nodes are killed, frozen and started, and the gateway fails, as a developer asks over HTTP. */
import t from "tap";
import { findPlace, launch } from "../support/cluster/local-cluster.ts";
import { clusterView, orderOf, place as placeOrder } from "../support/clients/order-client.ts";
import { waitUntil } from "../support/wait-until.ts";

const headers = { "content-type": "application/json", "x-orderly-dev": "1" };

t.test("a developer kills, freezes and starts nodes of the local cluster", async (t) => {
  const place = await findPlace(t, 2);
  const cluster = await launch(t, place);
  const url = (node: number, path: string) => `http://127.0.0.1:${place.port + node}${path}`;
  const drill = async (at: number, node: string, action: string, sent: object = headers) => {
    const target = url(at, `/v1/dev/nodes/${node}/${action}`);
    const answer = await fetch(target, { method: "POST", headers: { ...sent }, body: "{}" });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const isReady = (node: number) =>
    fetch(url(node, "/health/ready"), { signal: AbortSignal.timeout(1000) }).then(
      ({ status }) => status === 200,
      () => false,
    );
  t.match(await drill(0, "node-1", "kill", { "content-type": "application/json" }), { status: 404 });
  t.match(await drill(0, "node-9", "kill"), { status: 404, body: { code: "node_not_found" } });
  t.match(await drill(0, "node-2", "start"), { status: 409, body: { refusal: "node_running" } });

  t.match(await drill(0, "node-2", "freeze"), { status: 200, body: { node: "node-2", state: "frozen" } });
  await waitUntil("it does not answer", async () => !(await isReady(1)), { timeoutMs: 20_000 });
  t.match(await drill(0, "node-2", "resume"), { status: 200, body: { state: "running", until: null } });
  await waitUntil("it answers again", () => isReady(1), { timeoutMs: 60_000 });

  t.match(await drill(1, "node-2", "kill"), { status: 200, body: { state: "ended" } }, "also by itself");
  await waitUntil("it is gone", async () => !(await isReady(1)), { timeoutMs: 20_000 });
  const { pid: before } = { pid: cluster.pids["node-2"] };
  t.match(await drill(0, "node-2", "start"), { status: 200, body: { state: "running" } });
  const again = (await clusterView(url(0, ""))).nodes.find(({ id }) => id === "node-2");
  t.not(again?.pid, before, "another process");

  const faults = (mode: string) =>
    fetch(url(0, "/v1/dev/gateway/faults"), { method: "POST", headers, body: JSON.stringify({ mode }) });
  t.equal((await faults("errors")).status, 200);
  const order = orderOf({ method: "credit_card" });
  const failing = await placeOrder(url(0, ""), order, { "idempotency-key": "drill", prefer: "wait=2" });
  t.not(failing.status, 201, "no payment is authorized");
  t.equal((await faults("none")).status, 200);
  const { status } = await placeOrder(url(0, ""), order, { "idempotency-key": "drill-2", prefer: "wait=30" });
  t.equal(status, 201);

  t.match(await drill(0, "node-2", "freeze"), { status: 200 });
  const from = performance.now();
  cluster.send("SIGINT");
  t.equal((await cluster.ended).code, 0, "a frozen node does not keep the cluster from stopping");
  t.ok(performance.now() - from < 10_000);
});

/** Clients that send thousands of requests at once and read no answer: other callers and the locks notice nothing. */
import { connect, type Socket } from "node:net";
import t from "tap";
import { clusterView, orderOf, place } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { untilSettled } from "../support/load/partition-share.ts";

const CONNECTIONS = 60;
const REQUESTS = 1500;
const ROUNDS = 2;

t.test("clients that pipeline and never read move no lock, and orders are taken meanwhile", async (t) => {
  const cluster = await startOrderCluster(t, { nodes: 1 });
  const [url = ""] = cluster.urls;
  await untilSettled(cluster);
  const locks = async (): Promise<string> => {
    const { partitions } = await clusterView(url);
    return partitions.map(({ partition, node, epoch }) => `${partition}:${node}:${epoch}`).join(" ");
  };
  const order = orderOf({ lines: [{ sku: "TSHIRT-M", quantity: 1 }] });
  t.equal((await place(url, order)).status, 201);
  const before = await locks();
  const { port } = new URL(url);
  const payload = Buffer.from("GET /v1/cluster HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(REQUESTS));
  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (let index = 0; index < CONNECTIONS; index++) {
      const socket = connect({ port: Number(port), host: "127.0.0.1" });
      socket.on("error", () => undefined);
      socket.once("connect", () => socket.write(payload));
      // It reads nothing. A connection that is reset ends all the same.
      socket.pause();
      sockets.push(socket);
    }
    const from = performance.now();
    const { status } = await place(url, order);
    t.comment(`an order took ${Math.round(performance.now() - from)} ms`);
    t.match(String(status), /^20[12]$/u, "the order is taken");
  }
  t.equal(await locks(), before, "every lock has its owner and its epoch");
});

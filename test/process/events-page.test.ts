/** The program and the commands of docs/events.md get the events of a real cluster. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import t from "tap";
import { command, orderOf, place } from "../support/clients/order-client.ts";
import { natsCli, natsCliFolder } from "../support/clients/nats-cli.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { startProcess } from "../support/cluster/processes.ts";
import { waitUntil } from "../support/wait-until.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE = readFileSync(new URL("../../docs/events.md", import.meta.url), "utf8");
const program = /```js\n(.*?)```/su.exec(PAGE)?.[1] ?? "";
const commands = [...PAGE.matchAll(/^nats .*$/gmu)].map(([line]) => line);

const cluster = await startOrderCluster(t, { nodes: 1, fulfillment: "manual" });
const [url = ""] = cluster.urls;
const placed = await place(
  url,
  orderOf({ method: "credit_card", lines: [{ sku: "TSHIRT-M", quantity: 2 }] }),
);
const { customer, id } = placed.body;

t.test("the documented program gets each event once, also those from before its start", async (t) => {
  t.equal(placed.status, 201);
  const consumer = startProcess(t, process.execPath, ["--input-type=module", "--eval", program], {
    cwd: ROOT,
    env: { NATS_URL: cluster.nats.url },
  });
  const lines = () => consumer.output().trim().split("\n");
  const confirmed = (line: string) =>
    line.startsWith(`order.confirmed ${id}.`) && line.endsWith(` ${customer.id}`);
  await waitUntil("the confirmation is there", () => lines().some(confirmed));
  t.equal((await command(url, id, "cancel")).status, 200);
  await waitUntil("the cancellation is there", () =>
    lines().some((line) => line.startsWith(`order.cancelled ${id}.`)),
  );
  t.equal(lines().filter((line) => line.includes(id)).length, 2, consumer.output());
  await consumer.kill();
});

const folder = natsCliFolder();
t.test(
  "the documented commands show the event of the order",
  folder === undefined ? { skip: "the nats CLI is neither on PATH nor in ~/go/bin" } : {},
  async (t) => {
    const cli = natsCli(t, folder ?? "", cluster.nats.url);
    t.equal(commands.length, 4);
    for (const line of commands) {
      if (line.includes("stream view")) {
        t.match(await cli.page(line), `ce-subject: ${id}`, line);
        continue;
      }
      const output = await cli.run(line);
      if (line.includes("consumer next")) t.match(output, `ce-subject: ${id}`, line);
    }
    t.notMatch(await cli.run("nats consumer ls KV_ORDERS --names"), /^shop$/mu, "the consumer is removed");
  },
);

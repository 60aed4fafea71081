/** `orderly bulk` at a running cluster. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import t from "tap";
import { orderOf, place, read } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const file = fileURLToPath(new URL("../../nodes/bulk.ts", import.meta.url));

async function bulk(url: string, ...args: string[]) {
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, ORDERLY_NODE_URL: url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

t.test("orders are previewed, canceled with the token, and followed to the end", async (t) => {
  const cluster = await startOrderCluster(t, { nodes: 1, fulfillment: "manual" });
  const url = cluster.urls[0]!;
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) ids.push((await place(url, orderOf({ method: "cash_on_delivery" }))).body.id);
  await waitUntil("the list has them", async () => {
    const answer = await fetch(`${url}/v1/orders?status=confirmed`);
    return answer.ok && ((await answer.json()) as { items: unknown[] }).items.length === 3;
  });
  const why = ["--reason", "The warehouse is closed"];
  const shown = await bulk(url, "preview", "cancel", ...why, "--filter", "status=confirmed");
  t.match(shown, { code: 0, stdout: /^3 orders, 3 take cancel now\n  confirmed: 3\n/u });
  const json = await bulk(url, "preview", "cancel", ...why, "--id", ids[0]!, "--id", ids[1]!, "--json");
  const { count, token } = JSON.parse(json.stdout) as { count: number; token: string };
  t.equal(count, 2);
  const started = await bulk(url, "start", token, "--key", "key-1", "--follow", "--json");
  t.equal(started.code, 0, started.stderr);
  const operation = JSON.parse(started.stdout) as { id: string };
  t.match(operation, { status: "completed", processed: 2, outcomes: [{ code: "done", count: 2 }] });
  const again = await bulk(url, "start", token, "--key", "key-1", "--json");
  t.match(JSON.parse(again.stdout), { id: operation.id }, "the same key finds the same operation");
  t.equal((await read(url, ids[0]!)).body.status, "cancelled");
  t.equal((await read(url, ids[2]!)).body.status, "confirmed");

  t.match(await bulk(url, "show", operation.id), { code: 0, stdout: /cancel, completed: 2 of 2 orders/u });
  t.match(await bulk(url, "items", operation.id, "--outcome", "done"), {
    code: 0,
    stdout: new RegExp(`^${ids[0]}  done\n`, "mu"),
  });
  t.match(await bulk(url, "stop", operation.id), { code: 0 }, "an operation that has ended stays as it is");

  t.match(await bulk(url, "start", token, "--key", "key-2"), {
    code: 1,
    stdout: "",
    stderr: /409 token_used/u,
  });
  t.match(await bulk(url, "show", "blk_01jdkq0r9dfk8t3e4m5n6p7q8r"), {
    code: 1,
    stderr: /404 bulk_not_found/u,
  });
  t.match(await bulk(url, "preview", "explode", ...why, "--id", ids[0]!), { code: 2, stderr: /\/action/u });
  const mixed = await bulk(url, "preview", "cancel", ...why, "--id", ids[2]!, "--id", ids[0]!, "--json");
  const second = (JSON.parse(mixed.stdout) as { token: string }).token;
  const refused = await bulk(url, "start", second, "--follow");
  t.match(refused, { code: 1, stdout: /illegal_transition: 1/u, stderr: /to repeat this start: --key / });
});

t.test("a command line without a meaning, and a node that is not there, are said", async (t) => {
  const nowhere = "http://127.0.0.1:1";
  const help = await bulk(nowhere, "--help");
  t.match(help, { code: 0, stdout: /^usage: node orderly\.mjs bulk preview/u });
  for (const args of [
    [],
    ["preview", "cancel"],
    ["preview", "cancel", "--reason", "x"],
    ["preview", "cancel", "--reason", "x", "--filter", "status"],
    ["preview", "cancel", "--reason", "x", "--filter", "status=x", "--id", "ord_1"],
    ["explode", "x"],
    ["show", "x", "--unknown"],
  ])
    t.match(await bulk(nowhere, ...args), {
      code: 2,
      stdout: "",
      stderr: /see node orderly\.mjs bulk --help/u,
    });
  t.match(await bulk(nowhere, "show", "blk_1"), { code: 2, stdout: "", stderr: /^orderly bulk: / });
});

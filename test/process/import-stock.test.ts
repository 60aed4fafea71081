/** `import-stock` into a real cluster, also while its node is killed and started again. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import t from "tap";
import { orderly } from "../support/cluster/local-cluster.ts";
import { orderOf, place, stock } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const LINES = 3000;
const HEAD = "sku,name,price,currency,onHand\n";

t.test(
  "the command stores a file's stock, names bad lines, and waits for a node that is killed meanwhile",
  async (t) => {
    const cluster = await startOrderCluster(t, { nodes: 1, catalogue: false });
    const [node] = cluster.nodes;
    const folder = temporaryFolder(t);
    const run = async (content: string) => {
      const file = join(folder, "stock.csv");
      writeFileSync(file, content);
      const child = spawn(process.execPath, [orderly, "import-stock", file], {
        env: { ...process.env, ORDERLY_NODE_URL: node!.url },
      });
      t.teardown(() => child.kill("SIGKILL"));
      const code = new Promise<number | null>((resolve) => child.once("exit", resolve));
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { code: await code, stdout, stderr };
    };

    const some = await run(`${HEAD}MUG,"Mug, blue",4.50,EUR,5\nBAD,Bad,1,EUR\nCAP,Cap,19.99,EUR,7\n`);
    t.match(some, { code: 1, stdout: "2 lines stored, 1 refused\n", stderr: /line 3: has 4 fields/u });
    t.match(await stock(node!.url, "MUG"), { onHand: 5, reserved: 0, available: 5 });
    const placed = await place(
      node!.url,
      orderOf({ method: "cash_on_delivery", lines: [{ sku: "CAP", quantity: 2 }] }),
    );
    t.match(placed, { status: 201, body: { total: { amount: 3998, currency: "EUR" } } });

    const many = Array.from({ length: LINES }, (_, n) => `S-${n},Sock ${n},1,EUR,${n}\n`).join("");
    const importing = run(HEAD + many);
    await waitUntil("some lines are stored", async () => {
      const answer = await fetch(`${node!.url}/v1/inventory/S-100`);
      await answer.body?.cancel();
      return answer.ok;
    });
    await node!.kill();
    await node!.start();
    t.match(await importing, { code: 0, stdout: `${LINES} lines stored, 0 refused\n` });
    t.match(await stock(node!.url, `S-${LINES - 1}`), { onHand: LINES - 1 });
  },
);

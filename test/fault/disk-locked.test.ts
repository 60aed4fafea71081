/** Another process really locks a node's outbox: with SQLite's own lock, and the file itself against writing. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { checkAllEnd, checkLedger, checkNothingLost, checkStock } from "../support/audits/order-audit.ts";
import { healthCheck, orderOf, place, read, stock } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { startLoad } from "../support/load/order-load.ts";
import { startNode } from "../support/cluster/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const LOCKER = fileURLToPath(new URL("../support/programs/outbox-locker.ts", import.meta.url));
const ORDERS = 80;
const CALLERS = 8;
const SKU = "TSHIRT-M";
const REFUSED_WITHIN_MS = 1000;
const METHODS = ["credit_card", "cash_on_delivery"] as const;
const orderAt = (index: number) =>
  orderOf({ method: METHODS[index % METHODS.length]!, lines: [{ sku: SKU, quantity: 1 }] });
const placing = (name: string, urls: () => readonly string[]) =>
  startLoad({ name, count: ORDERS, callers: CALLERS, orderAt, urls });

t.test(
  "a running node keeps the database's lock; a node that starts without it ends and says why",
  async (t) => {
    const cluster = await startOrderCluster(t, { nodes: 2 });
    const [victim, other] = cluster.nodes;
    const { onHand } = await stock(cluster.urls[0]!, SKU);
    const locker = startNode(t, LOCKER, [join(cluster.homeOf(victim!.name), "outbox.sqlite")]);
    await waitUntil("the other process competes", () => locker.output().includes("refused 1\n"));
    const orders = [...(await placing("contended", () => cluster.urls).done)];
    await waitUntil("the other process was refused 50 times", () => locker.output().includes("refused 50\n"));
    t.notOk(locker.output().includes("locked"), "the other process never got the lock");
    t.strictSame(
      orders.filter(({ outcome }) => outcome !== "confirmed"),
      [],
      "and no order has noticed",
    );
    t.notMatch(victim!.output(), /local store refuses/u);

    await victim!.kill();
    await waitUntil("the lock is the other process's", () => locker.output().includes("locked"));
    await t.rejects(victim!.start(), { message: /another process has this outbox open/u });
    t.notOk(victim!.running());
    orders.push(...(await placing("locked", () => [other!.url]).done));

    await locker.kill();
    await victim!.start();
    orders.push(...(await placing("free", () => [victim!.url]).done));
    await checkNothingLost(t, cluster.urls, orders);
    await checkAllEnd(t, cluster.urls, orders);
    await checkLedger(t, cluster.gateway.url, orders);
    await checkStock(t, cluster.urls[0]!, new Map([[SKU, onHand]]), orders);
  },
);

/** True: no process may write to the file, not even one that has it open. @throws where the system cannot do it */
const lockFile = (path: string, locked: boolean) =>
  execFileSync("chattr", [locked ? "+i" : "-i", path], { stdio: "pipe" });

/** The reason to skip: this needs privileges and a file system that supports it. */
function cannotLockFiles(): string | false {
  const file = join(temporaryFolder(t), "probe");
  writeFileSync(file, "");
  const { status } = spawnSync("chattr", ["+i", file]);
  if (status !== 0) return "no file can be made immutable here (chattr +i)";
  const { status: written } = spawnSync("/bin/sh", ["-c", `echo x >> ${file}`]);
  lockFile(file, false);
  return written === 0 ? "this user writes to immutable files" : false;
}

t.test(
  "orders get 503 while the outbox is locked against writing, and all go on when it is unlocked",
  { skip: cannotLockFiles() },
  async (t) => {
    const cluster = await startOrderCluster(t, { nodes: 1, stepDelayMs: 200 });
    const [node] = cluster.nodes;
    const url = node!.url;
    const { onHand } = await stock(url, SKU);
    const load = startLoad({ name: "running", count: ORDERS, callers: CALLERS, orderAt, urls: () => [url] });
    await load.reached(CALLERS + 1);
    const file = join(cluster.homeOf(node!.name), "outbox.sqlite-wal");
    t.teardown(() => lockFile(file, false));
    lockFile(file, true);
    const refused = await waitUntil("an order is refused", async () => {
      const answer = await place(
        url,
        orderOf({ method: "cash_on_delivery", lines: [{ sku: "MUG-RED", quantity: 1 }] }),
      );
      return answer.status === 503 && answer;
    });
    t.match(refused.body, { code: "storage_unavailable" });
    t.match(refused.headers.get("retry-after"), /^[1-9]\d*$/u);
    t.match(await healthCheck(url, "outbox"), {
      status: 503,
      check: { ok: false, detail: /local store refuses writes/u },
    });
    const from = performance.now();
    t.equal((await place(url, orderAt(0))).status, 503);
    t.ok(performance.now() - from < REFUSED_WITHIN_MS, "at once");
    t.match(await read(url, load.answered[0]!.id), { status: 200 }, "an acknowledged order can be read");
    const answered = load.answered.length;
    t.ok(answered < ORDERS, `${ORDERS - answered} orders wait`);

    lockFile(file, false);
    await waitUntil(
      "the node is ready again by itself",
      async () => (await healthCheck(url, "outbox")).status === 200,
    );
    const orders = await load.done;
    await checkNothingLost(t, cluster.urls, orders);
    await checkAllEnd(t, cluster.urls, orders);
    await checkLedger(t, cluster.gateway.url, orders);
    await checkStock(t, url, new Map([[SKU, onHand]]), orders);
    t.ok(node!.running());
  },
);

/** `import-stock` against the HTTP API: good lines are stored, bad ones named with their numbers. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { Inventory } from "../../../src/services/inventory/contract.ts";
import { InventoryInMemory, startApp } from "../../support/http-services.ts";
import { orderly } from "../../support/cluster/local-cluster.ts";

/** @param elsewhere address given as the node's. @param busy true: the inventory accepts nothing now */
async function stage(t: Test, elsewhere?: string, busy = () => false) {
  const inventory = new InventoryInMemory();
  const put: Inventory["put"] = async (sku, stock) =>
    busy()
      ? { status: "unavailable", reason: "busy", retryAfterMs: 1000 }
      : InventoryInMemory.prototype.put.call(inventory, sku, stock);
  const { app } = await startApp(t, { inventory: Object.assign(inventory, { put }) });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const file = join(t.testdir(), "stock.csv");
  const command = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(
        process.execPath,
        [orderly, "import-stock", ...args],
        { env: { ...process.env, ORDERLY_NODE_URL: elsewhere ?? url } },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });
  const run = (text: string, ...options: string[]) => {
    writeFileSync(file, text);
    return command(...options, file);
  };
  return { inventory, run, command };
}

t.test(
  "columns in any order, quotes, a byte order mark and Windows' line ends are read; a second import changes nothing",
  async (t) => {
    const { inventory, run } = await stage(t);
    const text =
      '\uFEFFonHand,sku,currency,price,name\r\n5,MUG,EUR,4.50,"Mug, ""blue"""\r\n\r\n7,CAP,JPY,900,Cap\r\n';
    for (let round = 0; round < 2; round++) {
      const done = await run(text);
      t.match(done, { code: 0, stdout: "2 lines stored, 0 refused\n", stderr: "" });
    }
    t.match(inventory.stock.get("MUG"), {
      name: 'Mug, "blue"',
      onHand: 5,
      price: { amount: 450, currency: "EUR" },
    });
    t.match(inventory.stock.get("CAP"), { onHand: 7, price: { amount: 900, currency: "JPY" } });
  },
);

t.test("a bad line is named and does not affect the others", async (t) => {
  const { inventory, run } = await stage(t);
  const done = await run(
    "sku,name,price,currency,onHand\nA,A,1,EUR,1\nB,B,x,EUR,1\nA,A,2,EUR,2\nbad sku,C,1,EUR,1\nD,D,1,EUR,1\n",
  );
  t.equal(done.code, 1);
  t.match(done.stdout, "2 lines stored, 3 refused");
  t.match(done.stderr, /line 3: price "x"/u);
  t.match(done.stderr, /line 4: A is in line 2 already/u);
  t.match(done.stderr, /line 5: bad sku: /u);
  t.strictSame([...inventory.stock.keys()].toSorted(), ["A", "D"]);
});

t.test("a line that is not a record is named, and the lines before and after it are stored", async (t) => {
  const { inventory, run } = await stage(t);
  const done = await run(
    'sku,name,price,currency,onHand\nA,A,1,EUR,1\nB,B,1,EUR\nC,C,1,EUR,1,1\nD,"D,1,EUR,1\nE,E"s,1,EUR,1\nF,"F, ""x""",1,EUR,1\n',
  );
  t.equal(done.code, 1);
  t.equal(done.stdout, "2 lines stored, 4 refused\n");
  t.match(done.stderr, /line 3: has 4 fields instead of 5/u);
  t.match(done.stderr, /line 4: has 6 fields instead of 5/u);
  t.match(done.stderr, /line 5: has a quote that is not closed/u);
  t.match(done.stderr, /line 6: has a quote in the middle/u);
  t.strictSame([...inventory.stock.keys()].toSorted(), ["A", "F"]);
});

t.test(
  "without a node that answers, the import ends in order and names the lines that are not stored",
  async (t) => {
    const { run } = await stage(t, "http://127.0.0.1:1026");
    const lines = Array.from({ length: 40 }, (_, n) => `S-${n},S,1,EUR,1\n`).join("");
    const done = await run(`sku,name,price,currency,onHand\n${lines}`, "--patience", "1");
    t.equal(done.code, 2);
    t.equal(done.stdout, "0 lines stored, 0 refused\n");
    t.match(done.stderr, /line 2: S-0: not known to be stored: http:/u);
    t.match(done.stderr, /^orderly import-stock: not finished: http:.*\(waited 1 s\)$/mu);
    t.notMatch(done.stderr, /\n +at /u, "no unhandled fault");
    t.equal(done.stderr.match(/not known/gu)?.length, 16, "the import does not read the rest of the file");
  },
);

t.test("a request to a busy node is repeated, and a long import reports its progress", async (t) => {
  let busyUntil = Infinity;
  const { inventory, run } = await stage(t, undefined, () => performance.now() < busyUntil);
  const running = run("sku,name,price,currency,onHand\nA,A,1,EUR,1\n");
  busyUntil = performance.now() + 4000;
  t.match(await running, { code: 0, stdout: "1 lines stored, 0 refused\n" });
  t.match((await running).stderr, /^1 lines read, 0 stored, 0 refused$/mu);
  t.equal(inventory.stock.size, 1);
});

t.test("the command prints its help, and prints its usage for invalid arguments", async (t) => {
  const { run, command } = await stage(t);
  const help = await command("--help");
  t.match(help, { code: 0, stderr: "" });
  for (const part of ["--dry-run", "--patience", "exit code", "ORDERLY_NODE_URL"])
    t.ok(help.stdout.includes(part), part);
  t.match(await command(), { code: 2, stdout: "", stderr: /^usage:/u });
  t.match(await command("--unheard-of"), { code: 2, stdout: "" });
  t.match(await command("no-such-file.csv"), { code: 2, stderr: /ENOENT/u });
  t.match(await command("."), { code: 2, stderr: /EISDIR/u });
  t.match(await run(""), { code: 2, stderr: /the file is empty/u });
});

t.test("a dry run stores nothing; a file without its columns is refused before its first line", async (t) => {
  const { inventory, run } = await stage(t);
  t.match(await run("sku,name,price,currency,onHand\nA,A,1,EUR,1\n", "--dry-run"), {
    code: 0,
    stdout: "1 lines good, 0 refused\n",
  });
  const without = await run("sku,name,price\nA,A,1\n");
  t.equal(without.code, 2);
  t.match(without.stderr, /lacks the columns currency;/u);
  t.equal(inventory.stock.size, 0);
});

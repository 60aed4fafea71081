/** `import-stock` against the HTTP API: good lines are stored, bad ones named with their numbers. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { startApp } from "../support/http-services.ts";
import { orderly } from "../support/local-cluster.ts";

async function stage(t: Test) {
  const { app, inventory } = await startApp(t);
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const file = join(t.testdir(), "stock.csv");
  const run = (text: string, ...options: string[]) => {
    writeFileSync(file, text);
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(
        process.execPath,
        [orderly, "import-stock", ...options, file],
        { env: { ...process.env, ORDERLY_NODE_URL: url } },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });
  };
  return { inventory, run };
}

t.test("columns in any order, quotes, a byte order mark and Windows' line ends; twice is once", async (t) => {
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
});

t.test("a bad line is named and does not touch the others", async (t) => {
  const { inventory, run } = await stage(t);
  const done = await run(
    "sku,name,price,currency,onHand\nA,A,1,EUR,1\nB,B,x,EUR,1\nA,A,2,EUR,2\nbad sku,C,1,EUR,1\nD,D,1,EUR,1\n",
  );
  t.equal(done.code, 1);
  t.match(done.stdout, "2 lines stored, 3 refused");
  t.match(done.stderr, /line 3: price "x"/u);
  t.match(done.stderr, /line 4: A stands in line 2 already/u);
  t.match(done.stderr, /line 5: bad sku: /u);
  t.strictSame([...inventory.stock.keys()].toSorted(), ["A", "D"]);
});

t.test("a dry run stores nothing; a file without its columns is not begun", async (t) => {
  const { inventory, run } = await stage(t);
  t.match(await run("sku,name,price,currency,onHand\nA,A,1,EUR,1\n", "--dry-run"), {
    code: 0,
    stdout: "1 lines good, 0 refused\n",
  });
  const without = await run("sku,name,price\nA,A,1\n");
  t.equal(without.code, 2);
  t.match(without.stderr, /lacks the columns currency, onHand/u);
  t.equal(inventory.stock.size, 0);
});

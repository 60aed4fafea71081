/** The program of docs/client.md compiles against types that are generated from the served document, and works. */
import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { read } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { cleanEnvironment } from "../support/cluster/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const PAGE = readFileSync(new URL("../../docs/client.md", import.meta.url), "utf8");
const program = /```ts\n(.*?)```/su.exec(PAGE)?.[1] ?? "";
const TIMEOUT_MS = 120_000;

const compilerOptions = {
  target: "esnext",
  lib: ["esnext", "dom"],
  module: "nodenext",
  strict: true,
  noEmit: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  types: ["node"],
};

const cluster = await startOrderCluster(t, { nodes: 1, fulfillment: "manual" });
const [url = ""] = cluster.urls;
const folder = temporaryFolder(t);
symlinkSync(MODULES, join(folder, "node_modules"));
writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');

/** @returns what a program of Node prints; @throws Error with its output when it fails */
function run(args: readonly string[]): string {
  const env = { ...cleanEnvironment(), ORDERLY_URL: url };
  return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8", env, timeout: TIMEOUT_MS });
}

/** What the project's compiler finds in the program; empty: nothing. */
function faultsOf(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [name] }));
  try {
    return run([join(MODULES, "typescript/lib/tsc.js"), "-p", "."]);
  } catch (error) {
    return String((error as { readonly stdout?: string }).stdout ?? error);
  }
}

t.test("types are generated from the served document", async (t) => {
  const document = await (await fetch(`${url}/openapi.json`)).text();
  writeFileSync(join(folder, "openapi.json"), document);
  const generator = "client-generator/node_modules/openapi-typescript/bin/cli.js";
  run([join(MODULES, generator), "openapi.json", "-o", "orderly.ts"]);
  t.match(readFileSync(join(folder, "orderly.ts"), "utf8"), "placeOrder");
});

t.test("the documented program compiles with them, and wrong ones do not", async (t) => {
  t.equal(faultsOf("program.ts", program), "");
  for (const [right, wrong, fault] of [
    ["quantity: 2", 'quantity: "2"', /'string' is not assignable to type 'number'/u],
    ['method: "credit_card"', 'method: "gold"', /"gold"/u],
    ["order.total?.amount", "order.total.amount", /possibly 'null'/u],
    ['"/v1/orders/{id}/cancel"', '"/v1/orders/{id}/undo"', /undo/u],
  ] as const) {
    t.match(program, right);
    t.match(faultsOf("wrong.ts", program.replace(right, wrong)), fault, wrong);
  }
});

t.test("it places, reads, lists and cancels an order", async (t) => {
  const lines = run(["program.ts"]).trim().split("\n");
  const id = lines[0]?.split(" ")[1] ?? "";
  t.strictSame(lines, [
    `placed ${id} confirmed 3998`,
    `read ${id} confirmed`,
    `listed ${id}`,
    `cancelled cancelled`,
    "again 409 illegal_transition",
  ]);
  t.match((await read(url, id)).body, { status: "cancelled", customer: { id: "cus_7" } });
});

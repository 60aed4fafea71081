/** How vite builds the console: every page a chunk of its own, names with hashes, nothing inline. */
import { build, type Plugin, type Rolldown } from "vite";
import { orderLayouts } from "./order-charts.ts";
import { CONSOLE } from "./paths.ts";

/** The module of the page whose size the budget bounds. */
const FIRST_PAGE = /\/console\/src\/orders\/orders-page\.tsx$/u;

/** What pages import to get the layouts of the machines. */
const LAYOUTS = "virtual:chart-layouts";

/** Lays the machines out while the console is built. */
function chartLayouts(): Plugin {
  const id = `\0${LAYOUTS}`;
  return {
    name: "chart-layouts",
    resolveId: (source) => (source === LAYOUTS ? id : null),
    load: async (loaded) =>
      loaded === id ? `export default ${JSON.stringify(await orderLayouts())};` : null,
  };
}

/**
 * Builds into a folder.
 * @returns paths of the JavaScript that the list of orders loads, from that folder
 * @throws Error of vite when a source is broken
 */
export async function buildPages(folder: string): Promise<Set<string>> {
  const built = (await build({
    root: CONSOLE,
    configFile: false,
    plugins: [chartLayouts()],
    logLevel: "warn",
    // Nodes serve the console at the root.
    base: "/",
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: "es2023",
      // The policy of the pages allows no data URLs except for images.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      rolldownOptions: {
        checks: { pluginTimings: false },
        onLog(level, log, report) {
          // Marks for servers that draw React; the console has none.
          if (log.code !== "MODULE_LEVEL_DIRECTIVE") report(level, log);
        },
      },
    },
    css: { modules: { generateScopedName: "[name]-[local]-[hash:base64:4]" } },
  })) as Rolldown.RolldownOutput;
  const chunks = built.output.filter((one) => one.type === "chunk");
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const first = chunks.filter(
    (chunk) => chunk.isEntry || chunk.moduleIds.some((id) => FIRST_PAGE.test(id.replaceAll("\\", "/"))),
  );
  const loaded = new Set<string>();
  const load = (name: string): void => {
    if (loaded.has(name)) return;
    loaded.add(name);
    for (const imported of byName.get(name)?.imports ?? []) load(imported);
  };
  for (const { fileName } of first) load(fileName);
  return loaded;
}

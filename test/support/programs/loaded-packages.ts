/** Prints the packages that a module of the project loads at its import. Argument: its path from the project's root. */
import { registerHooks } from "node:module";

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/u.exec(url)?.[1];
    if (name !== undefined) loaded.add(name);
    return next(url, context);
  },
});
await import(new URL(`../../../${process.argv[2]}`, import.meta.url).href);
process.stdout.write([...loaded].join("\n"));

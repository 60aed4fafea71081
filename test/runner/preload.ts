/** Loaded before a test file (`--import`): gives tap test/runner/error-domain.ts in place of a package. */
import { registerHooks } from "node:module";

const REPLACED = "async-hook-domain";
const replacement = new URL("error-domain.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === REPLACED ? { url: replacement, shortCircuit: true } : nextResolve(specifier, context),
});

/** Folders of the console. */
import { fileURLToPath } from "node:url";

/** The project's root. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The console's sources. */
export const CONSOLE = fileURLToPath(new URL("..", import.meta.url));

/** What the build makes, and a node serves. Git ignores it. */
export const DIST = fileURLToPath(new URL("../dist", import.meta.url));

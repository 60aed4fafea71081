/** Keys of sealed data. */
import t from "tap";
import { crashEverywhere } from "./crash-suite.ts";

t.setTimeout(300_000);
await crashEverywhere(t, "keys");

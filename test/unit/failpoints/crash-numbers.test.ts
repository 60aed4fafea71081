/** The allocation of the numbers of invoices and credit notes. */
import t from "tap";
import { crashEverywhere } from "./crash-suite.ts";

t.setTimeout(300_000);
await crashEverywhere(t, "numbers");

/** Effects, requests, inputs for an inbox, inventory. */
import t from "tap";
import { crashEverywhere } from "./crash-suite.ts";

t.setTimeout(300_000);
await crashEverywhere(t, "outside");

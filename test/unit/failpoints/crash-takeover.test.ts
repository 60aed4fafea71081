/** Taking a partition over, handing it over, floors, loads, parking. */
import t from "tap";
import { crashEverywhere } from "./crash-suite.ts";

t.setTimeout(300_000);
await crashEverywhere(t, "takeover");

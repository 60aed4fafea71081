/** Takeover and hand-over of a partition, checkpoints, loads, parking. */
import t from "tap";
import { crashEverywhere } from "./crash-suite.ts";

t.setTimeout(300_000);
await crashEverywhere(t, "takeover");

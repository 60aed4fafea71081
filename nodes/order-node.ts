/** Process: one order node. Settings in config/settings.ts, its parts in nodes/order, its life in nodes/process.ts. */
import { loadNodeSettings } from "../config/settings.ts";
import { startOrderNode } from "./order/start.ts";
import { runProcess } from "./process.ts";

runProcess("node", () => startOrderNode(loadNodeSettings()));

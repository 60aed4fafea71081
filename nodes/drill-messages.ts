/** What an order node and the launcher that started it say to each other about drills, over their IPC channel. */
import type { DrillAction, DrillResult } from "../src/http/dev/dev-sources-port.ts";

/** From a node to its launcher. `id` finds the answer. */
export type DrillRequest = {
  readonly type: "drill";
  readonly id: number;
  readonly node: string;
  readonly action: DrillAction;
};

/** From the launcher to the node that asked. */
export type DrillAnswer = { readonly type: "drilled"; readonly id: number; readonly result: DrillResult };

/** Whether a message is such a request. */
export const isDrillRequest = (message: unknown): message is DrillRequest => hasType(message, "drill");

/** Whether a message is such an answer. */
export const isDrillAnswer = (message: unknown): message is DrillAnswer => hasType(message, "drilled");

const hasType = (message: unknown, type: string): boolean =>
  typeof message === "object" && message !== null && "type" in message && message.type === type;

/** Asks the launcher of this process for drills: it alone can start a node again. */
import { hasWatchedParent } from "../../config/tool-settings.ts";
import type { DevSources, DrillResult } from "../../src/http/dev/dev-sources-port.ts";
import { type DrillRequest, isDrillAnswer } from "../drill-messages.ts";

/** A start waits until the node is ready. */
const LIMIT_MS = { kill: 3_000, freeze: 3_000, resume: 3_000, start: 70_000 } as const;

/** Undefined: no launcher has started this process. */
export function launcherDrills(): NonNullable<DevSources["drill"]> | undefined {
  if (!hasWatchedParent() || process.send === undefined) return undefined;
  const asked = new Map<number, (result: DrillResult) => void>();
  let next = 0;
  process.on("message", (message: unknown) => {
    if (isDrillAnswer(message)) asked.get(message.id)?.(message.result);
  });
  return (node, action) =>
    new Promise((resolve) => {
      const id = next++;
      const settle = (result: DrillResult): void => {
        clearTimeout(late);
        asked.delete(id);
        resolve(result);
      };
      const late = setTimeout(() => settle({ status: "failed" }), LIMIT_MS[action]);
      asked.set(id, settle);
      const request: DrillRequest = { type: "drill", id, node, action };
      if (!process.connected) settle({ status: "failed" });
      else process.send?.(request, undefined, undefined, (error) => error && settle({ status: "failed" }));
    });
}

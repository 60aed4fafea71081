/** The error of a process whose node id another process has. */
import { isTime } from "../json.ts";
import type { NodeEntry } from "./presence.ts";

const REMEDY =
  "two processes cannot have one id: stop the other one, or give this one an id of its own (ORDERLY_NODE_ID)";

/** Another process has this node's id. Not retryable. The message names that process and the remedy. */
export class IdentityTaken extends Error {
  override readonly name = "IdentityTaken";

  /** Of a newcomer. @param boot that of the process that answers for the id, when one does */
  static inUse(node: string, holder: NodeEntry | undefined, boot?: string): IdentityTaken {
    return new IdentityTaken(
      `node id "${node}" is in use by another process${described(holder, boot)}; ${REMEDY}`,
    );
  }

  /** Of a process that was not seen for a while, frozen for example. @param holder undefined: unreadable */
  static claimed(node: string, holder: NodeEntry | undefined): IdentityTaken {
    return new IdentityTaken(
      `node id "${node}" was claimed by another process${described(holder)}, and this one ends; ${REMEDY}`,
    );
  }
}

/** Since when it runs, where it listens, which process it is: as far as its entry says so. */
function described(holder: NodeEntry | undefined, boot = holder?.boot): string {
  const { startedAt, url, pid }: Readonly<Record<string, unknown>> = holder ?? {};
  const facts = [
    isTime(startedAt) && `started ${new Date(startedAt).toISOString()}`,
    typeof url === "string" && url,
    typeof pid === "number" && `process ${pid}`,
    boot !== undefined && `boot ${boot}`,
  ].filter((fact) => fact !== false);
  return facts.length === 0 ? "" : ` (${facts.join(", ")})`;
}

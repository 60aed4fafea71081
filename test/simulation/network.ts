/** Faults of single operations between a node and the server. */
import type { Fault, Operation } from "../../src/adapters/memory/server.ts";
import type { FaultCounter } from "./fault-counter.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";

/** How late a message may be, ms: beyond most of the time limits of its sender. */
const LATEST_MS = 900;
/** Most replicas lag a little, some far. */
const FARTHEST = 400;
/** Share of operations that a kind strikes at full strength. */
const SHARE = 0.04;

/** The fault hook of the server. @param stalled the batches of this node are lost now */
export function networkFaults(
  random: Random,
  faults: FaultCounter,
  trace: Trace,
  stalled: (node: string) => boolean,
): (operation: Operation) => Fault | undefined {
  const lateness = (): number => Math.floor(random.next() * LATEST_MS);
  const drawn = ({ kind, messages, node }: Operation): Fault | undefined => {
    if (kind === "append" && messages !== undefined && messages > 1 && stalled(node))
      return random.chance(0.5) ? { lose: "request" } : { delayMs: lateness(), lose: "answer" };
    if (faults.strikes("request lost", SHARE)) return { lose: "request" };
    if (faults.strikes("answer lost", SHARE)) return { lose: "answer" };
    if (faults.strikes("request late", SHARE)) return { delayMs: lateness() };
    if (faults.strikes("answer late", SHARE)) return { answerDelayMs: lateness() };
    if (faults.strikes("answer repeated", SHARE)) return { repeatMs: lateness() };
    if (kind !== "read" && kind !== "bucket_read") return undefined;
    const staleBy = 1 + Math.floor(random.next() ** 4 * FARTHEST);
    if (kind === "read" && faults.strikes("reading old", 0.15)) return { staleBy };
    if (faults.strikes("reading partly old", 0.3)) {
      const salt = random.between(0, 1000);
      return kind === "read" ? { staleBy, isStale: (subject) => isOdd(subject, salt) } : undefined;
    }
    return undefined;
  };
  return (operation) => {
    const fault = drawn(operation);
    if (fault)
      trace.say(operation.node, `! ${operation.kind} ${operation.subject}: ${JSON.stringify(fault)}`);
    return fault;
  };
}

/** How late the consumers of a node get what is stored now, ms. */
export function lateDeliveries(random: Random, faults: FaultCounter): () => number {
  return () => (faults.strikes("message late", SHARE) ? Math.floor(random.next() * LATEST_MS) : 0);
}

/** About half of all subjects, another half for another salt. */
function isOdd(subject: string, salt: number): boolean {
  let sum = salt;
  for (let i = 0; i < subject.length; i++) sum = Math.imul(sum ^ subject.charCodeAt(i), 0x01000193);
  return ((sum >>> 15) & 1) === 1;
}

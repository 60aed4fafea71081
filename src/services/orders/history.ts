import { isCount, isObject, isTexts } from "../../runtime/json.ts";
import { type ActorRecord, readRecord, RecordHeader } from "../../runtime/actor/snapshot.ts";
import type { StoredMessage } from "../../runtime/ports.ts";
import type { HistoryItem } from "./contract.ts";

/** One record as the API shows it; `undefined` for a message that is no record. */
export function historyItem(message: StoredMessage): HistoryItem | undefined {
  const record = readRecord(message.payload);
  if (record === undefined || !isWhole(record)) return undefined;
  const epoch = Number(message.headers[RecordHeader.epoch] ?? 0);
  return {
    version: record.snapshot.version,
    sequence: message.sequence,
    at: new Date(message.at).toISOString(),
    input: record.input,
    transitions: record.transitions,
    events: record.events,
    effects: record.effects,
    timers: record.timers,
    node: message.headers[RecordHeader.node] ?? "",
    epoch: isCount(epoch) ? epoch : 0,
  };
}

const isTransition = (one: unknown): boolean => isObject(one) && typeof one["machine"] === "string";

/** The parts that the answer's schema shows; what is before them is checked already. */
function isWhole({ input, transitions, events, effects, timers, snapshot }: ActorRecord): boolean {
  const lists = [events, effects?.opened, effects?.closed, timers?.armed, timers?.cancelled];
  return (
    typeof input === "string" &&
    isCount(snapshot.version) &&
    Array.isArray(transitions) &&
    transitions.every(isTransition) &&
    lists.every(isTexts)
  );
}

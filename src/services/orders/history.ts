import { type ActorRecord, RecordHeader } from "../../runtime/actor/snapshot.ts";
import type { StoredMessage } from "../../runtime/ports.ts";
import type { HistoryItem } from "./contract.ts";

/** One record as the API shows it. @throws SyntaxError when the message is no record: programmer fault */
export function historyItem(message: StoredMessage): HistoryItem {
  const record = JSON.parse(message.payload) as ActorRecord;
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
    epoch: Number(message.headers[RecordHeader.epoch] ?? 0),
  };
}

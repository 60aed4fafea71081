/** Stores the record of a cascade as a commit does, and reads it again. */
import assert from "node:assert/strict";
import type { Cascade } from "../../../../src/runtime/actor/cascade.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import { changesOf } from "../../../../src/runtime/actor/record-changes.ts";
import { readRecord, readSnapshot } from "../../../../src/runtime/actor/record-decoding.ts";
import { encodeRecord } from "../../../../src/runtime/actor/record-encoding.ts";
import { type ActorRecord, RecordHeader } from "../../../../src/runtime/actor/snapshot.ts";
import type { StoredMessage } from "../../../../src/runtime/ports.ts";
import { historyItem } from "../../../../src/services/orders/history.ts";

/** The record of a cascade, as form 1 has it. */
export function recordOf(cascade: Cascade, input: Input, actor: string): ActorRecord {
  const { facts, ...snapshot } = cascade.head.snapshot;
  const stored = facts ? { ...snapshot, facts: { version: facts.version } } : snapshot;
  return { commit: "c1", actor, ...changesOf(cascade, input), snapshot: stored };
}

/** The message of a record with this payload. */
export const storedAs = (payload: string, actor: string): StoredMessage => ({
  subject: `orders.journal.3.${actor}`,
  sequence: 7,
  at: Date.UTC(2026, 10, 22),
  headers: { [RecordHeader.commit]: "c1", [RecordHeader.epoch]: "5", [RecordHeader.node]: "node-1" },
  payload,
});

/** Form 2 is read as form 1 is: the record, its states to the byte, its item of the history. */
export function mustReadTheSame(record: ActorRecord): void {
  const [one, two] = [JSON.stringify(record), encodeRecord(record)].map((text) =>
    storedAs(text, record.actor),
  );
  const read = readRecord(two!);
  assert.match(two!.payload, /^\{"form":2,/u);
  assert.deepEqual(read, readRecord(one!));
  assert.deepEqual(readSnapshot(two!), read?.snapshot);
  assert.equal(JSON.stringify(read?.snapshot), JSON.stringify(record.snapshot));
  assert.equal(JSON.stringify(historyItem(two!)), JSON.stringify(historyItem(one!)));
  assert.ok(two!.payload.length < one!.payload.length, "and it is shorter");
}

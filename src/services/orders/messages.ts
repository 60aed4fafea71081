/** The messages of outside systems in an order's inbox, with what each led to. Pure. */
import { readRecord } from "../../runtime/actor/record-decoding.ts";
import { isObject, parseObject } from "../../runtime/json.ts";
import type { StoredMessage } from "../../runtime/ports.ts";
import type { OrderMessage } from "./contract.ts";

/** Messages that are shown: the latest. */
const SHOWN = 200;

/**
 * The latest messages in the inbox, oldest first. Timers, and what cannot be read, are left out.
 * @param inbox the inbox, oldest first @param records the order's records
 */
export function orderMessages(
  inbox: readonly StoredMessage[],
  records: readonly StoredMessage[],
): OrderMessage[] {
  const versions = new Map<number, number>();
  for (const record of records) {
    const { input, snapshot } = readRecord(record) ?? {};
    if (snapshot && typeof input === "string" && input.startsWith("inbox:"))
      versions.set(snapshot.inbox, snapshot.version);
  }
  return inbox
    .slice(-SHOWN * 2)
    .flatMap((message) => read(message, versions))
    .slice(-SHOWN);
}

function read(
  { payload, sequence, at }: StoredMessage,
  versions: ReadonlyMap<number, number>,
): OrderMessage[] {
  const { kind, machine, event, id } = parseObject(payload) ?? {};
  if (kind !== "event" || typeof machine !== "string" || typeof id !== "string" || !isObject(event))
    return [];
  const { type, ...data } = event;
  return [
    {
      id,
      sequence,
      at: new Date(at).toISOString(),
      machine,
      type: typeof type === "string" ? type : "",
      data,
      version: versions.get(sequence) ?? null,
    },
  ];
}

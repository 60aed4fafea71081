import { isCount } from "../../runtime/json.ts";
import { type Changes, readChanges, type StepRead } from "../../runtime/actor/record-changes.ts";
import { readRecord } from "../../runtime/actor/record-decoding.ts";
import { type ActorRecord, RecordHeader } from "../../runtime/actor/snapshot.ts";
import type { StoredMessage } from "../../runtime/ports.ts";
import type { HistoryActor, HistoryItem, HistoryTransition } from "./contract.ts";

/** One record as the API shows it; `undefined` for a message that is no record. */
export function historyItem(message: StoredMessage): HistoryItem | undefined {
  const record = readRecord(message);
  const changes = record && isCount(record.snapshot.version) ? readChanges(record) : undefined;
  if (record === undefined || changes === undefined) return undefined;
  const { durationMs, effects, events, input, reason, sent, timers, transitions } = changes;
  const epoch = Number(message.headers[RecordHeader.epoch] ?? 0);
  return {
    version: record.snapshot.version,
    sequence: message.sequence,
    at: new Date(message.at).toISOString(),
    input,
    actor: actorOf(record, changes),
    ...(reason === undefined ? {} : { reason }),
    ...(durationMs === undefined ? {} : { durationMs }),
    transitions: transitions.map(historyTransition),
    sent: sent.map(([from, to, type]) => ({ from, to, type })),
    events,
    effects,
    timers,
    node: message.headers[RecordHeader.node] ?? "",
    epoch: isCount(epoch) ? epoch : 0,
  };
}

/** The items after a version, at most `limit`. `nextAfter`: null when they are the last ones. */
export function historyPage(
  items: readonly HistoryItem[],
  { after, limit }: { readonly after: number; readonly limit: number },
): { readonly items: readonly HistoryItem[]; readonly nextAfter: number | null } {
  const rest = items.filter(({ version }) => version > after);
  const page = rest.slice(0, limit);
  return { items: page, nextAfter: rest.length > page.length ? (page.at(-1)?.version ?? null) : null };
}

/** One step of a machine as the API shows it. */
export function historyTransition({ edges, event, from, machine, to }: StepRead): HistoryTransition {
  const [edge] = edges;
  return {
    machine,
    from,
    to,
    ...(event === undefined ? {} : { event }),
    ...(edge === undefined ? {} : { edge }),
    edges,
  };
}

/** Who caused the commit. A record states it where its input does not. */
function actorOf(record: ActorRecord, { by, input }: Changes): HistoryActor {
  if (by) return { kind: by.kind, id: by.id ?? null };
  const kind = input.slice(0, input.indexOf(":"));
  if (kind === "timer" || kind === "effect") return { kind: "system", id: null };
  if (kind === "skip") return { kind: "operator", id: null };
  if (kind !== "inbox") return { kind: "anonymous", id: null };
  const sender = senderOf(input.slice("inbox:".length), record.snapshot.commands.at(-1) ?? "");
  return { kind: sender === INVOICE_WORKER ? "worker" : "provider", id: sender };
}

const INVOICE_WORKER = "invoice";

/** Whose ids have no slash: those of version 0.1.0. */
const senders: Readonly<Record<string, string>> = {
  gateway: "payments",
  carrier: "carrier",
  invoice: INVOICE_WORKER,
  credit_note: INVOICE_WORKER,
};

/** The source of an outside input: its ids begin with its name. */
function senderOf(type: string, id: string): string | null {
  const slash = id.indexOf("/");
  return slash > 0 ? id.slice(0, slash) : (senders[type.slice(0, type.indexOf("."))] ?? null);
}

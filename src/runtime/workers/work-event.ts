import { FACTS_HEADER } from "../actor/snapshot.ts";
import type { WorkItem } from "./work-queue.ts";

/** A public event as a worker receives it (CloudEvents 1.0, binary mode). */
export type WorkEvent = {
  readonly id: string;
  readonly type: string;
  /** The id of the order that the event is about. */
  readonly subject: string;
  readonly source: string;
  /** RFC 3339; empty when absent. */
  readonly time: string;
  /** Version of the actor's facts that it goes with; 0: of none. */
  readonly facts: number;
  /** The payload, parsed from JSON. Its shape depends on the event type and is not checked here. */
  readonly data: unknown;
};

/** The message is no event. Not retryable: every reader gets the same result. */
export class NotAnEvent extends Error {
  override readonly name = "NotAnEvent";
}

/** Reads an event. @throws NotAnEvent when a required header is missing, or the payload is not JSON */
export function readEvent(item: Pick<WorkItem, "headers" | "payload">): WorkEvent {
  const { headers } = item;
  const required = (name: string): string => {
    const value = headers[name];
    if (value === undefined || value === "") throw new NotAnEvent(`header ${name} is missing`);
    return value;
  };
  const event = {
    id: required("ce-id"),
    type: required("ce-type"),
    subject: required("ce-subject"),
    source: headers["ce-source"] ?? "",
    time: headers["ce-time"] ?? "",
    facts: Number(headers[FACTS_HEADER] ?? 0) || 0,
  };
  try {
    return { ...event, data: JSON.parse(item.payload) as unknown };
  } catch (cause) {
    throw new NotAnEvent("the payload is not JSON", { cause });
  }
}

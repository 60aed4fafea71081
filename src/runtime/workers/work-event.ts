import type { WorkItem } from "./work-queue.ts";

/** A public event as a worker gets it (CloudEvents 1.0, binary mode). */
export type WorkEvent = {
  readonly id: string;
  readonly type: string;
  /** What it is about: the order's id. */
  readonly subject: string;
  readonly source: string;
  /** RFC 3339; empty when absent. */
  readonly time: string;
  /** The payload as JSON. Its shape is the event type's own matter. */
  readonly data: unknown;
};

/** The message is no event, whoever reads it and how often. */
export class NotAnEvent extends Error {
  override readonly name = "NotAnEvent";
}

/** Reads headers and payload. @throws NotAnEvent */
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
  };
  try {
    return { ...event, data: JSON.parse(item.payload) as unknown };
  } catch (cause) {
    throw new NotAnEvent("the payload is not JSON", { cause });
  }
}

/** The connection that the adapters of one process share. */
import type { NatsConnection } from "@nats-io/transport-node";

/** What the server refused: a subject that this user's permissions lack. */
export type Forbidden = {
  /** One line for people and logs, with the subject. */
  readonly reason: string;
  /** Monotonic ms of the refusal. */
  readonly at: number;
};

/** A connection and its state. */
export interface NatsLink {
  readonly nc: NatsConnection;
  connected(): boolean;
  /** A fresh subject for answers, under the prefix that the server lets this user subscribe to. */
  newInbox(): string;
  /** The newest refusal of the server to let this user publish or subscribe; undefined when there was none. */
  forbidden(): Forbidden | undefined;
  /** Calls the listener at every change, until the returned function is called. */
  onChange(listener: (connected: boolean) => void): () => void;
  /** Sends what is buffered, then closes. Idempotent. */
  close(): Promise<void>;
}

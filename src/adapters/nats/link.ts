/** The connection that the adapters of one process share. */
import type { NatsConnection } from "@nats-io/transport-node";

/** A connection and its state. */
export interface NatsLink {
  readonly nc: NatsConnection;
  connected(): boolean;
  /** Calls the listener at every change, until the returned function is called. */
  onChange(listener: (connected: boolean) => void): () => void;
  /** Sends what is buffered, then closes. Idempotent. */
  close(): Promise<void>;
}

import type { NatsConnection } from "@nats-io/transport-node";

/** A connection as the adapters share it. */
export interface NatsLink {
  readonly nc: NatsConnection;
  connected(): boolean;
  /** Told of every change; the answer ends it. */
  onChange(listener: (connected: boolean) => void): () => void;
  /** Sends what waits, then closes. Idempotent. */
  close(): Promise<void>;
}

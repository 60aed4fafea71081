/** Reads the rest of a refused body, within bounds, and discards it. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { httpLimits } from "./limits.ts";

const ignore = (): void => undefined;

/**
 * Reads and discards the rest of a request's body. Closing a connection with unread data resets it, and the sender may
 * then never read why its request was refused. Resolves at the end of the body, at the bounds of `httpLimits.discard`,
 * or when the sender has disconnected, whichever is first. Never rejects.
 */
export async function discardBody(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed) return;
  let bytes = 0;
  const enough = new AbortController();
  const timeout = AbortSignal.timeout(httpLimits.discard.timeoutMs);
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > httpLimits.discard.bytes) enough.abort();
  };
  request.on("data", count);
  const signal = AbortSignal.any([enough.signal, timeout]);
  await Promise.race([once(request, "end", { signal }), once(request, "close", { signal })]).catch(ignore);
  request.off("data", count);
  request.pause();
}

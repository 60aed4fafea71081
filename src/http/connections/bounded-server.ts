/**
 * An HTTP server whose connections are bounded: in answers under way, and in the time that they take to send.
 * Owns: the number of answers under way on each connection.  Does not own: how a request is answered.
 * Invariants
 *   bounded-server.B1. At most `answersUnderWay` requests of one connection have no complete answer. Node parses
 *                      pipelined requests (RFC 9112, 9.3.2) as they arrive, whether their client reads or not; the one
 *                      beyond the bound closes the connection, and is dropped.
 *   bounded-server.B2. An answer is complete when the operating system has taken its last byte. A client that does not
 *                      read has answers under way; its connection is closed after `silentConnectionMs` without a byte.
 * Proved by: test/unit/http/bounded-server.test.ts, test/integration/http/connections.test.ts
 */
import { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";

/** The bounds of a server's connections. */
export type ConnectionBounds = {
  readonly answersUnderWay: number;
  /** ms to receive a whole request */
  readonly requestTimeoutMs: number;
  /** ms to receive its headers */
  readonly headersTimeoutMs: number;
  /** ms between two checks of both: a request is cut at most this time after its limit */
  readonly checkEveryMs: number;
  /** ms without a byte in either direction */
  readonly silentConnectionMs: number;
  /** ms that a connection without a request stays open */
  readonly keepAliveMs: number;
};

/** Makes the server of an application; `listener` answers the requests. It listens to nothing yet. */
export function boundedServer(bounds: ConnectionBounds, listener: RequestListener): Server {
  const underWay = new WeakMap<Socket, number>();
  const closing = closeOneByOne();
  const change = (socket: Socket, by: number): number => {
    const count = (underWay.get(socket) ?? 0) + by;
    underWay.set(socket, count);
    return count;
  };
  const server = createServer(
    {
      requestTimeout: bounds.requestTimeoutMs,
      headersTimeout: bounds.headersTimeoutMs,
      connectionsCheckingInterval: bounds.checkEveryMs,
      keepAliveTimeout: bounds.keepAliveMs,
    },
    (request, response) => {
      const { socket } = request;
      // The parser goes on to the end of what it has read.
      if (socket.destroyed || closing.has(socket)) return;
      if ((underWay.get(socket) ?? 0) >= bounds.answersUnderWay) {
        closing.add(socket);
        return;
      }
      change(socket, 1);
      response.once("close", () => change(socket, -1));
      listener(request, response);
    },
  );
  server.setTimeout(bounds.silentConnectionMs);
  return server;
}

/**
 * Closes one connection in each iteration of the event loop. Node makes an error for every request of a closed
 * connection: about 10 ms of work for one with thousands of them, during which no other connection is served.
 */
function closeOneByOne(): { has(socket: Socket): boolean; add(socket: Socket): void } {
  const waiting = new Set<Socket>();
  const next = (): void => {
    const [socket] = waiting;
    if (!socket) return;
    waiting.delete(socket);
    socket.destroy();
    setImmediate(next);
  };
  return {
    has: (socket) => waiting.has(socket),
    add: (socket) => {
      // Nothing more is read of it.
      socket.pause();
      waiting.add(socket);
      if (waiting.size === 1) setImmediate(next);
    },
  };
}

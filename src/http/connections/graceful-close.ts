/**
 * Closing without cutting answers off. The listener closes at its first quiet moment, after a second at most.
 * Requests that still arrive on open connections are served, with the header that closes the connection.
 * Owns: the requests that have no answer yet.  Does not own: how long a service works on them.
 * Invariants
 *   close.G1. A request without an answer by `stopping.answersMs` is answered 503 with `Retry-After`. What is still
 *             open by `stopping.closeGraceMs` is cut, so `app.close()` always ends.
 *   close.G2. A connection is not closed while a request on it may be in flight: idle ones stay open for a moment.
 * Proved by: test/integration/http/closing.test.ts, test/fault/hand-over.test.ts
 */
import { Server as TcpServer, type Socket } from "node:net";
import type { FastifyReply } from "fastify";
import { stopping } from "../../runtime/limits.ts";
import { RETRY_AFTER_MS } from "../../services/unavailable.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { retryAfter, sendProblem } from "../protocol/problem-answers.ts";

/** A client usually sends one more request on a connection within this time; the connection closes after its answer. */
const IDLE_CONNECTIONS_MS = 300;
const CHECK_EVERY_MS = 20;
/** In so short an iteration of the event loop a connection hardly arrives. On a slower node the next bound decides. */
const QUICK_ITERATION_MS = 1;
const MAX_ACCEPT_CHECK_MS = 1000;

/**
 * Makes `app.close()` finish the requests that are under way.
 * @returns whether the app is closing
 */
export function closeGracefully(app: HttpApp): () => boolean {
  let closing = false;
  const timers: NodeJS.Timeout[] = [];
  const unanswered = new Set<FastifyReply>();
  app.addHook("onRequest", (_request, reply, done) => {
    unanswered.add(reply);
    reply.raw.once("close", () => unanswered.delete(reply));
    done();
  });
  app.addHook("onSend", (request, reply, _payload, done) => {
    // Of a request that arrived before the close. For later ones the framework sets the header.
    if (closing && isLastOn(request.raw.socket, unanswered)) reply.header("connection", "close");
    done();
  });
  app.addHook("preClose", (done) => {
    closing = true;
    timers.push(
      setTimeout(() => answerUnavailable(unanswered), stopping.answersMs),
      setTimeout(() => app.server.closeAllConnections(), stopping.closeGraceMs),
    );
    whenNoneConnects(app, () => {
      // The HTTP server's own `close` would close idle connections as well.
      if (app.server.listening) TcpServer.prototype.close.call(app.server);
      void untilUnused(app).then(() => setImmediate(done));
    });
  });
  app.addHook("onClose", (_app, done) => {
    for (const timer of timers) clearTimeout(timer);
    done();
  });
  return () => closing;
}

/** Whether no other request waits on this connection: one sent after this one would get no answer. */
function isLastOn(socket: Socket, unanswered: ReadonlySet<FastifyReply>): boolean {
  return [...unanswered].filter((reply) => reply.request.raw.socket === socket).length <= 1;
}

function answerUnavailable(unanswered: ReadonlySet<FastifyReply>): void {
  for (const reply of unanswered) {
    if (!reply.sent) sendProblem(retryAfter(reply, RETRY_AFTER_MS), "unavailable");
  }
}

/**
 * The operating system accepts connections for the listener. When the listener closes, the system resets those that it
 * has not passed on yet. `then` therefore runs right after a check that found none: the next connection is refused, not
 * reset.
 */
function whenNoneConnects({ server }: HttpApp, then: () => void): void {
  const until = performance.now() + MAX_ACCEPT_CHECK_MS;
  let found = false;
  const accept = (): void => {
    found = true;
  };
  server.on("connection", accept);
  const check = (before: number): void => {
    // An iteration of the event loop ends here, after the connections that it has accepted.
    const now = performance.now();
    if ((found || now - before > QUICK_ITERATION_MS) && now < until) {
      found = false;
      setImmediate(check, performance.now());
      return;
    }
    server.off("connection", accept);
    then();
  };
  setImmediate(check, Number.NEGATIVE_INFINITY);
}

async function untilUnused({ server }: HttpApp): Promise<void> {
  const until = performance.now() + IDLE_CONNECTIONS_MS;
  const open = () =>
    new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
  while (performance.now() < until && (await open()) > 0)
    await new Promise((resolve) => setTimeout(resolve, CHECK_EVERY_MS));
}

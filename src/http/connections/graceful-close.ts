/**
 * Closing without cutting answers off. New connections are refused from the first quiet moment on, after a second at most;
 * requests that still arrive on open ones are served, and told to close.
 * Owns: the requests that have no answer yet.  Does not own: how long a service works on them.
 * Invariants
 *   G1. Whoever has no answer by `stopping.answersMs` is told 503 with `Retry-After`; what is still open by
 *       `stopping.closeGraceMs` is cut, so that `app.close()` always ends.
 *   G2. A connection is not closed while a request on it may be on its way: those that are idle stay for a moment.
 * Proved by: test/integration/http/closing.test.ts, test/fault/hand-over.test.ts
 */
import { Server as TcpServer } from "node:net";
import type { Socket } from "node:net";
import type { FastifyReply } from "fastify";
import { stopping } from "../../runtime/limits.ts";
import { RETRY_AFTER_MS } from "../../services/unavailable.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { retryAfter, sendProblem } from "../protocol/problem-answers.ts";

/** A connection in use is used once more meanwhile, and then closed behind its answer. */
const IDLE_CONNECTIONS_MS = 300;
const LOOK_EVERY_MS = 20;
/** A turn of the event loop in which hardly anybody can have connected meanwhile; on a node that is never so quick, the bound. */
const QUICK_TURN_MS = 1;
const LONGEST_LOOK_MS = 1000;

/** @returns whether the app is closing */
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
    // Of a request that was there before; those that come now are told so by the framework.
    if (closing && isLastOn(request.raw.socket, unanswered)) reply.header("connection", "close");
    done();
  });
  app.addHook("preClose", (done) => {
    closing = true;
    timers.push(
      setTimeout(() => giveUp(unanswered), stopping.answersMs),
      setTimeout(() => app.server.closeAllConnections(), stopping.closeGraceMs),
    );
    whenNobodyConnects(app, () => {
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

/** A request that was sent behind this one on its connection would get no answer. */
function isLastOn(socket: Socket, unanswered: ReadonlySet<FastifyReply>): boolean {
  return [...unanswered].filter((reply) => reply.request.raw.socket === socket).length <= 1;
}

function giveUp(unanswered: ReadonlySet<FastifyReply>): void {
  for (const reply of unanswered) {
    if (!reply.sent) sendProblem(retryAfter(reply, RETRY_AFTER_MS), "unavailable");
  }
}

/**
 * The system takes connections on the listener's behalf, and resets those that it has not passed on yet when the
 * listener closes. So this happens right behind a look for them that found none; the next one is refused, not reset.
 */
function whenNobodyConnects({ server }: HttpApp, then: () => void): void {
  const until = performance.now() + LONGEST_LOOK_MS;
  let found = false;
  const accept = (): void => {
    found = true;
  };
  server.on("connection", accept);
  const look = (before: number): void => {
    // A turn of the event loop ends here, behind the connections that it has found.
    const now = performance.now();
    if ((found || now - before > QUICK_TURN_MS) && now < until) {
      found = false;
      setImmediate(look, performance.now());
      return;
    }
    server.off("connection", accept);
    then();
  };
  setImmediate(look, Number.NEGATIVE_INFINITY);
}

async function untilUnused({ server }: HttpApp): Promise<void> {
  const until = performance.now() + IDLE_CONNECTIONS_MS;
  const open = () =>
    new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
  while (performance.now() < until && (await open()) > 0)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}

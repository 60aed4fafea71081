import Fastify, { type FastifyInstance } from "fastify";
import type { ReceivedMessages } from "./messages.ts";
import { mailboxPage } from "./page.ts";

const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
  "x-content-type-options": "nosniff",
};

/** `GET /messages`, `DELETE /messages`, and a page for people at `/`. */
export function createMailboxApp(letters: ReceivedMessages): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true });
  app.get("/messages", async (_request, reply) => reply.send(await letters.read()));
  app.delete("/messages", (_request, reply) => {
    letters.clear();
    return reply.status(204).send();
  });
  app.get("/", async (_request, reply) =>
    reply.headers(PAGE_HEADERS).send(mailboxPage(await letters.read())),
  );
  for (const path of ["/health/live", "/health/ready"]) {
    app.get(path, (_request, reply) => reply.send({ status: "ok", received: letters.received }));
  }
  return app;
}

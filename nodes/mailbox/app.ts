/** The development mailbox's HTTP interface. */
import Fastify, { type FastifyInstance } from "fastify";
import type { ReceivedMessages } from "./messages.ts";
import { mailboxPage } from "./page.ts";

const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
  "x-content-type-options": "nosniff",
};

/** `GET /messages`, `DELETE /messages`, and a page for people at `/`. */
export function createMailboxApp(messages: ReceivedMessages): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true });
  app.get("/messages", async (_request, reply) => reply.send(await messages.read()));
  app.delete("/messages", (_request, reply) => {
    messages.clear();
    return reply.status(204).send();
  });
  app.get("/", async (_request, reply) =>
    reply.headers(PAGE_HEADERS).send(mailboxPage(await messages.read())),
  );
  for (const path of ["/health/live", "/health/ready"]) {
    app.get(path, (_request, reply) => reply.send({ status: "ok", received: messages.received }));
  }
  return app;
}

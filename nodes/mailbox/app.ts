/** The development mailbox's HTTP interface. */
import Fastify, { type FastifyInstance } from "fastify";
import type { KnownHosts } from "../../src/http/connections/known-hosts.ts";
import { ownPagesOnly } from "../simulators/own-pages.ts";
import type { ReceivedMessages } from "./messages.ts";
import { mailboxPage } from "./page.ts";

const HTML = "text/html; charset=utf-8";

/** `GET /messages`, `DELETE /messages`, and a page for people at `/`. */
export function createMailboxApp(messages: ReceivedMessages, known?: KnownHosts): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true });
  ownPagesOnly(app, known);
  app.get("/messages", async (_request, reply) => reply.send(await messages.read()));
  app.delete("/messages", (_request, reply) => {
    messages.clear();
    return reply.status(204).send();
  });
  app.get("/", async (_request, reply) => reply.type(HTML).send(mailboxPage(await messages.read())));
  for (const path of ["/health/live", "/health/ready"]) {
    app.get(path, (_request, reply) => reply.send({ status: "ok", received: messages.received }));
  }
  return app;
}

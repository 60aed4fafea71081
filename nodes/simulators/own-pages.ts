/** What the simulators and the mailbox do about the browsers that open their pages. */
import type { FastifyInstance } from "fastify";
import { foreign, type KnownHosts } from "../../src/http/connections/known-hosts.ts";

const HEADERS = {
  "x-content-type-options": "nosniff",
  // With no referrer at all a browser would send the origin of its own forms as `null`.
  "referrer-policy": "same-origin",
  "x-frame-options": "DENY",
} as const;

/** The policy of a page with styles of its own; its forms go to the page's own server. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

/**
 * Serves own pages and callers that are no browsers: 403 `foreign_origin` for every other request, before its body is
 * read. No page may be framed. To be added before all routes.
 */
export function ownPagesOnly(app: FastifyInstance, known: KnownHosts = new Set()): void {
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers(HEADERS).header("content-security-policy", PAGE_POLICY);
    const message = foreign(request.raw, known);
    if (message === undefined) return done();
    reply.status(403).send({ error: "foreign_origin", message });
  });
}

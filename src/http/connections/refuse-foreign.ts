/** Refuses requests of other sites and names first, before their bodies are read and their addresses looked up. */
import type { IncomingMessage } from "node:http";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendProblem } from "../protocol/problem-answers.ts";
import { setStandardHeaders } from "../protocol/response-headers.ts";
import { foreign, type KnownHosts } from "./known-hosts.ts";

const SIGNED = "/v1/webhooks/";

/** A message of another system, whose signature counts: pages cannot sign. Reading is not signed. */
const isSigned = ({ method, url }: IncomingMessage): boolean =>
  method === "POST" && url?.startsWith(SIGNED) === true;

/** Answers 403 `foreign_origin`. It must be the first hook of the app. */
export function refuseForeign(app: HttpApp, known: KnownHosts): void {
  app.addHook("onRequest", (request, reply, done) => {
    const reason = foreign(request.raw, known, isSigned(request.raw));
    if (reason === undefined) return done();
    setStandardHeaders(reply);
    sendProblem(reply, "foreign_origin", { detail: `${reason}.` });
  });
}

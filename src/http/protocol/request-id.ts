/** The id by which a client and our log speak of the same request. */
import type { IncomingMessage } from "node:http";

const sane = /^[A-Za-z0-9._:-]{1,128}$/u;

/** Takes a sane `X-Request-Id` of the client, otherwise a fresh one: what goes into logs is bounded and printable. */
export function requestIds(next: () => string): (request: IncomingMessage) => string {
  return (request) => {
    const given = request.headers["x-request-id"];
    return typeof given === "string" && sane.test(given) ? given : `req_${next()}`;
  };
}

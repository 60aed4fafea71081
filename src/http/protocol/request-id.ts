/** The id by which a client and the node's log name the same request. */
import type { IncomingMessage } from "node:http";
import { hasCardNumber } from "../../../config/card-numbers.ts";

const sane = /^[A-Za-z0-9._:-]{1,128}$/u;

/**
 * Ids of requests: a sane `X-Request-Id` of the client, otherwise `req_` and a fresh token. What goes into logs is thus
 * bounded and printable, and no card number.
 * @param next a fresh URL-safe token
 */
export function requestIds(next: () => string): (request: IncomingMessage) => string {
  return (request) => {
    const given = request.headers["x-request-id"];
    return typeof given === "string" && sane.test(given) && !hasCardNumber(given) ? given : `req_${next()}`;
  };
}

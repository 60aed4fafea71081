/** Answers on the bare socket: for bytes that are not an HTTP request, and for requests that arrive too late. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { PROBLEM_TYPE, type ProblemCode, problems, toProblem } from "./problems.ts";

const problemOfCode: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
};

/**
 * The server's `clientError` listener. It closes the connection in every case.
 * @param nextId a fresh URL-safe token, for the request id of the answer
 */
export function clientErrors(nextId: () => string): (error: NodeJS.ErrnoException, socket: Socket) => void {
  return (error, socket) => {
    // After a first answer on this connection, the client would take the bytes of a second one for its rest.
    if (error.code === "ECONNRESET" || !socket.writable || socket.bytesWritten > 0) {
      socket.destroy();
      return;
    }
    socket.end(rawProblem(problemOfCode[error.code ?? ""] ?? "bad_request", `req_${nextId()}`));
  };
}

function rawProblem(code: ProblemCode, requestId: string): string {
  const { status } = problems[code];
  const body = JSON.stringify(toProblem(code, requestId));
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Connection: close",
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "X-Content-Type-Options: nosniff",
    `X-Request-Id: ${requestId}`,
    "",
    body,
  ].join("\r\n");
}

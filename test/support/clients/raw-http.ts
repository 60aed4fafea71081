/** HTTP written by hand to a socket, for requests that no client library would send. */
import { connect, type Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { waitUntil } from "../wait-until.ts";

export type RawAnswer = { readonly status: number; readonly head: string; readonly body: string };

export type RawConnection = {
  readonly socket: Socket;
  send(text: string | Buffer): void;
  /** All complete answers so far, oldest first. */
  answers(): RawAnswer[];
  /** The first `count` answers. @throws NeverHappened */
  take(count: number): Promise<RawAnswer[]>;
  /** Resolves when the server has closed the connection. @throws NeverHappened */
  closed(): Promise<unknown>;
};

/** A connection to a listening app; the caller destroys its socket. */
export function rawConnection(app: FastifyInstance): RawConnection {
  const address = app.server.address();
  if (typeof address !== "object" || address === null) throw new Error("the app does not listen");
  const socket = connect({ port: address.port, host: "127.0.0.1" });
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  socket.on("error", () => undefined);
  const answers = () => parse(received.toString("utf8"));
  return {
    socket,
    answers,
    send: (text) => void socket.write(text),
    take: (count) => waitUntil(`${count} answers`, () => (answers().length >= count ? answers() : undefined)),
    closed: () => waitUntil("the server closes the connection", () => socket.closed || socket.readableEnded),
  };
}

function parse(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) return answers;
    const head = rest.slice(0, end);
    const length = Number(/content-length: (\d+)/iu.exec(head)?.[1] ?? 0);
    const bytes = Buffer.from(rest.slice(end + 4));
    if (bytes.length < length) return answers;
    answers.push({
      status: Number(head.slice(9, 12)),
      head,
      body: bytes.subarray(0, length).toString("utf8"),
    });
    rest = bytes.subarray(length).toString("utf8");
  }
}

/**
 * One keep-alive connection to an order node, one request at a time: as little work as possible, because the generator
 * shares its cores with the measured processes. It understands the answers of Orderly's nodes, not all of HTTP.
 */
import { connect, type Socket } from "node:net";

/** The parts of an answer that a caller needs. */
export type HttpAnswer = { readonly status: number; readonly body: string };

/** Longer than the longest answer of a node. */
const ANSWER_TIMEOUT_MS = 30_000;

/** A whole POST with a JSON body, ready to be sent repeatedly. */
export function postRequest(path: string, body: object): Buffer {
  const payload = Buffer.from(JSON.stringify(body));
  const head =
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${payload.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** The connection of one caller. */
export class Connection {
  private readonly socket: Socket;
  private received: Buffer = Buffer.alloc(0);
  private waiting: PromiseWithResolvers<HttpAnswer> | undefined;
  private failure: Error | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    // Between two phases no caller waits, however long the pause is.
    this.socket.setTimeout(ANSWER_TIMEOUT_MS, () => {
      if (this.waiting !== undefined) this.fail(new Error("no answer in time"));
    });
    this.socket.on("data", (data: Buffer) => this.take(data));
    this.socket.on("error", (error) => this.fail(error));
    this.socket.on("close", () => this.fail(new Error("connection closed")));
  }

  /** @throws Error when the connection is lost or the answer is not HTTP in the known form; it is unusable then */
  send(request: Buffer): Promise<HttpAnswer> {
    if (this.waiting !== undefined) throw new Error("one request at a time");
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const waiting = Promise.withResolvers<HttpAnswer>();
    this.waiting = waiting;
    this.socket.write(request);
    return waiting.promise;
  }

  close(): void {
    this.socket.destroy();
  }

  private take(data: Buffer): void {
    const received = this.received.length === 0 ? data : Buffer.concat([this.received, data]);
    this.received = received;
    const end = received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = received.toString("latin1", 0, end);
    const length = /\r\ncontent-length: *(\d+)/iu.exec(head)?.[1];
    if (length === undefined) {
      this.fail(new Error(`an answer without length: ${head.slice(0, 100)}`));
      return;
    }
    const bodyAt = end + 4;
    if (received.length < bodyAt + Number(length)) return;
    this.received = Buffer.alloc(0);
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body: received.toString("utf8", bodyAt) });
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.socket.destroy();
    this.waiting?.reject(this.failure);
    this.waiting = undefined;
  }
}

/**
 * Server-Sent Events (HTML standard, "Server-sent events") on the connections of this node.
 * Owns: the open streams and their limits.  Does not own: what is sent, and where it comes from.
 * Invariants
 *   sse.E1. At most `httpLimits.streams.open` streams are open.
 *   sse.E2. A client that does not read has at most `httpLimits.streams.unsentBytes` waiting and one event more; then
 *           its stream ends with `reset`.
 *   sse.E3. When the node closes, or is isolated from NATS, each stream ends with `bye`: the client goes on elsewhere.
 * Proved by: test/integration/http/event-stream.test.ts
 */
import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import { shownJson } from "../access/personal-view.ts";
import type { Operations } from "../operations/operations-port.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { httpLimits } from "../protocol/limits.ts";

const limits = httpLimits.streams;

/** One open stream. */
export class EventStream {
  private readonly response: ServerResponse;
  private readonly onEnd: () => void;
  private readonly shownJson: (json: string) => string;
  private over = false;

  /**
   * @param onEnd called once, when nothing more can be sent
   * @param shownJson what the client may see of JSON
   */
  constructor(response: ServerResponse, onEnd: () => void, shownJson = (json: string): string => json) {
    this.response = response;
    this.shownJson = shownJson;
    this.onEnd = onEnd;
    // The client has gone; errors of its connection say no more than that.
    response.on("close", () => this.close());
    response.on("error", () => this.close());
  }

  /** Sends an event. Without effect once the stream has ended. @param id the position that a client resumes from */
  send(event: string, data: object, id?: number | string): void {
    if (!this.over) this.sendText(event, JSON.stringify(data), id);
  }

  /** The same for data that is JSON already. */
  sendText(event: string, json: string, id?: number | string): void {
    if (this.over) return;
    this.write(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${this.shownJson(json)}\n\n`);
    if (this.response.writableLength > limits.unsentBytes) this.end("reset", { why: "too_slow" });
  }

  /** Whether nothing more can be sent. */
  ended(): boolean {
    return this.over;
  }

  /** A line that clients ignore: proxies and the client see that the connection lives. */
  comment(): void {
    if (!this.over) this.write(":\n\n");
  }

  /** Sends the last event and ends the stream. Idempotent. */
  end(event: "bye" | "reset", data: { readonly why: string }): void {
    if (this.over) return;
    this.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    this.close();
    this.response.end();
    const { socket } = this.response;
    // A client that does not read would keep the connection.
    setTimeout(() => socket?.destroy(), limits.endMs).unref();
  }

  /** The first line, once: how long a client waits before it comes again, ms. */
  begin(retryMs: number): void {
    this.write(`retry: ${retryMs}\n\n`);
  }

  private write(text: string): void {
    this.response.write(text);
  }

  private close(): void {
    if (this.over) return;
    this.over = true;
    this.onEnd();
  }
}

/** The open streams of an app. */
export class EventStreams {
  private readonly open = new Set<EventStream>();

  /** Ends its streams when the app closes, or when the node is isolated. */
  constructor(
    app: Pick<HttpApp, "addHook">,
    operations: Pick<Operations, "isolation">,
    commentEveryMs: number = limits.commentEveryMs,
  ) {
    const beat = setInterval(() => {
      const isolated = operations.isolation() !== undefined;
      for (const stream of this.open)
        if (isolated) stream.end("bye", { why: "isolated" });
        else stream.comment();
    }, commentEveryMs).unref();
    app.addHook("preClose", (done) => {
      clearInterval(beat);
      for (const stream of this.open) stream.end("bye", { why: "closing" });
      done();
    });
  }

  /** Whether one more may be opened. */
  hasRoom(): boolean {
    return this.open.size < limits.open;
  }

  /**
   * Begins a stream: the headers are sent. `undefined`, and nothing is sent, when there is no room.
   * @param onEnd called once, when nothing more can be sent
   */
  begin(reply: FastifyReply, onEnd: () => void): EventStream | undefined {
    if (!this.hasRoom()) return undefined;
    reply.hijack();
    const { raw } = reply;
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) raw.setHeader(name, value);
    // Proxies neither keep nor change nor collect it.
    raw.setHeader("cache-control", "no-store, no-transform");
    raw.setHeader("x-accel-buffering", "no");
    // It ends with its stream: no other request may wait on it while it is cut.
    raw.setHeader("connection", "close");
    raw.setHeader("content-type", "text/event-stream; charset=utf-8");
    raw.writeHead(200);
    const ended = () => {
      this.open.delete(stream);
      onEnd();
    };
    const stream: EventStream = new EventStream(raw, ended, (json) => shownJson(reply.request, json));
    this.open.add(stream);
    // Clients of a node that ends do not come back at the same moment.
    stream.begin(limits.retryMs + Math.floor(Math.random() * limits.retryMs));
    // Its connection may have ended before the stream began to listen for that.
    if (raw.destroyed || raw.closed) stream.end("bye", { why: "gone" });
    return stream;
  }
}

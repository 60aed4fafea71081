/** What is logged of requests: one line each at debug level, and a warning for an answer that broke off. */
import { type FastifyReply, type FastifyRequest, LogController } from "fastify";

/** Fastify's log controller with those lines. They hold the route and no address. */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: "requestId" });
  }

  override incomingRequest(): void {
    // The line at the end has every field.
  }

  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    const fields = {
      method: request.method,
      // The route, not the address: addresses hold ids of customers' orders.
      route: request.routeOptions.url,
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime),
    };
    if (error) request.log.warn({ ...fields, err: error }, "answer broke off");
    else request.log.debug(fields, "request answered");
  }
}

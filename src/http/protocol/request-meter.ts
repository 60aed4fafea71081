/** Measures requests, for metrics. */
import type { HttpApp } from "./http-app.ts";

/** A request whose answer has ended, or broke off. `route` is empty where none fits. */
export type AnsweredRequest = {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
};

/** Calls `answered` once for each request. It must not throw. */
export function measureRequests(app: HttpApp, answered: (request: AnsweredRequest) => void): void {
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.is404 ? "" : (request.routeOptions.url ?? "");
    answered({ method: request.method, route, status: reply.statusCode, durationMs: reply.elapsedTime });
    done();
  });
}

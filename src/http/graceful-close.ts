/** Closing without cutting answers off: new connections are refused, answers under way get a bounded time. */
import type { HttpApp } from "./http-app.ts";
import { httpLimits } from "./limits.ts";

/**
 * Requests that still arrive on open connections are served, and told to close. After the grace the remaining
 * connections are cut, so that `app.close()` always ends.
 * @returns whether the app is closing
 */
export function closeGracefully(app: HttpApp): () => boolean {
  let closing = false;
  let timer: NodeJS.Timeout | undefined;
  app.addHook("preClose", (done) => {
    closing = true;
    timer = setTimeout(() => app.server.closeAllConnections(), httpLimits.closeGraceMs);
    done();
  });
  app.addHook("onClose", (_app, done) => {
    clearTimeout(timer);
    done();
  });
  return () => closing;
}

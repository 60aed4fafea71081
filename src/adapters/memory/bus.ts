/** Request and reply on the server in memory. */
import { type Bus, type BusAnswer, type Subscription, Unavailable } from "../../runtime/ports.ts";
import type { MemoryLink } from "./link.ts";
import type { Listener } from "./server.ts";

/** The bus as this node sees it. */
export function memoryBus(link: MemoryLink): Bus {
  /** One round trip, after which the server knows every subscription made so far. */
  const flush = (): Promise<void> =>
    new Promise((resolve, reject) => {
      if (!link.connected()) return reject(new Unavailable("not connected"));
      link.clock.after(2 * link.server.latencyMs(), () =>
        link.state === "up" ? resolve() : reject(new Unavailable("connection lost")),
      );
    });
  return {
    request: (subject, payload, timeoutMs) => request(link, subject, payload, timeoutMs),
    serve: async (subject, handler) => serve(link, subject, handler),
    flush,
    connected: () => link.connected(),
    onConnectionChange(listener) {
      let reported = link.connected();
      link.onChange(() => {
        const connected = link.connected();
        if (connected === reported) return;
        reported = connected;
        listener(connected);
      });
    },
  };
}

async function request(
  link: MemoryLink,
  subject: string,
  payload: string,
  timeoutMs: number,
): Promise<BusAnswer> {
  const answer = await link.call<BusAnswer>({ kind: "request", subject }, timeoutMs, (reply) => {
    const listeners = link.server.listeners(subject);
    if (listeners.length === 0) return reply({ status: "no_responders" });
    for (const listener of listeners) {
      listener(payload, (result) => reply({ status: "answered", payload: result }));
    }
  });
  return answer ?? { status: "unanswered", reason: link.connected() ? "no answer in time" : "not connected" };
}

function serve(
  link: MemoryLink,
  subject: string,
  handler: (payload: string) => Promise<string>,
): Subscription {
  const { server, clock } = link;
  let stopped = false;
  let unlisten: (() => void) | undefined;
  // A rejection is left unhandled on purpose: it ends the process.
  const handle = async (payload: string, answer: (payload: string) => void) => {
    const result = await handler(payload);
    if (link.sends()) clock.after(server.latencyMs(), () => answer(result));
  };
  const listener: Listener = (payload, answer) => {
    // Cut: the server still believes in the connection, but the request is lost.
    if (!link.hears()) return;
    // Also when serving has stopped meanwhile: the server has sent the request, and no other listener will answer.
    clock.after(server.latencyMs(), () => {
      if (link.hears()) void handle(payload, answer);
    });
  };
  const listen = () =>
    clock.after(server.latencyMs(), () => {
      if (!stopped && link.sends()) unlisten ??= server.listen(subject, listener);
    });
  if (link.sends()) listen();
  const forget = link.onChange((state) => {
    if (state === "up") listen();
    if (state !== "down") return;
    unlisten?.();
    unlisten = undefined;
  });
  return {
    async stop() {
      stopped = true;
      forget();
      unlisten?.();
      unlisten = undefined;
      if (link.state !== "up") return;
      await new Promise<void>((resolve) => {
        clock.after(2 * server.latencyMs(), resolve);
      });
    },
  };
}

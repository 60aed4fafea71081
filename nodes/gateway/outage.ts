/** Failures of the whole gateway simulator for a while, on purpose. */
import { setTimeout as pause } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";

const Fault = Type.Object(
  {
    mode: Type.Enum(["none", "errors", "silence", "slow"]),
    forMs: Type.Integer({ minimum: 1, maximum: 600_000 }),
  },
  { additionalProperties: false },
);

/** Adds `POST /faults`, and lets requests about money fail as it asks. Before all routes. */
export function failOnPurpose(
  app: FastifyInstance,
  {
    closing,
    now,
    slowMs,
  }: {
    readonly closing: AbortSignal;
    readonly now: () => number;
    readonly slowMs: number;
  },
): void {
  let fault: { readonly mode: string; readonly until: number } = { mode: "none", until: 0 };
  app.addHook("preHandler", async (request, reply) => {
    if (now() >= fault.until || !/^\/(?:payments|operations)\//u.test(request.url)) return;
    if (fault.mode === "errors") await reply.status(500).send({ error: "gateway_error" });
    else if (fault.mode === "silence") reply.hijack();
    else if (fault.mode === "slow") await pause(slowMs, undefined, { signal: closing });
  });
  app.post("/faults", { schema: { body: Fault } }, (request, reply) => {
    const { forMs, mode } = request.body as { mode: string; forMs: number };
    fault = { mode, until: mode === "none" ? 0 : now() + forMs };
    return reply.send({ mode, until: mode === "none" ? null : new Date(fault.until).toISOString() });
  });
}

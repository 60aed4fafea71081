/**
 * Hosts one turnstile on NATS. Each line on standard input is an event: `coin` or `push`. Ctrl-C and the end of the
 * input end it in order.
 */
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { hostActors } from "orderly/runtime";
import { turnstile } from "./turnstile.ts";

const GATE = "gate-1";
const LOCK_AFTER_MS = Number(process.env["LOCK_AFTER_MS"] ?? 10_000);
const CHECK_MS = Number(process.env["CHECK_MS"] ?? 1_000);

const host = await hostActors({
  definition: turnstile(async (key) => {
    console.log(`checking a coin (${key})`);
    await pause(CHECK_MS);
    return { receipt: key };
  }),
  nats: process.env["NATS_URL"] ?? "nats://127.0.0.1:4222",
  prefix: "turnstile",
  home: process.env["HOME_FOLDER"] ?? ".orderly/turnstile",
});

console.log(`process ${process.pid}`);
// Finds the turnstile of an earlier run, or starts it.
await host.actors.start(GATE, { lockAfterMs: LOCK_AFTER_MS }, { waitMs: 2_000, mayExist: true });
await show();

const lines = createInterface({ input: process.stdin });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => lines.close());
for await (const line of lines) {
  const type = line.trim();
  if (type === "") await show();
  else {
    const options = { commandId: randomUUID(), waitMs: 5_000 };
    const reply = await host.actors.command(GATE, "turnstile", { type }, options);
    if (reply.status === "ok") await show();
    else console.log(`${type}: ${reply.status}`);
  }
}
await host.stop();

async function show(): Promise<void> {
  const reply = await host.actors.read(GATE);
  if (reply.status !== "ok") return console.log(`${GATE}: ${reply.status}`);
  const { turnstile: gate, counter } = reply.snapshot.machines;
  const { coins } = gate!.context as { coins: number };
  const { passed } = counter!.context as { passed: number };
  console.log(`${GATE} is ${String(gate!.value)}: ${coins} coins, ${passed} passages`);
}

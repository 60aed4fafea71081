/**
 * Hosts bookings of seats. Lines on standard input: `book 12A`, `pay 12A`, `cancel 12A`, `show 12A`. Ctrl-C and the end
 * of the input end it in order.
 */
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { hostActors } from "orderly/runtime";
import type { ActorReply } from "orderly/actors";
import { booking } from "./booking.ts";
import { fileTerminal } from "./file-terminal.ts";

const home = process.env["HOME_FOLDER"] ?? ".orderly/booking";
/** One terminal for all hosts: whichever of them resumes a charge asks the terminal that has made it. */
const TERMINAL = ".orderly/booking/terminal";
const HOLD_MS = Number(process.env["HOLD_MS"] ?? 60_000);

const host = await hostActors({
  definition: booking(fileTerminal(TERMINAL, Number(process.env["CHARGE_MS"] ?? 1_000))),
  nats: process.env["NATS_URL"] ?? "nats://127.0.0.1:4222",
  prefix: "booking",
  home,
});
console.log(`bookings are open (process ${process.pid})`);

const lines = createInterface({ input: process.stdin });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => lines.close());
for await (const line of lines) {
  const [verb = "", seat = ""] = line.trim().split(" ");
  console.log(`${seat} ${textOf(await reply(verb, `seat-${seat}`, seat))}`);
}
await host.stop();

async function reply(verb: string, id: string, seat: string): Promise<ActorReply> {
  switch (verb) {
    case "book":
      return await host.actors.start(
        id,
        { seat, cents: 2_500, holdMs: HOLD_MS },
        { waitMs: 2_000, mayExist: true },
      );
    case "pay":
    case "cancel":
      return await host.actors.command(
        id,
        "booking",
        { type: verb },
        { commandId: randomUUID(), waitMs: 5_000 },
      );
    default:
      // `show`
      return await host.actors.read(id);
  }
}

function textOf(reply: ActorReply): string {
  if (reply.status !== "ok") return reply.status;
  const { booking: machine } = reply.snapshot.machines;
  const { charge, reason } = machine!.context as { charge: string | null; reason: string | null };
  return [String(machine!.value), charge ?? "", reason ?? ""].filter((part) => part !== "").join(", ");
}

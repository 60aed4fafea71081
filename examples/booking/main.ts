/** Hosts bookings of seats. Lines on standard input: `book 12A`, `pay 12A`, `cancel 12A`, `show 12A`. */
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { hostActors } from "orderly/runtime";
import type { ActorReply } from "orderly/actors";
import { booking } from "./booking.ts";
import { fileTerminal } from "./file-terminal.ts";

const home = process.env["HOME_FOLDER"] ?? ".orderly/booking";
const HOLD_MS = Number(process.env["HOLD_MS"] ?? 60_000);

const host = await hostActors({
  definition: booking(fileTerminal(`${home}/terminal`, Number(process.env["CHARGE_MS"] ?? 1_000))),
  nats: process.env["NATS_URL"] ?? "nats://127.0.0.1:4222",
  prefix: "booking",
  home,
});
console.log("bookings are open");

for await (const line of createInterface({ input: process.stdin })) {
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
      return await host.actors.read(id);
  }
}

function textOf(reply: ActorReply): string {
  if (reply.status !== "ok") return reply.status;
  const { booking: machine } = reply.snapshot.machines;
  const { charge, reason } = machine!.context as { charge: string | null; reason: string | null };
  return [String(machine!.value), charge ?? "", reason ?? ""].filter((part) => part !== "").join(", ");
}

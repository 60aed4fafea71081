/** Where a fresh consumer of the log begins after an interruption. */
import t from "tap";
import { consumeLog } from "../../../src/adapters/nats/ordered-consumer.ts";
import { scriptedLink } from "./scripted-link.ts";

/** The sequence at which a consumer without messages begins after it heard these heartbeats and lost its connection. */
async function beginsAfter(heartbeats: readonly number[]): Promise<unknown> {
  const scripted = scriptedLink();
  const options = { stream: "ORDERS", filters: ["a"], from: 10 };
  const subscription = await consumeLog(scripted.link, options, () => undefined);
  for (const examined of heartbeats) {
    scripted.status(100, { "Nats-Last-Consumer": "0", "Nats-Last-Stream": String(examined) });
  }
  scripted.connect(false);
  scripted.connect(true);
  const made = scripted.requests.filter(({ subject }) => subject.includes("CONSUMER.CREATE.ORDERS."));
  await subscription.stop();
  if (made.length !== 2) throw new Error(`${made.length} consumers were made`);
  return (made[1]?.body as { config: { opt_start_seq: number } } | undefined)?.config.opt_start_seq;
}

t.test("a fresh consumer begins after the last heartbeat but one, never after the last", async (t) => {
  t.equal(await beginsAfter([]), 10);
  t.equal(await beginsAfter([500]), 10, "what one heartbeat states may not be stored yet");
  t.equal(await beginsAfter([500, 600]), 501);
  t.equal(await beginsAfter([500, 600, 600]), 601);
});

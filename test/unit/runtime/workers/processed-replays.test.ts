/** Replays of dead letters, in the marks of a worker. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { type Claim, ProcessedEvents } from "../../../../src/runtime/workers/processed-events.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";

function stage() {
  const clock = new VirtualClock();
  const { bucket, faults } = faultyBucket();
  const events = new ProcessedEvents({ bucket, clock, worker: "mail", owner: "me", lockLifeMs: 1000 });
  const claim = async (replayOf?: number): Promise<Claim> => {
    const result = await events.claim("e", replayOf);
    if (result.status !== "claimed") throw new Error(`it is ${result.status}`);
    return result;
  };
  return { clock, events, claim, faults };
}

t.test("a replay reopens a dead letter once, and counts its attempts again", async (t) => {
  const { events, claim } = stage();
  await events.failed(await claim(), "no luck");
  const second = await claim();
  t.equal(second.attempt, 2);
  await events.dead(second);
  t.same(await events.claim("e"), { status: "done" }, "not without a replay");
  const replayed = await claim(7);
  t.match(replayed, { attempt: 1, replay: 7 });
  await events.failed(replayed, "no luck");
  const again = await claim(7);
  t.match(again, { attempt: 2, replay: 7 }, "a second delivery of the same replay continues the count");
  await events.dead(again);
  t.same(await events.claim("e", 7), { status: "done" }, "nor does it reopen anything");
  t.match(await claim(9), { attempt: 1, replay: 9 });
});

t.test("an earlier replay that is delivered late does not reopen the event", async (t) => {
  const { events, claim } = stage();
  await events.dead(await claim());
  await events.dead(await claim(9));
  t.same(await events.claim("e", 7), { status: "done" });
});

t.test("an event that is done stays done, whatever is replayed", async (t) => {
  const { events, claim } = stage();
  await events.done(await claim());
  t.same(await events.claim("e", 7), { status: "done" });
});

t.test("a replay of an event without an entry is a first attempt", async (t) => {
  const { claim } = stage();
  t.match(await claim(7), { attempt: 1, replay: 7 });
});

/** The mark of an event that is done, while the server stores nothing for a part of the lock's life. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { type Claim, ProcessedEvents } from "../../../../src/runtime/workers/processed-events.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";

const LOCK_LIFE_MS = 15_000;
/** A new leader within 9 s at most; and the last moment at which a mark is in time. */
const OUTAGES_MS = [9_000, LOCK_LIFE_MS - 1_000];

function scene() {
  const clock = new VirtualClock();
  let away = false;
  const { bucket, entries } = faultyBucket(() => (away ? "lose-request" : undefined));
  const events = (owner: string) =>
    new ProcessedEvents({ bucket, clock, worker: "mail", owner, lockLifeMs: LOCK_LIFE_MS });
  return {
    clock,
    events,
    /** From now on the server stores nothing, or stores again. */
    isAway: (now: boolean) => {
      away = now;
    },
    state: () => (JSON.parse(entries.get("mail.e1")?.value ?? "{}") as { state?: string }).state,
  };
}

for (const outageMs of OUTAGES_MS)
  t.test(`an event that is done is marked when the server is back after ${outageMs} ms`, async (t) => {
    const { clock, events, isAway, state } = scene();
    const [one, other] = [events("one"), events("other")];
    const claim = (await one.claim("e1")) as Claim;
    isAway(true);
    const marked = one.done(claim);
    await clock.advance(outageMs);
    isAway(false);
    await clock.advance(LOCK_LIFE_MS - outageMs - 1);
    t.equal(state(), "done");
    t.equal(await marked, true);
    await clock.advance(LOCK_LIFE_MS);
    t.match(await other.claim("e1"), { status: "done" }, "no other process repeats the work");
  });

t.test("a mark is abandoned when the server stays away until the lock has ended", async (t) => {
  const { clock, events, isAway, state } = scene();
  const one = events("one");
  const marked: boolean[] = [];
  const claim = (await one.claim("e1")) as Claim;
  isAway(true);
  void one.done(claim).then((result) => marked.push(result));
  await clock.advance(2 * LOCK_LIFE_MS);
  isAway(false);
  t.same(marked, [false]);
  t.match(await one.claim("e1"), { status: "done" }, "this process marks it when the event comes again");
  t.equal(state(), "done");
});

t.test("a mark is tried several times though the lock has ended meanwhile", async (t) => {
  const { clock, events, isAway, state } = scene();
  const one = events("one");
  const claim = (await one.claim("e1")) as Claim;
  await clock.advance(LOCK_LIFE_MS);
  isAway(true);
  const marked = one.done(claim);
  await clock.advance(500);
  isAway(false);
  await clock.advance(5_000);
  t.equal(await marked, true);
  t.equal(state(), "done");
});

/** The lock and the marks of one event: who may work on it, until when, and when it is done for all. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { type Bucket, Unavailable } from "../../../../src/runtime/ports.ts";
import { type Claim, ProcessedEvents } from "../../../../src/runtime/workers/processed-events.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";

const LIFE_MS = 1000;
const HOUR_MS = 3_600_000;

type Stored = {
  state: string;
  owner?: string;
  until?: number;
  attempts: number;
  reason?: string;
  at?: number;
};

function stage() {
  const clock = new VirtualClock();
  const { bucket, entries, faults, stale } = faultyBucket();
  const reads = { fail: 0 };
  const failing: Pick<Bucket, "get" | "update"> = {
    get: (key) => (reads.fail-- > 0 ? Promise.reject(new Unavailable("no answer")) : bucket.get(key)),
    update: (key, value, revision) => bucket.update(key, value, revision),
  };
  const process = (owner: string) => {
    const own = clock.process();
    const events = new ProcessedEvents({
      bucket: failing as Bucket,
      clock: own,
      worker: "mail",
      owner,
      lockLifeMs: LIFE_MS,
    });
    const claimed = async (id = "e"): Promise<Claim> => {
      const result = await events.claim(id);
      if (result.status !== "claimed") throw new Error(`it is ${result.status}`);
      return result;
    };
    return { clock: own, events, claimed };
  };
  /** Lets time pass until the promise ends: marks are repeated after pauses. */
  const done = async <T>(promise: Promise<T>): Promise<T> => {
    let isOver = false;
    void promise.finally(() => (isOver = true)).catch(() => {});
    await clock.advanceUntil(() => isOver, 60_000);
    return await promise;
  };
  return {
    clock,
    faults,
    stale,
    reads,
    done,
    me: process("me"),
    other: process("other"),
    stored: (id = "e") => JSON.parse(entries.get(`mail.${id}`)?.value ?? "{}") as Stored,
    put: (value: object, at = 0) =>
      entries.set("mail.e", { value: JSON.stringify(value), revision: 500, at }),
  };
}

t.test("a lock names its owner, its first attempt, and ends one life from now", async (t) => {
  const { me, stored, clock } = stage();
  t.match(await me.claimed(), { key: "mail.e", attempt: 1, revision: 1 });
  t.strictSame(stored(), { state: "locked", owner: "me", until: clock.now() + LIFE_MS, attempts: 1 });
});

t.test("another process waits for exactly what is left of the lock, and then takes it", async (t) => {
  const { me, other, clock } = stage();
  await me.claimed();
  await clock.advance(400);
  t.strictSame(await other.events.claim("e"), { status: "locked", retryAfterMs: 600 });
  await clock.advance(599);
  t.strictSame(await other.events.claim("e"), { status: "locked", retryAfterMs: 1 });
  await clock.advance(1);
  t.match(await other.claimed(), { attempt: 2 }, "the attempt of the dead process counts");
});

t.test(
  "a lock lives one life from when the server stored it, however slow its owner's clock is",
  async (t) => {
    const { other, put, clock } = stage();
    put({ state: "locked", owner: "me", until: clock.now() - HOUR_MS, attempts: 1 }, clock.now());
    await clock.advance(400);
    t.strictSame(await other.events.claim("e"), { status: "locked", retryAfterMs: LIFE_MS - 400 });
    await clock.advance(LIFE_MS - 400);
    t.match(await other.claimed(), { attempt: 2 });
  },
);

t.test("two events do not share a lock, nor do two workers", async (t) => {
  const { me, other } = stage();
  await me.claimed("e");
  t.match(await other.claimed("f"), { key: "mail.f", attempt: 1 });
});

t.test("a second delivery to the same process waits, until the first one has ended in any way", async (t) => {
  const { me, done, faults } = stage();
  const first = await me.claimed();
  t.strictSame(await me.events.claim("e"), { status: "locked", retryAfterMs: LIFE_MS });
  await me.events.failed(first, "no luck");
  const second = await me.claimed();
  t.match(second, { attempt: 2, failure: "no luck" });
  t.strictSame(await me.events.claim("e"), { status: "locked", retryAfterMs: LIFE_MS });
  await done(me.events.dead(second));
  t.strictSame(await me.events.claim("e"), { status: "done" });
  const third = await me.claimed("f");
  await done(me.events.done(third));
  t.strictSame(await me.events.claim("f"), { status: "done" });
  faults.push("lose-request");
  t.match(await me.events.claim("g"), { status: "locked" }, "a claim without an answer");
  t.match(await me.claimed("g"), { attempt: 1 }, "holds nothing here");
});

t.test("a claim that cannot be read holds nothing here", async (t) => {
  const { me, reads, put, clock } = stage();
  put({ state: "locked", owner: "other", until: clock.now() - 1, attempts: 1 });
  reads.fail = 1;
  await t.rejects(me.events.claim("e"), Unavailable);
  t.match(await me.claimed(), { attempt: 2 });
});

t.test("a claim whose answer was lost is this process's own, and counts as an attempt", async (t) => {
  const { me, faults, other } = stage();
  faults.push("lose-answer");
  t.match(await me.events.claim("e"), { status: "locked" });
  t.match(await other.events.claim("e"), { status: "locked" }, "it is locked for the others");
  t.match(await me.claimed(), { attempt: 2 }, "at once: no other process works on it");
});

t.test("of two claims of a free event at once, one wins", async (t) => {
  const { me, other, put } = stage();
  put({ state: "failed", attempts: 3, reason: "no luck" });
  const results = await Promise.all([me.events.claim("e"), other.events.claim("e")]);
  t.same(results.map(({ status }) => status).toSorted(), ["claimed", "locked"]);
});

t.test("a done event is never claimed again, and a repeat of it is acknowledged", async (t) => {
  const { me, other, stored, done, clock } = stage();
  await clock.advance(10);
  t.equal(await done(me.events.done(await me.claimed())), true);
  t.strictSame(stored(), { state: "done", at: clock.now(), attempts: 1 });
  await clock.advance(10 * HOUR_MS);
  for (const process of [me, other]) t.strictSame(await process.events.claim("e"), { status: "done" });
});

t.test("a mark under a lock that has passed to another process changes nothing of the other's", async (t) => {
  const { me, other, stored, clock, done } = stage();
  const late = await me.claimed();
  await clock.advance(LIFE_MS);
  const next = await other.claimed();
  t.equal(await done(me.events.done(late)), true, "its work is done, and a repeat does no harm");
  t.match(stored(), { state: "locked", owner: "other", attempts: 2 });
  await me.events.failed(late, "too late");
  t.match(stored(), { state: "locked", owner: "other" });
  t.equal(await done(other.events.done(next)), true);
  t.match(stored(), { state: "done", attempts: 2 });
  await me.events.failed(late, "too late");
  t.match(stored(), { state: "done" }, "a late failure does not open it again");
});

t.test(
  "a mark is tried five times at least, with pauses that grow to a second, and then remembered by this process",
  async (t) => {
    const { me, other, faults, clock, stored, done } = stage();
    const claim = await me.claimed();
    for (let n = 0; n < 5; n++) faults.push("lose-request");
    const begun = clock.monotonic();
    t.equal(await done(me.events.done(claim)), false);
    t.equal(faults.length, 0, "five tries");
    t.equal(clock.monotonic() - begun, 200 + 400 + 800 + 1000 + 1000);
    t.equal(stored().state, "locked");
    faults.push(...Array.from({ length: 5 }, () => "lose-request" as const));
    t.match(await done(me.events.claim("e")), { status: "locked" }, "still not");
    t.strictSame(await done(me.events.claim("e")), { status: "done" }, "marked, and not worked on again");
    t.equal(stored().state, "done");
    t.strictSame(await other.events.claim("e"), { status: "done" });
  },
);

t.test("an unwritten mark of a dead letter is not remembered: it may be attempted again", async (t) => {
  const { me, faults, done } = stage();
  const claim = await me.claimed();
  for (let n = 0; n < 5; n++) faults.push("lose-request");
  t.equal(await done(me.events.dead(claim)), false);
  t.match(await me.claimed(), { attempt: 2 });
});

t.test(
  "a mark that a new leader refuses without the lock is tried again, and so is an unreadable one",
  async (t) => {
    for (const wrong of ["stale", "unavailable", "the lock itself"] as const) {
      const { me, faults, stale, reads, stored, done } = stage();
      const claim = await me.claimed();
      faults.push("behind");
      if (wrong === "stale") stale.add("mail.e");
      else if (wrong === "unavailable") reads.fail = 1;
      t.equal(await done(me.events.done(claim)), true, wrong);
      t.equal(stored().state, "done", wrong);
    }
  },
);

t.test("a failure keeps the attempts and a short reason, and unlocks the event at once", async (t) => {
  const { me, other, stored } = stage();
  const claim = await me.claimed();
  await me.events.failed(claim, "x".repeat(1000));
  t.strictSame(stored(), { state: "failed", attempts: 1, reason: "x".repeat(300) });
  t.match(await other.claimed(), { attempt: 2, failure: "x".repeat(300) });
});

t.test("an event whose entry has expired or is not readable yet is claimed later", async (t) => {
  const { me, stale, put } = stage();
  put({ state: "failed", attempts: 1, reason: "no luck" });
  stale.add("mail.e");
  t.match(await me.events.claim("e"), { status: "locked", retryAfterMs: 500 });
  t.match(await me.claimed(), { attempt: 2 });
});

t.test(
  "a lock of a dead process whose clock was an hour ahead ends after one life, as others see it",
  async (t) => {
    const { me, other, clock } = stage();
    me.clock.set(HOUR_MS);
    await me.claimed();
    t.strictSame(await other.events.claim("e"), { status: "locked", retryAfterMs: LIFE_MS });
    await clock.advance(LIFE_MS - 1);
    t.strictSame(await other.events.claim("e"), { status: "locked", retryAfterMs: 1 });
    await clock.advance(1);
    t.match(await other.claimed(), { attempt: 2 }, "no event waits for an hour");
  },
);

t.test("a process whose own clock is set back by an hour waits for one life of a lock, too", async (t) => {
  const { me, other, clock } = stage();
  await me.claimed();
  other.clock.set(-HOUR_MS);
  t.strictSame(await other.events.claim("e"), { status: "locked", retryAfterMs: LIFE_MS });
  await clock.advance(LIFE_MS);
  t.match(await other.claimed(), { attempt: 2 });
});

t.test("every new lock of a live process has a life of its own, whatever the clocks show", async (t) => {
  const { me, other, clock } = stage();
  me.clock.set(HOUR_MS);
  for (let attempt = 1; attempt <= 3; attempt++) {
    const claim = await me.claimed();
    t.match(await other.events.claim("e"), { status: "locked", retryAfterMs: LIFE_MS });
    await clock.advance(LIFE_MS - 1);
    t.match(await other.events.claim("e"), { status: "locked" }, `attempt ${attempt}`);
    await me.events.failed(claim, "no luck");
  }
});

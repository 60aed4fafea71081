import type { Mutant } from "./mutant.ts";

const folder = "test/unit/runtime/workers";
const events = {
  file: "src/runtime/workers/processed-events.ts",
  tests: [`${folder}/processed-events.test.ts`],
};
const replays = {
  file: "src/runtime/workers/processed-events.ts",
  tests: [`${folder}/processed-replays.test.ts`],
};

/** The lock and the mark of one event. */
export const processedEventsMutants: readonly Mutant[] = [
  {
    id: "workers-lock-without-an-end",
    does: "The lock of a process that dies never ends.",
    ...events,
    find: "const until = this.clock.now() + this.lockLifeMs;",
    replace: "const until = this.clock.now() + this.lockLifeMs * 1000;",
  },
  {
    id: "workers-lock-ends-at-once",
    does: "Two processes work on one event at the same time.",
    ...events,
    find: "const until = this.clock.now() + this.lockLifeMs;",
    replace: "const until = this.clock.now();",
  },
  {
    id: "workers-lock-is-judged-by-the-date-alone",
    does: "A dead process whose clock was an hour ahead keeps its lock for an hour.",
    ...events,
    find: "return Math.min(ends - this.clock.now(), since + this.lockLifeMs - now);",
    replace: "return Math.min(ends - this.clock.now(), this.lockLifeMs);",
  },
  {
    id: "workers-lock-ends-by-its-owners-date",
    does: "The lock of a process of 0.1.0 whose clock is slow ends early, while it works.",
    ...events,
    find: "const ends = Math.max(until, at + this.lockLifeMs);",
    replace: "const ends = until;",
  },
  {
    id: "workers-lock-life-begins-with-the-first-lock",
    does: "A live process whose clock is ahead loses its later locks at once.",
    ...events,
    find: "const since = known?.revision === revision ? known.since : now;",
    replace: "const since = known?.since ?? now;",
  },
  {
    id: "workers-lock-life-begins-with-every-reading",
    does: "A lock that is read often never ends.",
    ...events,
    find: "const since = known?.revision === revision ? known.since : now;",
    replace: "const since = known?.revision === revision + 1 ? known.since : now;",
  },
  {
    id: "workers-lock-at-its-end-is-still-held",
    does: "The next process waits for nothing.",
    ...events,
    find: "if (leftMs > 0) return",
    replace: "if (leftMs >= 0) return",
  },
  {
    id: "workers-lock-of-others-is-ignored",
    does: "A live lock is taken over.",
    ...events,
    find: "if (leftMs > 0) return",
    replace: "if (leftMs > this.lockLifeMs) return",
  },
  {
    id: "workers-own-lock-is-waited-for",
    does: "A claim whose answer was lost makes its own process wait for the life of the lock.",
    ...events,
    find: `if (entry.state === "locked" && entry.owner !== this.owner) {`,
    replace: `if (entry.state === "locked") {`,
  },
  {
    id: "workers-second-delivery-works-too",
    does: "Two deliveries to one process are worked on at once.",
    ...events,
    find: `    if (this.held.has(key)) return { status: "locked", retryAfterMs: this.lockLifeMs };
`,
    replace: "",
  },
  {
    id: "workers-unanswered-claim-is-held",
    does: "An event whose claim got no answer is never worked on by this process again.",
    ...events,
    find: `    if (result.status !== "claimed") this.held.delete(key);
`,
    replace: "",
  },
  {
    id: "workers-failed-claim-is-held",
    does: "An event whose claim failed is never worked on by this process again.",
    ...events,
    find: `      this.held.delete(key);
      throw error;`,
    replace: "      throw error;",
  },
  {
    id: "workers-done-event-stays-held",
    does: "Every event that was done stays in memory, and a repeat of it is not acknowledged.",
    ...events,
    find: `    const marked = await this.mark(claim, "done");
    this.held.delete(claim.key);`,
    replace: `    const marked = await this.mark(claim, "done");`,
  },
  {
    id: "workers-failed-event-stays-held",
    does: "A failed event is never attempted by this process again.",
    ...events,
    find: `      this.bucket.update(claim.key, JSON.stringify(entry), claim.revision),
    );
    this.held.delete(claim.key);`,
    replace: `      this.bucket.update(claim.key, JSON.stringify(entry), claim.revision),
    );`,
  },
  {
    id: "workers-attempts-are-not-counted",
    does: "Every attempt is the first one.",
    ...events,
    find: "const attempt = anew ? 1 : entry.attempts + 1;",
    replace: "const attempt = anew ? 1 : Math.max(entry.attempts, 1);",
  },
  {
    id: "workers-done-event-is-claimed-again",
    does: "A done event is worked on again when it is replayed.",
    ...replays,
    find: `if (entry.state === "done" || (entry.state === "dead" && !anew)) return { status: "done" };`,
    replace: `if ((entry.state === "done" || entry.state === "dead") && !anew) return { status: "done" };`,
  },
  {
    id: "workers-earlier-replay-counts",
    does: "A replay that is delivered twice starts the count of attempts twice.",
    ...replays,
    find: "replayOf > (entry.replay ?? 0)",
    replace: "replayOf >= (entry.replay ?? 0)",
  },
  {
    id: "workers-replay-is-forgotten",
    does: "The entry does not keep which replay it is of.",
    ...replays,
    find: "const replay = anew ? replayOf : entry.replay;",
    replace: "const replay = anew ? replayOf : undefined;",
  },
  {
    id: "workers-late-mark-overwrites",
    does: "Work that ends after its lock has passed to another process marks the event over it.",
    ...events,
    find: `if (result.status === "stored" || (result.status === "conflict" && (await this.isPast(claim)))) {`,
    replace: `if (result.status === "conflict")
        await this.bucket.update(
          claim.key,
          JSON.stringify(entry),
          (await this.bucket.get(claim.key))?.revision ?? 0,
        );
      if (result.status === "stored" || (result.status === "conflict" && (await this.isPast(claim)))) {`,
  },
  {
    id: "workers-late-failure-overwrites",
    does: "A late failure unlocks the event of another process.",
    ...events,
    find: "this.bucket.update(claim.key, JSON.stringify(entry), claim.revision),\n    );\n    this.held",
    replace:
      "this.bucket.update(claim.key, JSON.stringify(entry), claim.revision + 1),\n    );\n    this.held",
  },
  {
    id: "workers-conflict-counts-as-marked",
    does: "A mark that a new leader refuses by mistake counts as written.",
    ...events,
    find: `(result.status === "conflict" && (await this.isPast(claim)))`,
    replace: `(result.status === "conflict" && (tried > 0 || (await this.isPast(claim))))`,
  },
  {
    id: "workers-conflict-of-the-own-lock-counts-as-marked",
    does: "The lock itself is taken for a later entry.",
    ...events,
    find: "stored.revision > claim.revision",
    replace: "stored.revision >= claim.revision",
  },
  {
    id: "workers-unreadable-conflict-ends-the-mark",
    does: "A mark whose check gets no answer ends the event with an error.",
    ...events,
    find: "if (error instanceof Unavailable) return false;",
    replace: "if (error instanceof Unavailable && claim.attempt === 0) return false;",
  },
  {
    id: "workers-mark-is-tried-once",
    does: "A mark is tried only while its lock lives.",
    ...events,
    find: "tried <= MARK_TRIES",
    replace: "tried <= Math.min(MARK_TRIES, 1)",
  },
  {
    id: "workers-mark-is-not-tried-while-its-lock-lives",
    does: "An event that is done during an election is not marked, and its work is repeated.",
    file: "src/runtime/workers/processed-events.ts",
    find: "tried <= MARK_TRIES || this.clock.monotonic() < claim.endsAt;",
    replace: "tried <= MARK_TRIES;",
    tests: [`${folder}/mark-in-outage.test.ts`],
  },
  {
    id: "workers-mark-is-not-remembered",
    does: "An event that is done and could not be marked is worked on again by the same process.",
    ...events,
    find: "    remember(this.unmarked, claim.key, claim);\n",
    replace: "",
  },
  {
    id: "workers-dead-mark-is-remembered-as-done",
    does: "A dead letter whose mark could not be written is marked done by the next delivery.",
    ...events,
    find: `    if (state === "dead") return false;
`,
    replace: "",
  },
  {
    id: "workers-remembered-mark-is-not-written",
    does: "An event that is done is answered as done without its mark.",
    ...events,
    find: `return marked ? { status: "done" } : { status: "locked", retryAfterMs: ASK_AGAIN_MS };`,
    replace: `return marked || unmarked.attempt > 0 ? { status: "done" } : { status: "locked", retryAfterMs: ASK_AGAIN_MS };`,
  },
  {
    id: "workers-reason-without-limit",
    does: "A reason of any length is stored.",
    ...events,
    find: "reason: reason.slice(0, REASON_CHARS),",
    replace: "reason: reason.slice(0, REASON_CHARS * 1000),",
  },
];

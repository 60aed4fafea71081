import type { Mutant } from "./mutant.ts";

const folder = "test/unit/runtime/workers";
const worker = {
  file: "src/runtime/workers/worker.ts",
  tests: [`${folder}/worker-rules.test.ts`],
};
const hanging = { file: "src/runtime/workers/worker.ts", tests: [`${folder}/hanging-work.test.ts`] };
const events = {
  file: "src/runtime/workers/processed-events.ts",
  tests: [`${folder}/processed-events.test.ts`],
};
const replays = {
  file: "src/runtime/workers/processed-events.ts",
  tests: [`${folder}/processed-replays.test.ts`],
};
const event = { file: "src/runtime/workers/work-event.ts", tests: [`${folder}/work-event.test.ts`] };
const bounds = { file: "src/runtime/workers/worker-bounds.ts", tests: [`${folder}/work-event.test.ts`] };

/** Events that are worked on once, under their lock, and end in a bounded number of attempts. */
export const workersMutants: readonly Mutant[] = [
  {
    id: "workers-hanging-work-is-waited-for",
    does: "Work that does not hear its signal takes a place of the worker until the process ends.",
    ...hanging,
    find: "return Promise.race([work, aborted.promise]);",
    replace: "return work;",
  },
  {
    id: "workers-no-time-limit",
    does: "Work is never abandoned.",
    ...hanging,
    find: "const cancel = this.clock.after(workLimitMs, () => {",
    replace: "const cancel = this.clock.after(workLimitMs * 1000, () => {",
  },
  {
    id: "workers-time-limit-of-the-lock",
    does: "Work may go on until its lock has expired.",
    ...hanging,
    find: "const { workLimitMs } = this.options.bounds;",
    replace: "const workLimitMs = this.options.bounds.lockLifeMs;",
  },
  {
    id: "workers-abandoned-work-counts-as-done",
    does: "Work that exceeds its time is acknowledged.",
    ...hanging,
    find: "return error instanceof Error ? error : new Error(String(error));",
    replace: `if (limit.signal.aborted) return undefined;
      return error instanceof Error ? error : new Error(String(error));`,
  },
  {
    id: "workers-work-does-not-get-its-signal",
    does: "The work is not asked to end at its time limit.",
    ...hanging,
    find: "this.options.work(event, { attempt, signal: limit.signal })",
    replace: "this.options.work(event, { attempt, signal: new AbortController().signal })",
  },
  {
    id: "workers-stop-waits-for-hanging-work",
    does: "A worker that stops does not abort its work.",
    ...hanging,
    find: `    for (const limit of this.limits) limit.abort(new Error("the worker stops"));
`,
    replace: "",
  },
  {
    id: "workers-stop-aborts-short-work",
    does: "A worker that stops gives its work no time.",
    ...hanging,
    find: "await Promise.race([all, this.clock.sleep(STOP_GRACE_MS)]);",
    replace: "await Promise.race([all, this.clock.sleep(STOP_GRACE_MS / 1000)]);",
  },
  {
    id: "workers-stop-counts-as-a-failed-attempt",
    does: "Work that the stop aborts waits for its backoff.",
    ...hanging,
    find: `    if (this.stopping) return this.postpone(item, claim, failure, 0);
`,
    replace: "",
  },
  {
    id: "workers-ack-before-the-work",
    does: "An event is acknowledged before its work has ended.",
    ...worker,
    find: "const failure = await this.attempt(event, claim.attempt);",
    replace: "item.ack();\n    const failure = await this.attempt(event, claim.attempt);",
  },
  {
    id: "workers-ack-before-the-mark",
    does: "An event is acknowledged before it is marked done.",
    ...worker,
    find: "if (await this.processed.done(claim)) return item.ack();",
    replace: "item.ack();\n    if (await this.processed.done(claim)) return;",
  },
  {
    id: "workers-ack-without-a-mark",
    does: "An event whose mark could not be written is acknowledged.",
    ...worker,
    find: "if (await this.processed.done(claim)) return item.ack();",
    replace: "await this.processed.done(claim);\n    if (claim.attempt > 0) return item.ack();",
  },
  {
    id: "workers-ack-of-a-locked-event",
    does: "A delivery that finds its event locked is acknowledged: if the other process dies, the event is lost.",
    ...worker,
    find: `if (claim.status === "locked") return item.retry(claim.retryAfterMs);`,
    replace: `if (claim.status === "locked") return item.ack();`,
  },
  {
    id: "workers-locked-event-comes-again-at-once",
    does: "A delivery that finds its event locked does not wait.",
    ...worker,
    find: `if (claim.status === "locked") return item.retry(claim.retryAfterMs);`,
    replace: `if (claim.status === "locked") return item.retry(0);`,
  },
  {
    id: "workers-done-event-is-not-acknowledged",
    does: "A repeat of a done event is delivered again and again.",
    ...worker,
    find: `      this.counters.repeated++;
      return item.ack();`,
    replace: `      this.counters.repeated++;
      return item.retry(this.options.bounds.backoffMs);`,
  },
  {
    id: "workers-one-attempt-too-few",
    does: "An event becomes a dead letter one attempt too early.",
    ...worker,
    find: "claim.attempt === this.options.bounds.maxAttempts)",
    replace: "claim.attempt === this.options.bounds.maxAttempts - 1)",
  },
  {
    id: "workers-attempts-of-dead-processes-do-not-end",
    does: "An event that ends its process is attempted without limit.",
    ...worker,
    find: "if (claim.attempt > this.options.bounds.maxAttempts) {",
    replace: "if (claim.attempt > this.options.bounds.maxAttempts * 1000) {",
  },
  {
    id: "workers-last-attempt-is-skipped",
    does: "The last attempt is abandoned without work when earlier ones ended with their process.",
    ...worker,
    find: "if (claim.attempt > this.options.bounds.maxAttempts) {",
    replace: "if (claim.attempt >= this.options.bounds.maxAttempts) {",
  },
  {
    id: "workers-refused-event-is-retried",
    does: "Work that refuses its event is repeated until the attempts are over.",
    ...worker,
    find: "if (failure instanceof WorkRefused || claim.attempt",
    replace: "if (claim.attempt",
  },
  {
    id: "workers-failed-event-keeps-its-lock",
    does: "After a failed attempt the event stays locked.",
    ...worker,
    find: `    await this.processed.failed(claim, failure.message);
    item.retry(delayMs);`,
    replace:
      "    if (delayMs === 0) await this.processed.failed(claim, failure.message);\n    item.retry(delayMs);",
  },
  {
    id: "workers-failed-event-is-not-delivered-again",
    does: "A failed attempt waits for the time of the queue.",
    ...worker,
    find: `    await this.processed.failed(claim, failure.message);
    item.retry(delayMs);`,
    replace:
      "    await this.processed.failed(claim, failure.message);\n    if (delayMs === 0) item.retry(delayMs);",
  },
  {
    id: "workers-dead-letter-is-marked-before-it-is-stored",
    does: "An event whose dead letter could not be stored is marked, and lost.",
    ...worker,
    find: `    try {
      await this.bury(item, event.subject, reason, claim.attempt);
    } catch (error) {
      await this.processed.failed(claim, reason);
      throw error;
    }
    await this.processed.dead(claim);
    item.ack();`,
    replace: `    await this.processed.dead(claim);
    await this.bury(item, event.subject, reason, claim.attempt);
    item.ack();`,
  },
  {
    id: "workers-unstored-dead-letter-is-acknowledged",
    does: "An event whose dead letter could not be stored is acknowledged.",
    ...worker,
    find: `      await this.processed.failed(claim, reason);
      throw error;`,
    replace: `      await this.processed.failed(claim, reason);
      if (claim.attempt === 0) throw error;`,
  },
  {
    id: "workers-unstored-dead-letter-keeps-its-lock",
    does: "After a dead letter that could not be stored, the event stays locked.",
    ...worker,
    find: `      await this.processed.failed(claim, reason);
      throw error;`,
    replace: "      throw error;",
  },
  {
    id: "workers-dead-letter-is-not-marked",
    does: "A repeat of a dead letter is worked on again.",
    ...worker,
    find: `    await this.processed.dead(claim);
    item.ack();`,
    replace: "    item.ack();",
  },
  {
    id: "workers-dead-letter-is-not-acknowledged",
    does: "The event of a dead letter is delivered again.",
    ...worker,
    find: `    await this.processed.dead(claim);
    item.ack();`,
    replace: "    await this.processed.dead(claim);",
  },
  {
    id: "workers-unreadable-message-is-acknowledged-first",
    does: "A message that is no event is acknowledged before its dead letter is stored.",
    ...worker,
    find: `    try {
      await this.bury(item, \`sequence-\${item.sequence}\`, reason, 1);
      item.ack();`,
    replace: `    try {
      item.ack();
      await this.bury(item, \`sequence-\${item.sequence}\`, reason, 1);`,
  },
  {
    id: "workers-dead-letter-of-another-partition",
    does: "A dead letter is stored under a partition that is not its event's.",
    ...worker,
    find: `item.subject.split(".")[2] ?? "0"`,
    replace: `item.subject.split(".")[1] ?? "0"`,
  },
  {
    id: "workers-unavailable-marks-end-the-item",
    does: "An event whose lock the server does not answer for is acknowledged.",
    ...worker,
    find: `      item.retry(UNAVAILABLE_PAUSE_MS);
    }
  }

  private async handle`,
    replace: `      item.ack();
    }
  }

  private async handle`,
  },
  {
    id: "workers-backoff-does-not-grow",
    does: "The pause between two attempts stays the same.",
    ...worker,
    find: "Math.min(backoffMaxMs, backoffMs * 2 ** (attempt - 1))",
    replace: "Math.min(backoffMaxMs, backoffMs * attempt)",
  },
  {
    id: "workers-backoff-without-limit",
    does: "The pause between two attempts grows to days.",
    ...worker,
    find: "Math.min(backoffMaxMs, backoffMs * 2 ** (attempt - 1))",
    replace: "backoffMs * 2 ** (attempt - 1)",
  },
  {
    id: "workers-delivered-again-while-locked",
    does: "The queue delivers an event of a dead process before its lock has expired.",
    ...worker,
    find: "ackWaitMs: bounds.lockLifeMs + ACK_WAIT_MARGIN_MS,",
    replace: "ackWaitMs: bounds.workLimitMs - ACK_WAIT_MARGIN_MS / 2,",
  },
  {
    id: "workers-replay-is-an-ordinary-delivery",
    does: "An operator's replay of a dead letter does nothing.",
    ...worker,
    find: "this.processed.claim(event.id, item.replayOf)",
    replace: "this.processed.claim(event.id)",
  },
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
    find: "return Math.min(until - this.clock.now(), since + this.lockLifeMs - now);",
    replace: "return Math.min(until - this.clock.now(), this.lockLifeMs);",
  },
  {
    id: "workers-lock-life-begins-with-the-first-lock",
    does: "A live process whose clock is ahead loses its later locks at once.",
    ...events,
    find: "const since = known?.revision === revision ? known.since : now;",
    replace: "const since = known?.since ?? now;",
  },
  {
    id: "workers-lock-life-begins-with-every-look",
    does: "A lock that is looked at often never ends.",
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
    replace: "if (error instanceof TypeError) return false;",
  },
  {
    id: "workers-mark-is-tried-once",
    does: "A mark whose answer is lost is not tried again.",
    ...events,
    find: "tried <= MARK_TRIES",
    replace: "tried < 2",
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
    replace: "reason,",
  },
  {
    id: "workers-empty-id-is-an-event",
    does: "Messages with an empty id are one event.",
    ...event,
    find: `if (value === undefined || value === "")`,
    replace: "if (value === undefined)",
  },
  {
    id: "workers-broken-payload-is-an-event",
    does: "An event whose payload is no JSON is worked on.",
    ...event,
    find: `    throw new NotAnEvent("the payload is not JSON", { cause });`,
    replace: `    if (item.payload !== "") return { ...event, data: cause };
    throw new NotAnEvent("the payload is not JSON", { cause });`,
  },
  {
    id: "workers-bounds-lock-shorter-than-its-work",
    does: "A lock may end while its work goes on.",
    ...bounds,
    find: "workLimitMs * 1.2 > lockLifeMs",
    replace: "workLimitMs > lockLifeMs",
  },
  {
    id: "workers-bounds-accept-no-attempt",
    does: "A worker without attempts is accepted.",
    ...bounds,
    find: "maxAttempts < 1",
    replace: "maxAttempts < 0",
  },
];

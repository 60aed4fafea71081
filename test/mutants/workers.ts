import type { Mutant } from "./mutant.ts";

const folder = "test/unit/runtime/workers";
const worker = {
  file: "src/runtime/workers/worker.ts",
  tests: [`${folder}/worker-rules.test.ts`],
};
const order = { file: "src/runtime/workers/worker.ts", tests: [`${folder}/worker-order.test.ts`] };
const hanging = { file: "src/runtime/workers/worker.ts", tests: [`${folder}/hanging-work.test.ts`] };
const event = { file: "src/runtime/workers/work-event.ts", tests: [`${folder}/work-event.test.ts`] };
const bounds = { file: "src/runtime/workers/worker-bounds.ts", tests: [`${folder}/work-event.test.ts`] };

/** Events that are worked on under their lock, and end in a bounded number of attempts. */
export const workersMutants: readonly Mutant[] = [
  {
    id: "workers-failure-logged-always",
    does: "Every failed attempt is logged as a warning.",
    file: "src/runtime/workers/worker.ts",
    find: "if (attempt === 1 || attempt % LOG_EVERY === 0)",
    replace: "if (attempt >= 1 || attempt % LOG_EVERY === 0)",
    tests: ["test/unit/runtime/workers/worker-rules.test.ts"],
  },
  {
    id: "workers-failure-not-logged-first",
    does: "The first failure of an event is not logged as a warning.",
    file: "src/runtime/workers/worker.ts",
    find: "if (attempt === 1 || attempt % LOG_EVERY === 0)",
    replace: "if (attempt % LOG_EVERY === 0)",
    tests: ["test/unit/runtime/workers/worker-rules.test.ts"],
  },
  {
    id: "workers-backlog-without-retries",
    does: "Events that wait for their next attempt do not count in the backlog.",
    file: "src/adapters/nats/backlog.ts",
    find: "consumer.num_pending + consumer.num_ack_pending",
    replace: "consumer.num_pending",
    tests: ["test/integration/runtime/backlog.test.ts"],
  },
  {
    id: "workers-backlog-dead-of-all",
    does: "The dead letters of all workers are counted for each.",
    file: "src/adapters/nats/dead-letters.ts",
    find: "`${root}.${worker}.*.*`",
    replace: "`${root}.>`",
    tests: ["test/integration/runtime/backlog.test.ts"],
  },
  {
    id: "workers-failover-is-release",
    does: "A failover is counted as a hand-over.",
    file: "src/runtime/cluster/takeover-counts.ts",
    find: 'return replaced.node === node ? "own" : "failover";',
    replace: 'return replaced.node === node ? "own" : "released";',
    tests: ["test/unit/runtime/cluster/takeover-counts.test.ts"],
  },
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
    replace: `if (claim.status === "locked") return item.retry(Math.min(claim.retryAfterMs, 1));`,
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
      await this.bury(item, event.subject, reason, attempts, kind);
    } catch (error) {
      await this.processed.failed(claim, reason);
      throw error;
    }
    await this.processed.dead(claim);
    item.ack();`,
    replace: `    await this.processed.dead(claim);
    await this.bury(item, event.subject, reason, attempts, kind);
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
      await this.bury(item, \`sequence-\${item.sequence}\`, reason, 1, "not_an_event");
      item.ack();`,
    replace: `    try {
      item.ack();
      await this.bury(item, \`sequence-\${item.sequence}\`, reason, 1, "not_an_event");`,
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
    replace: "Math.min(backoffMaxMs * 1000, backoffMs * 2 ** (attempt - 1))",
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
  {
    id: "workers-delivered-again-before-unlocked",
    does: "The queue is asked to deliver a failed event again while it is still locked.",
    ...order,
    find: `    await this.processed.failed(claim, failure.message);
    item.retry(delayMs);`,
    replace: `    item.retry(delayMs);
    await this.processed.failed(claim, failure.message);`,
  },
  {
    id: "workers-dead-letter-is-acknowledged-before-its-mark",
    does: "The event of a dead letter is acknowledged before it is marked.",
    ...order,
    find: `    await this.processed.dead(claim);
    item.ack();`,
    replace: `    item.ack();
    await this.processed.dead(claim);`,
  },
  {
    id: "workers-stop-excuses-failures",
    does: "An attempt that fails by itself while the worker stops counts as one that the stop has aborted.",
    ...order,
    find: `    await this.stopQueue?.();
    const all`,
    replace: `    this.stopping = true;
    await this.stopQueue?.();
    const all`,
  },
];

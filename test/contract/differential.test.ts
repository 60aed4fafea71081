/**
 * The server in memory answers like the real one: random appends on both, compared answer by answer, and the stored
 * messages at the end. If they differ, the one in memory is wrong. fast-check prints seed and path of a failure.
 */
import * as fc from "fast-check";
import t from "tap";
import type { AppendResult, Bucket, Journal, Message } from "../../src/runtime/ports.ts";
import { freshId, mustStore, TIMEOUT_MS } from "./expect.ts";
import { openWorld } from "./worlds.ts";

const SUBJECTS = 4;
const FAR_MS = 3_600_000;

/** A message with its subjects as numbers, and its fence in terms of what is stored when it is sent. */
type Draft = {
  readonly subject: number;
  readonly fence: { readonly subject: number; readonly guess: "right" | "none" | "stale" } | undefined;
  readonly messageId: number | undefined;
  /** Armed far in the future, so that nothing fires meanwhile; the target may be the subject itself. */
  readonly armsFor: number | undefined;
  readonly cancels: number | undefined;
};

const draft: fc.Arbitrary<Draft> = fc.record({
  subject: fc.nat(SUBJECTS - 1),
  fence: fc.option(
    fc.record({
      subject: fc.nat(SUBJECTS - 1),
      guess: fc.constantFrom("right" as const, "right" as const, "none" as const, "stale" as const),
    }),
    { nil: undefined, freq: 2 },
  ),
  messageId: fc.option(fc.nat(5), { nil: undefined, freq: 2 }),
  armsFor: fc.option(fc.nat(SUBJECTS - 1), { nil: undefined, freq: 4 }),
  cancels: fc.option(fc.nat(SUBJECTS - 1), { nil: undefined, freq: 4 }),
});

const program = fc.array(fc.array(draft, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 25 });

/** Runs the program and returns every answer, with sequences counted from the start of the run. */
async function play(journal: Journal, appends: readonly (readonly Draft[])[]): Promise<unknown[]> {
  const run = freshId();
  const subject = (n: number) => `orders.inbox.9.${run}-${n}`;
  const base = await mustStore(journal, [{ subject: `orders.fence.${run}`, payload: "" }]);
  const answers: unknown[] = [];
  for (const drafts of appends) {
    const messages: Message[] = [];
    for (const { subject: n, fence, messageId, armsFor, cancels } of drafts) {
      messages.push({
        subject: subject(n),
        payload: `${answers.length}.${messages.length}`,
        ...(fence === undefined
          ? {}
          : {
              fence: { subject: subject(fence.subject), sequence: await guess(fence.guess, fence.subject) },
            }),
        ...(messageId === undefined ? {} : { messageId: `${run}-${messageId}` }),
        ...(armsFor === undefined ? {} : { schedule: { at: Date.now() + FAR_MS, target: subject(armsFor) } }),
        ...(cancels === undefined ? {} : { cancels: subject(cancels) }),
      });
    }
    answers.push(relative(await journal.append(messages, TIMEOUT_MS)));
  }
  for (let n = 0; n < SUBJECTS; n++) {
    const stored = await journal.readAll(subject(n));
    answers.push(stored.map(({ sequence, payload, headers }) => [sequence - base, payload, headers]));
  }
  return answers;

  async function guess(how: "right" | "none" | "stale", n: number): Promise<number> {
    if (how === "none") return 0;
    const last = (await journal.readLast(subject(n)))?.sequence ?? 0;
    return how === "right" ? last : last + 1;
  }

  function relative(result: AppendResult): unknown {
    if (result.status === "stored") return result.lastSequence - base;
    return result.status === "rejected" ? result.code : result.status;
  }
}

/** One operation on a bucket; what it expects is in terms of what is stored when it is sent. */
const operation = fc.record({
  key: fc.nat(2),
  do: fc.constantFrom(
    "put" as const,
    "update" as const,
    "update" as const,
    "delete" as const,
    "get" as const,
  ),
  expects: fc.constantFrom("right" as const, "none" as const, "stale" as const),
});
const bucketProgram = fc.array(operation, { minLength: 1, maxLength: 25 });
type Operation = typeof operation extends fc.Arbitrary<infer O> ? O : never;

/** The same for a bucket: every answer, with revisions counted from the start of the run, and the keys at the end. */
async function playBucket(bucket: Bucket, operations: readonly Operation[]): Promise<unknown[]> {
  const run = freshId();
  const base = await bucket.put(`${run}.start`, "");
  const answers: unknown[] = [];
  for (const { key: n, do: what, expects } of operations) {
    const key = `${run}.${n}`;
    const value = `${answers.length}`;
    const entry = await bucket.get(key);
    const revision = expects === "none" ? 0 : (entry?.revision ?? 0) + (expects === "stale" ? 1 : 0);
    if (what === "put") answers.push((await bucket.put(key, value)) - base);
    else if (what === "delete") await bucket.delete(key);
    else if (what === "get") answers.push(entry && [entry.value, entry.revision - base]);
    else {
      const result = await bucket.update(key, value, revision);
      answers.push(result.status === "stored" ? result.revision - base : result.status);
    }
  }
  const keys = (await bucket.keys()).filter((key) => key.startsWith(run));
  return [...answers, keys.toSorted().map((key) => key.slice(run.length))];
}

function mustAgree(have: unknown, want: unknown): void {
  if (JSON.stringify(have) !== JSON.stringify(want))
    throw new Error(`in memory ${JSON.stringify(have)}\non a server ${JSON.stringify(want)}`);
}

for (const [memory, real, runs] of [
  ["in memory", "one server", 80],
  ["in memory, replicated", "three servers", 80],
] as const) {
  await t.test(`${memory} as on ${real}`, async (t) => {
    const [model, truth] = await Promise.all([openWorld(t, memory), openWorld(t, real)]);
    const [ours, theirs] = [await model.join(), await truth.join()];
    const bounds = { numRuns: runs, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true };
    await fc.assert(
      fc.asyncProperty(program, async (appends) =>
        mustAgree(await play(ours.journal, appends), await play(theirs.journal, appends)),
      ),
      bounds,
    );
    await fc.assert(
      fc.asyncProperty(bucketProgram, async (operations) =>
        mustAgree(
          await playBucket(ours.bucket("PLAIN"), operations),
          await playBucket(theirs.bucket("PLAIN"), operations),
        ),
      ),
      { ...bounds, numRuns: Math.ceil(runs / 3) },
    );
    t.pass(`${runs} programs`);
  });
}

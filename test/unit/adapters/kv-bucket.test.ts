/** The bucket on a log that a test drives: which answer of the server means which result of a write. */
import t from "tap";
import { isNoRoom, isTransient } from "../../../src/adapters/jetstream/codes.ts";
import { kvBucket, type KvLog } from "../../../src/adapters/jetstream/kv-bucket.ts";
import {
  type AppendResult,
  type Message,
  ServerCode,
  type StoredMessage,
} from "../../../src/runtime/ports.ts";

const inFlight: AppendResult = { status: "rejected", code: ServerCode.subjectInFlight, reason: "in flight" };

/** A log with the preconditions of the server. Results in `answers` replace those of the next appends. */
function stage() {
  const messages: StoredMessage[] = [];
  const answers: AppendResult[] = [];
  const appended: Message[] = [];
  let pauses = 0;
  let deliver: ((message: StoredMessage) => void) | undefined;
  const last = (subject: string) => messages.findLast((message) => message.subject === subject);
  const log: KvLog = {
    append: async (message) => {
      appended.push(message);
      const answer = answers.shift();
      if (answer) return answer;
      const { subject, payload, headers = {}, fence } = message;
      if (fence && (last(fence.subject)?.sequence ?? 0) !== fence.sequence)
        return { status: "rejected", code: ServerCode.wrongLastSequence, reason: "wrong last sequence" };
      const stored = { subject, payload, headers: { ...headers }, sequence: messages.length + 1, at: 0 };
      messages.push(stored);
      deliver?.(stored);
      return { status: "stored", lastSequence: stored.sequence };
    },
    last: async (subject) => last(subject),
    lastPerSubject: async () => [...new Map(messages.map((one) => [one.subject, one])).values()],
    consumeLast: async (_filter, onMessage, onCaughtUp) => {
      for (const message of await log.lastPerSubject("")) onMessage(message);
      onCaughtUp();
      deliver = onMessage;
      return { stop: async () => {} };
    },
    pause: async () => void pauses++,
  };
  return {
    bucket: kvBucket("B", log),
    messages,
    answers,
    appended,
    pauses: () => pauses,
    again: (message: StoredMessage | undefined) => message && deliver?.(message),
  };
}

t.test("an update is stored at the revision that it names, and conflicts at any other", async (t) => {
  const { bucket } = stage();
  t.same(await bucket.update("k", "one", 0), { status: "stored", revision: 1 });
  t.same(await bucket.update("k", "again", 0), { status: "conflict" });
  t.same(await bucket.update("k", "two", 1), { status: "stored", revision: 2 });
  t.same(await bucket.update("k", "late", 1), { status: "conflict" });
  t.same(await bucket.get("k"), { key: "k", value: "two", revision: 2, at: 0 });
});

t.test("a deleted entry is absent, and can be created again, not updated at an old revision", async (t) => {
  const { bucket } = stage();
  await bucket.update("k", "one", 0);
  await bucket.put("other", "x");
  await bucket.delete("k");
  t.equal(await bucket.get("k"), undefined);
  t.same(await bucket.keys(), ["other"]);
  t.same(await bucket.update("k", "late", 1), { status: "conflict" });
  t.same(await bucket.update("k", "new", 0), { status: "stored", revision: 4 });
});

t.test("a write that the server has in flight is repeated; it is no conflict", async (t) => {
  const { bucket, answers, pauses } = stage();
  answers.push(inFlight, inFlight);
  t.match(await bucket.update("k", "one", 0), { status: "stored" });
  t.equal(pauses(), 2);
  answers.push(...Array.from({ length: 10 }, () => inFlight));
  t.match(await bucket.update("k", "two", 1), { status: "unanswered" }, "after ten attempts");
});

t.test("a write without an answer is unanswered, and not sent again", async (t) => {
  const { bucket, answers, appended } = stage();
  answers.push({ status: "unanswered", reason: "no answer in time" });
  t.match(await bucket.update("k", "one", 0), { status: "unanswered" });
  t.equal(appended.length, 1);
});

t.test("a watch reports every change once, also when the present entries come again", async (t) => {
  const { bucket, messages, again } = stage();
  await bucket.put("a", "1");
  await bucket.put("gone", "1");
  await bucket.delete("gone");
  const seen: [key: string, value: string | undefined, revision: number][] = [];
  await bucket.watch(({ key, value, revision }) => seen.push([key, value, revision]));
  t.same(seen, [["a", "1", 1]]);
  again(messages[0]);
  again(messages.at(-1));
  t.equal(seen.length, 1);
  await bucket.put("a", "1");
  await bucket.delete("a");
  t.same(seen.slice(1), [
    ["a", "1", 4],
    ["a", undefined, 5],
  ]);
});

t.test("a refusal is transient when the same request may succeed later", async (t) => {
  for (const err_code of [10002, 10005, 10158, 10176, 10210])
    t.ok(isTransient({ code: 400, err_code }), String(err_code));
  t.ok(isTransient({ code: 503 }));
  t.ok(isTransient({ code: 500, err_code: 10077 }));
  for (const err_code of [10074, 10111]) t.notOk(isTransient({ code: 500, err_code }), String(err_code));
  t.notOk(isTransient({ code: 400, err_code: ServerCode.wrongLastSequence }));
  t.ok(isNoRoom({ code: 500, err_code: 10047 }));
  t.notOk(isNoRoom({ code: 503 }));
});

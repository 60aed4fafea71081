/** The computed size of a message, compared with the bytes that the adapters send. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { encodeMessages } from "../../../../src/adapters/jetstream/message-encoding.ts";
import { ADDED_BYTES, isLargerThan, messageBytes } from "../../../../src/runtime/commit/message-size.ts";
import type { Message } from "../../../../src/runtime/ports.ts";

const LONGEST_BATCH_ID = "b".repeat(64);

/** As sent: alone, and at the end of the longest batch. */
function sentBytes(message: Message): number[] {
  const others = Array.from({ length: 999 }, () => ({ subject: "x", payload: "" }));
  return [[message], [...others, message]].map((messages) => {
    const encoded = encodeMessages(messages, LONGEST_BATCH_ID, Number.POSITIVE_INFINITY);
    if ("status" in encoded) throw new Error(JSON.stringify(encoded));
    const last = encoded.at(-1);
    return (last?.headers.length ?? 0) + (last?.payload.length ?? 0);
  });
}

const subject = subjects.record(31, "ord_01kb0000000000000000000000");
const lock = { subject: subjects.lock("partition.31", 15), sequence: Number.MAX_SAFE_INTEGER };
const longLock = { subject: "s".repeat(200), sequence: Number.MAX_SAFE_INTEGER };
const headers = { "Orderly-Commit": "k3Jd0a1Zp9", "ce-subject": "größe", "content-type": "application/json" };
const schedule = { at: 1_900_000_000_000, target: subjects.inbox(31, "ord_1") };

t.test("a message is never larger than computed, whatever its batch adds, and hardly smaller", (t) => {
  const payloads = ["", "x".repeat(1000), "ß".repeat(1000), "漢字".repeat(500), "😀".repeat(500)];
  const shapes: Partial<Message>[] = [
    {},
    { headers, messageId: "k3Jd0a1Zp9" },
    { headers, cancels: subjects.timer(31, "ord_1", "payment", "xstate.after.1", 1000) },
    { headers, messageId: "m", cancels: "orders.timers.x", fence: lock, schedule },
    { headers: { ...headers, "ce-type": "é".repeat(5000) } },
  ];
  for (const payload of payloads) {
    for (const shape of shapes) {
      const message = { subject, payload, ...shape };
      // The relay adds a fence later, without checking the size again.
      for (const sent of [message, { ...message, fence: message.fence ?? lock }].flatMap(sentBytes)) {
        const computed = messageBytes(message);
        t.same([isLargerThan(computed - 1, message), isLargerThan(computed, message)], [true, false]);
        t.ok(sent <= computed, `${sent} sent, ${computed} computed`);
        t.ok(computed - sent <= ADDED_BYTES, `${sent} sent, ${computed} computed`);
      }
    }
  }
  const fenced = { subject, payload: "", fence: longLock };
  for (const sent of sentBytes(fenced)) t.ok(sent <= messageBytes(fenced), "a fence of its own counts");
  t.end();
});

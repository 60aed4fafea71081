/** Messages on the wire: the headers that the server acts on, and what is refused before anything is sent. */
import t from "tap";
import { AppendCode, BATCH_MESSAGES_MAX } from "../../../src/adapters/jetstream/append-rules.ts";
import { type EncodedMessage, encodeMessages } from "../../../src/adapters/jetstream/message-encoding.ts";
import type { Message } from "../../../src/runtime/ports.ts";

const ROOM = 1024 * 1024;

function encoded(messages: readonly Message[], maxPayload = ROOM): EncodedMessage[] {
  const result = encodeMessages(messages, "batch-1", maxPayload);
  if ("status" in result) throw new Error(`refused: ${JSON.stringify(result)}`);
  return result;
}

const headersOf = ({ headers }: EncodedMessage): string[] =>
  Buffer.from(headers)
    .toString()
    .split("\r\n")
    .filter((line) => line !== "");

const one = (more: Partial<Message> = {}): Message => ({ subject: "a.1", payload: "", ...more });

t.test(
  "a message alone is no batch; of several each has its position, and the last one commits",
  async (t) => {
    t.same(encoded([one()]).map(headersOf), [["NATS/1.0"]]);
    t.same(encoded([one(), one(), one()]).map(headersOf), [
      ["NATS/1.0", "Nats-Batch-Id: batch-1", "Nats-Batch-Sequence: 1"],
      ["NATS/1.0", "Nats-Batch-Id: batch-1", "Nats-Batch-Sequence: 2"],
      ["NATS/1.0", "Nats-Batch-Id: batch-1", "Nats-Batch-Sequence: 3", "Nats-Batch-Commit: 1"],
    ]);
  },
);

t.test("a precondition names its sequence, 0 too, and its subject where that is another one", async (t) => {
  const own = one({ fence: { subject: "a.1", sequence: 0 } });
  const other = one({ fence: { subject: "lock.1", sequence: 7 } });
  t.same(encoded([own]).flatMap(headersOf), ["NATS/1.0", "Nats-Expected-Last-Subject-Sequence: 0"]);
  t.same(encoded([other]).flatMap(headersOf), [
    "NATS/1.0",
    "Nats-Expected-Last-Subject-Sequence: 7",
    "Nats-Expected-Last-Subject-Sequence-Subject: lock.1",
  ]);
});

t.test(
  "message id, schedule, cancellation and own headers are sent, and payloads are unchanged",
  async (t) => {
    const full = one({
      payload: "é\r\nx",
      messageId: "id-1",
      schedule: { at: Date.UTC(2026, 0, 2, 3, 4, 5, 6), target: "b.1" },
      cancels: "c.1",
      headers: { "Orderly-Epoch": "3" },
    });
    const [message] = encoded([full]);
    t.same(message && headersOf(message), [
      "NATS/1.0",
      "Nats-Msg-Id: id-1",
      "Nats-Schedule: @at 2026-01-02T03:04:05.006Z",
      "Nats-Schedule-Target: b.1",
      "Nats-Scheduler: c.1",
      "Nats-Schedule-Next: purge",
      "Orderly-Epoch: 3",
    ]);
    t.match(Buffer.from(message?.headers ?? []).toString(), /\r\n\r\n$/u);
    t.equal(Buffer.from(message?.payload ?? []).toString(), "é\r\nx");
  },
);

t.test("a message of exactly the server's limit is sent, and one byte more is refused", async (t) => {
  const headerBytes = encoded([one()])[0]?.headers.length ?? 0;
  const payload = "é".repeat(50);
  const limit = headerBytes + 100;
  t.equal(encoded([one({ payload })], limit)[0]?.payload.length, 100);
  t.match(encodeMessages([one({ payload })], "b", limit - 1), {
    status: "rejected",
    code: AppendCode.messageTooLarge,
  });
  t.match(encodeMessages([one(), one({ payload })], "b", limit - 1), { code: AppendCode.messageTooLarge });
});

t.test("a batch holds the server's number of messages, and not one more", async (t) => {
  const most = Array.from({ length: BATCH_MESSAGES_MAX }, () => one());
  t.equal(encoded(most).length, BATCH_MESSAGES_MAX);
  t.match(encodeMessages([...most, one()], "b", ROOM), { code: AppendCode.batchTooLarge });
});

t.test("a message that the protocol cannot carry refuses its whole batch", async (t) => {
  for (const wrong of [
    one({ subject: "a.*" }),
    one({ fence: { subject: "a. b", sequence: 0 } }),
    one({ messageId: "a\nb" }),
    one({ schedule: { at: 0, target: "b.>" } }),
    one({ cancels: "" }),
    one({ headers: { "Nats-Own": "1" } }),
    one({ headers: { Name: "a\r\nNats-Msg-Id: b" } }),
    one({ headers: { "a b": "1" } }),
  ])
    t.match(encodeMessages([one(), wrong], "b", ROOM), { code: AppendCode.invalidMessage });
});

/** Reads in groups: none is lost, none is answered from before it was asked for, and one that fails ends no other. */
import t from "tap";
import { groupedRead } from "../../../src/adapters/nats/group-read.ts";
import type { StoredMessage } from "../../../src/runtime/ports.ts";
import { waitUntil } from "../../support/wait-until.ts";

const message = (subject: string): StoredMessage => ({
  subject,
  sequence: 1,
  at: 0,
  headers: {},
  payload: "",
});

/** A server that answers when the test says so. */
function server() {
  const sent: {
    readonly subject: string;
    readonly answer: PromiseWithResolvers<StoredMessage | undefined>;
  }[] = [];
  const read = groupedRead(async (subject) => {
    const answer = Promise.withResolvers<StoredMessage | undefined>();
    sent.push({ subject, answer });
    return await answer.promise;
  });
  return { read, sent, subjects: () => sent.map(({ subject }) => subject) };
}

t.test("what is asked for while a group is in flight is the next group", async (t) => {
  const { read, sent, subjects } = server();
  const first = [read("a"), read("b")];
  await waitUntil("the first group is sent", () => sent.length === 2);
  const later = [read("a"), read("c")];
  sent[0]!.answer.resolve(message("a"));
  t.same(await first[0], message("a"), "an answer waits for no other");
  await new Promise(setImmediate);
  t.strictSame(subjects(), ["a", "b"], "one group is in flight");
  sent[1]!.answer.resolve(undefined);
  t.equal(await first[1], undefined);
  await waitUntil("the second group is sent", () => sent.length === 4);
  t.strictSame(subjects(), ["a", "b", "a", "c"], "read anew, though it was read a moment before");
  for (const { answer, subject } of sent.slice(2)) answer.resolve(message(subject));
  t.same(await Promise.all(later), [message("a"), message("c")]);
  const last = read("d");
  await waitUntil("it is sent", () => sent.length === 5);
  sent[4]!.answer.resolve(undefined);
  t.equal(await last, undefined);
});

t.test("a read that fails ends no other, and the next group is sent", async (t) => {
  const { read, sent } = server();
  const [bad, good] = [read("a"), read("b")];
  const failed = t.rejects(bad, /no answer/u);
  await waitUntil("the group is sent", () => sent.length === 2);
  const later = read("c");
  sent[0]!.answer.reject(new Error("no answer"));
  await failed;
  sent[1]!.answer.resolve(message("b"));
  t.same(await good, message("b"));
  await waitUntil("the second group is sent", () => sent.length === 3);
  sent[2]!.answer.resolve(undefined);
  t.equal(await later, undefined);
});

/** Planted bugs of the write set of a cascade, and of the size of a message. */
import type { Mutant } from "./mutant.ts";

const CASCADE = "src/runtime/commit/cascade-write-set.ts";
const SIZE = "src/runtime/commit/message-size.ts";
const CASCADE_TEST = "test/unit/runtime/commit/cascade-write-set.test.ts";
const SIZE_TEST = "test/unit/runtime/commit/message-size.test.ts";

export const writeSetMutants: readonly Mutant[] = [
  {
    id: "write-set-joined-lock-unnamed",
    does: "What joins does not bring its lock.",
    file: CASCADE,
    find: "if (!locks.some((known) => known.subject === lock.subject)) locks.push(lock);",
    replace: "if (locks.length === 0) locks.push(lock);",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-joined-lock-named-twice",
    does: "Two decisions of one resource name its lock twice.",
    file: CASCADE,
    find: "if (!locks.some((known) => known.subject === lock.subject)) locks.push(lock);",
    replace: "locks.push(lock);",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-joined-refusal-without-lock",
    does: "A decision that joins without messages does not bring the lock of the stock that it was made from.",
    file: CASCADE,
    find: `  for (const { lock } of cascade.joined) {
`,
    replace: `  for (const { lock, messages: own } of cascade.joined) {
    if (own.length === 0) continue;
`,
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-hold-unchecked",
    does: "The hold that joins is written without its precondition.",
    file: CASCADE,
    find: `      preconditions.push({ subject: fence.subject, sequence: fence.sequence });
`,
    replace: "",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-hold-depends-like-the-record",
    does: "The hold of a dependent record names no sequence.",
    file: CASCADE,
    find: "sequence: fence.sequence });",
    replace: "sequence: context.sequence === undefined ? undefined : fence.sequence });",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-hold-without-commit",
    does: "The hold does not carry the commit id by which a lost attempt is identified.",
    file: CASCADE,
    find: "joined.push({ ...message, headers: { ...message.headers, [RecordHeader.commit]: commit } });",
    replace: "joined.push(message);",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-hold-loses-headers",
    does: "The hold loses its own headers.",
    file: CASCADE,
    find: "{ ...message.headers, [RecordHeader.commit]: commit }",
    replace: "{ [RecordHeader.commit]: commit }",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-first-joined-delta",
    does: "Of several decisions that join only the first changes the stock.",
    file: CASCADE,
    find: "cascade.joined.flatMap((part) => part.delta ?? [])",
    replace: "cascade.joined.slice(0, 1).flatMap((part) => part.delta ?? [])",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-unfenced-joined-lost",
    does: "A message that joins without a precondition is lost.",
    file: CASCADE,
    find: `        joined.push(message);
        continue;`,
    replace: "        continue;",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-refused-joins-as-stored",
    does: "What joined a write set that the server refuses counts as committed.",
    file: CASCADE,
    find: `if (outcome.status === "stored") part.resolved(true, outcome.sequences);
        else`,
    replace: `if (outcome.status === "stored") part.resolved(true, outcome.sequences);
        else if (outcome.status === "refused") part.resolved(true);
        else`,
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-joined-without-sequences",
    does: "What joined does not receive the sequence of its hold.",
    file: CASCADE,
    find: "part.resolved(true, outcome.sequences);",
    replace: "part.resolved(true);",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-order-before-what-joined",
    does: "The order goes on before the resource has taken in the outcome.",
    file: CASCADE,
    find: `      for (const part of cascade.joined) {
        if`,
    replace: `      context.resolved(outcome);
      for (const part of cascade.joined) {
        if`,
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-timers-before-cancellations",
    does: "Timers are armed before earlier ones are canceled.",
    file: CASCADE,
    find: "[...cancelling, ...timers, ...joined]",
    replace: "[...timers, ...cancelling, ...joined]",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-first-cancellation-lost",
    does: "The first timer that is canceled goes on.",
    file: CASCADE,
    find: "const cancels = cancelled[index];",
    replace: "const cancels = cancelled[index + 1];",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-joined-not-measured",
    does: "What joins is not compared with the limits.",
    file: CASCADE,
    find: "mustFit(messages);",
    replace: "mustFit([...cancelling, ...timers]);",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-most-messages-too-large",
    does: "A write set with exactly the most messages is refused.",
    file: CASCADE,
    find: "messages.length > limits.writeSetMessages",
    replace: "messages.length >= limits.writeSetMessages",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-record-without-message-id",
    does: "The record has no message id, by which the server recognizes a repeat.",
    file: CASCADE,
    find: "headers, messageId: commit },",
    replace: "headers },",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-event-id-of-the-commit",
    does: "The id of an event differs between two attempts of the same decision.",
    file: CASCADE,
    find: "${context.actor}.${cascade.head.snapshot.version}.${index}",
    replace: "${context.commit}.${index}",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-timer-without-generation",
    does: "A timer that fires does not name its generation.",
    file: CASCADE,
    find: `        generation: timer.generation,
      }),`,
    replace: "      }),",
    tests: [CASCADE_TEST],
  },
  {
    id: "write-set-size-exactly-the-limit",
    does: "A message of exactly the limit is taken for too large.",
    file: SIZE,
    find: "messageBytes(message) > limit",
    replace: "messageBytes(message) >= limit",
    tests: [SIZE_TEST],
  },
  {
    id: "write-set-size-two-bytes-a-character",
    does: "Texts of three bytes a character pass the limit uncounted.",
    file: SIZE,
    find: "BYTES_PER_CHARACTER = 3",
    replace: "BYTES_PER_CHARACTER = 2",
    tests: [SIZE_TEST],
  },
  {
    id: "write-set-size-headers-uncounted",
    does: "Headers do not count for the quick check of the size.",
    file: SIZE,
    find: '(message.headers[name] ?? "").length + 4;',
    replace: "4;",
    tests: [SIZE_TEST],
  },
];

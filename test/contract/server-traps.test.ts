/** Behavior of real servers that the adapters rely on or avoid, and that memory does not imitate. */
import t, { type Test } from "tap";
import { orderStream, type StreamDefinition } from "../../src/adapters/nats/stream-definitions.ts";
import { subjects } from "../../src/services/subjects.ts";
import { AppendCode } from "../../src/adapters/jetstream/append-rules.ts";
import { appendMessages } from "../../src/adapters/nats/append.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { apiRequest } from "../../src/adapters/nats/jetstream-api.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { ensureStream } from "../../src/adapters/nats/streams.ts";
import { type Message, ServerCode, Unavailable } from "../../src/runtime/ports.ts";
import { startNatsCluster, startNatsServer } from "../support/cluster/nats-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { untilAnswered } from "../support/cluster/until-answered.ts";
import { freshId, mustStore, outcome } from "./expect.ts";

const WINDOW_MS = 400;
const MAX_FILE_STORE_BYTES = 4_000_000;
const NANOS_PER_MS = 1_000_000;

async function linked(t: Test, urls: readonly string[]): Promise<NatsLink> {
  const link = await connectNats({ servers: urls, name: "test", connectTimeoutMs: 20_000 });
  t.teardown(() => link.close());
  return link;
}

async function made(link: NatsLink, definition: StreamDefinition): Promise<void> {
  await waitUntil(`${definition.name} exists`, async () => {
    await ensureStream(link, definition);
    return true;
  });
  await untilAnswered(link, [definition]);
}

const orders = (replicas: number) =>
  orderStream({ replicas, partitions: 32, streams: 1, presenceAgeMs: 1_000, subjects });

async function duplicates(t: Test, link: NatsLink, replicas: number): Promise<void> {
  const window = { ...orders(replicas), name: "WINDOW", subjects: ["window.>"] };
  await made(link, { ...window, duplicate_window: WINDOW_MS * NANOS_PER_MS });
  const outcomeOf = async (messages: readonly Message[]) => {
    const result = await appendMessages(link, messages, 5_000);
    return result.status === "rejected" ? result.code : result.status;
  };
  const subject = `window.${freshId()}`;
  const fenced = { subject, payload: "", messageId: freshId(), fence: { subject, sequence: 0 } };
  const free = { subject: `window.${freshId()}`, payload: "", messageId: freshId() };
  const other = { subject: "window.other", payload: "" };
  const beganAt = performance.now();
  t.equal(await outcomeOf([fenced, free]), "stored");
  const again = [await outcomeOf([fenced, other]), await outcomeOf([free])];
  const inTime = performance.now() - beganAt < WINDOW_MS / 2;
  if (inTime) t.strictSame(again, [ServerCode.duplicateMessageId, ServerCode.duplicateMessageId]);
  await waitUntil(
    "the id is forgotten, and a message without a fence is stored twice",
    async () => (await outcomeOf([free])) === "stored",
  );
  t.equal(await outcomeOf([fenced, other]), ServerCode.wrongLastSequence, "the fence protects without limit");
}

/** The traps of one world, except the full store. */
async function traps(t: Test, link: NatsLink, replicas: number): Promise<void> {
  await made(link, orders(replicas));
  const journal = natsJournal(link, subjects.stream(0));
  const create = async (definition: StreamDefinition & { readonly persist_mode?: string }): Promise<void> => {
    await apiRequest(link, `STREAM.CREATE.${definition.name}`, definition, 5_000);
  };

  await t.test("a message id is forgotten with its window, and then the fence alone protects", (t) =>
    duplicates(t, link, replicas),
  );

  await t.test("a fired schedule reaches no subscription: only the stream has it", async (t) => {
    const inbox = subjects.inbox(1, freshId());
    const heard: string[] = [];
    const subscription = link.nc.subscribe(inbox, { callback: (_, msg) => void heard.push(msg.string()) });
    const timer = subjects.timer(1, freshId(), "m", "t", 1);
    await mustStore(journal, [
      { subject: timer, payload: "fired", schedule: { at: Date.now() + 50, target: inbox } },
    ]);
    await waitUntil("it has fired", async () => (await journal.readLast(inbox))?.payload === "fired");
    await mustStore(journal, [{ subject: inbox, payload: "sent" }]);
    await waitUntil("what is sent is heard", () => heard.includes("sent"));
    t.strictSame(heard, ["sent"]);
    subscription.unsubscribe();
  });

  await t.test("a stream with schedules cannot refuse new messages when it is full", async (t) => {
    const full = { discard: "new", max_bytes: 1_000_000 } as const;
    const definition = { ...orders(replicas), name: "NEW", subjects: ["new.>"], ...full };
    await t.rejects(create(definition), /cannot use discard new/);
  });

  await t.test("a limit silently deletes an acknowledged schedule", async (t) => {
    await made(link, { ...orders(replicas), name: "LIMITED", subjects: ["limited.>"], max_msgs: 2 });
    const schedule = { at: Date.now() + 1_000, target: "limited.target" };
    const timer = { subject: "limited.timer", payload: "", schedule };
    t.match(await appendMessages(link, [timer], 5_000), { status: "stored" });
    for (let n = 0; n < 3; n++) await appendMessages(link, [{ subject: "limited.x", payload: "" }], 5_000);
    const marker = subjects.timer(1, freshId(), "m", "t", 1);
    const target = subjects.inbox(1, freshId());
    await mustStore(journal, [{ subject: marker, payload: "", schedule: { at: schedule.at + 500, target } }]);
    await waitUntil("a later one has fired", async () => (await journal.readLast(target)) !== undefined);
    t.equal(await natsJournal(link, "LIMITED").readLast("limited.target"), undefined);
  });

  await t.test("a stream that acknowledges before it stores cannot have batches", async (t) => {
    const definition = { ...orders(replicas), name: "EARLY", subjects: ["early.>"], persist_mode: "async" };
    await t.rejects(create(definition), /async persist/);
  });

  await t.test(
    "a batch with a message over the stream's own limit is always answered as incomplete",
    async (t) => {
      await made(link, { ...orders(replicas), name: "SIZED", subjects: ["sized.>"], max_msg_size: 1_000 });
      const large = { subject: "sized.large", payload: "x".repeat(2_000) };
      const small = { subject: "sized.small", payload: "" };
      const alone = await appendMessages(link, [large], 5_000);
      t.match(alone, { status: "rejected", code: AppendCode.messageTooLarge }, "alone it is named");
      for (let n = 0; n < 3; n++) {
        const together = await appendMessages(link, [large, small], 5_000);
        t.match(together, { status: "unanswered", reason: /incomplete/ });
      }
      t.equal(await natsJournal(link, "SIZED").readLast("sized.small"), undefined);
    },
  );
}

/** Writes until the store is full, and after that. */
async function fullStore(t: Test, link: NatsLink): Promise<void> {
  await made(link, orders(1));
  const journal = natsJournal(link, subjects.stream(0));
  const filler = { subject: "orders.events.1.x", payload: "x".repeat(100_000) };
  const ids: string[] = [];
  const answers: (number | string)[] = [];
  for (let n = 0; n < 80 && answers.filter((one) => one !== "stored").length < 3; n++) {
    const subject = subjects.record(1, freshId());
    const answer = await outcome(journal, [
      { subject, payload: "{}", fence: { subject, sequence: 0 } },
      filler,
    ]);
    if (answer === "stored") ids.push(subject);
    answers.push(answer);
  }
  t.comment(`${ids.length} stored, then ${answers.slice(-3).join(", ")}`);
  t.ok(answers.at(-1) !== "stored", "the store is full");
  const kept = await Promise.all(ids.map((subject) => journal.readLast(subject)));
  t.ok(kept.every((message) => message !== undefined));
  await apiRequest(link, `STREAM.PURGE.${subjects.stream(0)}`, { filter: filler.subject }, 5_000);
  const subject = subjects.record(1, freshId());
  await waitUntil(
    "it takes writes again",
    async () => (await outcome(journal, [{ subject, payload: "" }])) === "stored",
  );
}

t.test("one server", async (t) => {
  const server = await startNatsServer(t);
  await traps(t, await linked(t, [server.url]), 1);
});

t.test("three servers", async (t) => {
  const { urls } = await startNatsCluster(t, 3);
  await traps(t, await linked(t, urls), 3);
});

t.test(
  "a full store acknowledges no more messages, keeps its messages, and continues when there is room",
  async (t) => {
    const server = await startNatsServer(t, { maxFileStoreBytes: MAX_FILE_STORE_BYTES });
    await fullStore(t, await linked(t, [server.url]));
  },
);

t.test(
  "three full servers have no leader until there is room; stored messages can be read directly",
  async (t) => {
    const { urls } = await startNatsCluster(t, 3, { maxFileStoreBytes: MAX_FILE_STORE_BYTES });
    const link = await linked(t, urls);
    await made(link, orders(3));
    await made(link, { ...orders(3), name: "FILLER", subjects: ["filler"] });
    const journal = natsJournal(link, subjects.stream(0));
    const subject = subjects.record(1, freshId());
    const kept = await mustStore(journal, [{ subject, payload: "kept", fence: { subject, sequence: 0 } }]);
    const filler = [{ subject: "filler", payload: "x".repeat(100_000) }];
    await waitUntil(
      "they are full",
      async () => (await appendMessages(link, filler, 2_000)).status !== "stored",
    );
    const record = { subject, payload: "more", fence: { subject, sequence: kept } };
    const append = () => journal.append([record], 1_000);
    for (let n = 0; n < 3; n++) t.equal((await append()).status, "unanswered", "nothing is acknowledged");
    await waitUntil("there is no leader to ask", () =>
      journal.readLast(subject).then(
        () => false,
        (error: unknown) => error instanceof Unavailable,
      ),
    );
    t.equal((await journal.readLastTogether([subject], kept)).last.get(subject)?.payload, "kept");
    // The stream itself could not be purged now. Another one can be deleted, or the limit raised.
    await waitUntil("there is room", async () => {
      await apiRequest(link, "STREAM.DELETE.FILLER", undefined, 5_000);
      return true;
    });
    await waitUntil("it takes writes again", async () => {
      const result = await append();
      // One of the attempts without an answer may have been stored after all.
      return result.status === "stored" || result.status === "rejected";
    });
    t.equal((await journal.readLast(subject))?.payload, "more");
    t.strictSame(
      (await journal.readAll(subject)).map(({ payload }) => payload),
      ["kept", "more"],
      "once",
    );
  },
);

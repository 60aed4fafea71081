/** What the runtime relies on when it writes to the journal, in memory and on real servers alike. */
import t from "tap";
import { subjects } from "../../src/services/subjects.ts";
import { AppendCode } from "../../src/adapters/jetstream/append-rules.ts";
import {
  type Journal,
  type Message,
  ReplicaLagging,
  ServerCode,
  Unavailable,
} from "../../src/runtime/ports.ts";
import { waitUntil } from "../support/wait-until.ts";
import { freshId, mustStore, outcome, TIMEOUT_MS } from "./expect.ts";
import { inEveryWorld } from "./worlds.ts";

/** Rounds of concurrent batches, until some have collided. */
const COLLISIONS = 5;

const commitOf = (commit: string) => ({ headers: { "Orderly-Commit": commit } });

const record = (id: string, sequence: number | undefined, payload = "{}"): Message => {
  const subject = subjects.record(1, id);
  return sequence === undefined ? { subject, payload } : { subject, payload, fence: { subject, sequence } };
};

const event = (payload = "{}"): Message => ({ subject: subjects.event(1, "order.created"), payload });

const facts = (of: string, group: string, payload: string) => ({
  subject: subjects.facts(1, of, group),
  payload,
});

/** The reading, as soon as a replica has reached the sequence. */
const reached = (journal: Journal, wanted: readonly string[], through: number) =>
  waitUntil(`a replica reaches ${through}`, () => journal.readLastTogether(wanted, through), {
    intervalMs: 1,
  });

await inEveryWorld(t, async (t, world) => {
  const peer = await world.join();
  const other = await world.join();
  const { journal } = peer;

  await t.test(
    "a message alone is stored and read back as it was, without the server's headers",
    async (t) => {
      const id = freshId();
      const message = { ...record(id, 0, "größe ✓"), ...commitOf("c-1"), messageId: freshId() };
      const sequence = await mustStore(journal, [message]);
      const stored = await journal.readLast(message.subject);
      t.match(stored, { sequence, subject: message.subject, payload: "größe ✓" });
      t.strictSame(stored?.headers, { "Orderly-Commit": "c-1" });
      t.ok(Math.abs((stored?.at ?? 0) - Date.now()) < 60_000, "server time, in milliseconds");
    },
  );

  await t.test("the time is that by which the stream's leader dates what it stores", async (t) => {
    const dated = async (): Promise<number> => {
      const message = record(freshId(), 0);
      await mustStore(journal, [message]);
      return (await journal.readLast(message.subject))?.at ?? Number.NaN;
    };
    const before = await dated();
    const times = [await journal.time(), await other.journal.time()];
    const after = await dated();
    for (const time of times)
      t.ok(before <= time && time <= after, `${before} <= ${time} <= ${after}, ms since the epoch`);
    t.ok(times.every(Number.isInteger));
  });
  await t.test(
    "all nodes see one log, which reaches as far as what was stored, message by message",
    async (t) => {
      const message = record(freshId(), 0, "größe");
      const sequence = await mustStore(journal, [message]);
      const [own, others] = [await journal.state(), await other.journal.state()];
      t.match(own.id, /^[A-Za-z0-9_-]{10,}$/u);
      t.equal(own.id, others.id);
      t.equal(own.createdAt, others.createdAt);
      t.ok(own.createdAt <= Date.now() + 60_000 && own.lastSequence >= sequence);
      const stored = await journal.readAt(sequence);
      t.match(stored, { subject: message.subject, payload: "größe", sequence });
      const last = await journal.readAt(own.lastSequence);
      if (last !== undefined)
        t.equal(own.lastAt, last.at, "the time of the newest message is that of storing it");
      t.equal(await journal.readAt(own.lastSequence + 1_000_000), undefined);
    },
  );

  await t.test("a batch is stored at consecutive sequences that end with the one answered", async (t) => {
    const ids = [freshId(), freshId(), freshId()];
    const last = await mustStore(
      journal,
      ids.map((id) => record(id, 0)),
    );
    const stored = await Promise.all(ids.map((id) => journal.readLast(subjects.record(1, id))));
    t.strictSame(
      stored.map((message) => message?.sequence),
      [last - 2, last - 1, last],
    );
  });

  await t.test("a reading that has to reach a sequence misses nothing at or below it", async (t) => {
    const [id, never] = [freshId(), freshId()];
    const lock = subjects.lock(`partition.${freshId()}`);
    const [subject, absent] = [subjects.record(1, id), subjects.record(1, never)];
    await mustStore(journal, [{ subject: lock, payload: "me" }]);
    for (let version = 1; version <= 5; version++) {
      const message = { ...record(id, undefined, `größe ${version}`), ...commitOf(`c-${version}`) };
      const sequence = await mustStore(journal, [message]);
      for (const reader of [journal, other.journal]) {
        const { last, through } = await reached(reader, [subject, absent, lock], sequence);
        t.equal(through, sequence, "nothing was written since");
        t.strictSame([...last.keys()].toSorted(), [lock, subject].toSorted(), "the stored messages");
        const found = last.get(subject);
        t.match(found, { subject, sequence, payload: `größe ${version}` });
        t.strictSame(found?.headers, { "Orderly-Commit": `c-${version}` });
        t.ok(Math.abs((found?.at ?? 0) - Date.now()) < 60_000, "server time, in milliseconds");
      }
    }
    const end = await mustStore(journal, [event()]);
    const { through } = await reached(journal, [subject, lock], end);
    t.equal(through, end, "the point is that of the log, not of the messages found");
    await t.rejects(journal.readLastTogether([subject, lock], end + 1000), ReplicaLagging);
    t.strictSame(await journal.readLastTogether([absent], 0), { last: new Map(), through: 0 });
  });

  await t.test("a subject with `*` is read like its literal ones, as of the same point", async (t) => {
    const [id, other] = [freshId(), freshId()];
    const lock = subjects.lock(`partition.${freshId()}`);
    await mustStore(journal, [{ subject: lock, payload: "me" }]);
    await mustStore(journal, [facts(id, "g", "1"), facts(id, "h", "2"), facts(other, "g", "3")]);
    const end = await mustStore(journal, [facts(id, "g", "4")]);
    const { last } = await reached(journal, [subjects.factsOf(1, id), lock], end);
    t.same(Object.fromEntries([...last].map(([subject, { payload }]) => [subject, payload])), {
      [lock]: "me",
      [subjects.facts(1, id, "g")]: "4",
      [subjects.facts(1, id, "h")]: "2",
    });
  });

  await t.test("a reading as of an earlier sequence shows the log as it was then", async (t) => {
    const lock = subjects.lock(`partition.${freshId()}`);
    const subject = subjects.record(1, freshId());
    const begin = await mustStore(journal, [{ subject: lock, payload: "me" }]);
    const stored: number[] = [];
    for (let version = 1; version <= 4; version++) {
      stored.push(await mustStore(journal, [{ subject, payload: `${version}` }]));
      await mustStore(journal, [event()]);
    }
    const end = stored[3]!;
    const asOf = (upTo: number) =>
      waitUntil(
        `a replica reads as of ${upTo}`,
        async () => (await journal.readLastTogether([subject, lock], end, upTo)).last,
        { intervalMs: 1 },
      );
    for (const [index, sequence] of stored.entries()) {
      t.match((await asOf(sequence)).get(subject), { sequence, payload: `${index + 1}` });
      t.equal((await asOf(sequence - 1)).get(subject)?.sequence, stored[index - 1]);
    }
    const before = await asOf(begin);
    t.strictSame([...before.keys()], [lock]);
    await t.rejects(journal.readLastTogether([subject, lock], 0, end + 1000), ReplicaLagging);
  });

  await t.test("a reading of a peer that has left is unavailable, not a fault", async (t) => {
    const leaving = await world.join();
    const subject = subjects.record(1, freshId());
    const left = leaving.leave();
    await t.rejects(leaving.journal.readLastTogether([subject], 0), Unavailable);
    await left;
    await t.rejects(leaving.journal.readLastTogether([subject], 0), Unavailable);
  });

  await t.test("many last messages are read as of one point, however large they are", async (t) => {
    const ids = Array.from({ length: 900 }, () => freshId());
    const payload = "x".repeat(2000);
    const end = await mustStore(
      journal,
      ids.map((id) => record(id, 0, payload)),
    );
    const wanted = ids.map((id) => subjects.record(1, id));
    const { last } = await reached(journal, wanted, end);
    t.equal(last.size, ids.length);
    t.ok([...last.values()].every((message) => message.payload === payload));
  });

  await t.test("a record written after another one is refused with 10071", async (t) => {
    const id = freshId();
    const first = await mustStore(journal, [record(id, 0)]);
    await mustStore(other.journal, [record(id, first)]);
    t.equal(await outcome(journal, [record(id, first)]), ServerCode.wrongLastSequence);
    t.equal(await outcome(journal, [record(id, first), event()]), ServerCode.wrongLastSequence);
    t.equal((await journal.readAll(subjects.record(1, id))).length, 2);
  });

  await t.test("one wrong fence refuses the whole batch", async (t) => {
    const [good, bad] = [freshId(), freshId()];
    t.equal(await outcome(journal, [record(good, 0), record(bad, 7), event()]), ServerCode.wrongLastSequence);
    t.equal(await journal.readLast(subjects.record(1, good)), undefined);
    t.equal(await journal.readLast(subjects.record(1, bad)), undefined);
  });

  await t.test(
    "a repetition after a lost answer is refused, and the stored record names its own commit",
    async (t) => {
      const id = freshId();
      const batch = [{ ...record(id, 0), ...commitOf(`commit-${id}`) }, event()];
      await mustStore(journal, batch);
      t.equal(await outcome(journal, batch), ServerCode.wrongLastSequence);
      t.equal((await journal.readLast(batch[0]!.subject))?.headers["Orderly-Commit"], `commit-${id}`);
    },
  );

  await t.test(
    "a subject written in a batch cannot be fenced again in it, but follows unfenced",
    async (t) => {
      const id = freshId();
      t.equal(await outcome(journal, [record(id, 0), record(id, 0)]), ServerCode.subjectInFlight);
      t.equal(await outcome(journal, [record(id, 0), record(id, 1)]), ServerCode.subjectInFlight);
      t.equal(await journal.readLast(subjects.record(1, id)), undefined);
      await mustStore(journal, [record(id, 0, "1"), record(id, undefined, "2"), event()]);
      const stored = await journal.readAll(subjects.record(1, id));
      t.strictSame(
        stored.map((message) => message.payload),
        ["1", "2"],
      );
    },
  );

  await t.test("a message fenced on another subject's lock is refused once the lock has moved", async (t) => {
    const lock = subjects.lock(`partition.${freshId()}`);
    const epoch = await mustStore(journal, [
      { subject: lock, payload: "me", fence: { subject: lock, sequence: 0 } },
    ]);
    const fenced = (): Message => ({ ...event(), fence: { subject: lock, sequence: epoch } });
    await mustStore(journal, [record(freshId(), 0), fenced(), fenced(), record(freshId(), 0)]);
    await mustStore(other.journal, [
      { subject: lock, payload: "other", fence: { subject: lock, sequence: epoch } },
    ]);
    const id = freshId();
    t.equal(await outcome(journal, [record(id, 0), fenced()]), ServerCode.wrongLastSequence);
    t.equal(await outcome(journal, [fenced()]), ServerCode.wrongLastSequence);
    t.equal(await journal.readLast(subjects.record(1, id)), undefined);
  });

  await t.test("a batch with a message id that is stored already is refused with 10201", async (t) => {
    const messageId = freshId();
    const input = (): Message => ({ subject: subjects.inbox(1, messageId), payload: "{}", messageId });
    await mustStore(journal, [input()]);
    t.equal(await outcome(journal, [input(), event()]), ServerCode.duplicateMessageId);
    const twice = { ...input(), messageId: freshId() };
    t.equal(await outcome(journal, [twice, twice]), ServerCode.duplicateMessageId);
    t.equal((await journal.readAll(subjects.inbox(1, messageId))).length, 1);
  });

  await t.test(
    "a message id alone is stored once, whatever the payload, and answered as a duplicate",
    async (t) => {
      const messageId = freshId();
      const subject = subjects.inbox(1, messageId);
      await mustStore(journal, [{ subject, payload: "first", messageId }]);
      t.equal(
        await outcome(other.journal, [{ subject, payload: "second", messageId }]),
        ServerCode.duplicateMessageId,
      );
      t.strictSame(
        (await journal.readAll(subject)).map((message) => message.payload),
        ["first"],
      );
    },
  );

  await t.test(
    "a known message id with a stale expectation is refused with one of the two codes",
    async (t) => {
      const id = freshId();
      const message = { ...record(id, 0), messageId: id };
      await mustStore(journal, [message]);
      const code = world.replicated ? ServerCode.duplicateMessageId : ServerCode.wrongLastSequence;
      t.equal(await outcome(journal, [message]), code);
      t.equal((await journal.readAll(message.subject)).length, 1);
    },
  );

  await t.test("a message over the size limit is refused before anything is sent", async (t) => {
    const [small, large] = [freshId(), freshId()];
    const huge = "x".repeat(1024 * 1024);
    t.equal(await outcome(journal, [record(large, 0, huge)]), AppendCode.messageTooLarge);
    t.equal(
      await outcome(journal, [record(small, 0), record(large, 0, huge), event()]),
      AppendCode.messageTooLarge,
    );
    const wide = { ...event(), headers: { "Orderly-Wide": "x".repeat(70_000) } };
    t.equal(await outcome(journal, [wide]), AppendCode.messageTooLarge);
    t.equal(await journal.readLast(subjects.record(1, small)), undefined);
    await mustStore(journal, [record(small, 0, "x".repeat(1024 * 1024 - 1024))]);
  });

  await t.test("a batch holds 1000 messages and not one more", async (t) => {
    const id = freshId();
    const many = (count: number) => Array.from({ length: count }, () => record(id, undefined, ""));
    t.equal(await outcome(journal, many(1001)), AppendCode.batchTooLarge);
    t.equal(await journal.readLast(subjects.record(1, id)), undefined);
    const last = await mustStore(journal, many(1000));
    t.equal((await journal.readLast(subjects.record(1, id)))?.sequence, last);
  });

  await t.test("a message that the protocol cannot carry is refused", async (t) => {
    const faulty: Message[] = [
      { subject: "orders.journal.1.*", payload: "" },
      { subject: "orders.journal.1.a b", payload: "" },
      { subject: "orders.journal..a", payload: "" },
      { ...event(), headers: { "Orderly-Commit": "a\r\nNats-Msg-Id: b" } },
      { ...event(), headers: { "Nats-Rollup": "all" } },
      { ...event(), fence: { subject: "orders.journal.>", sequence: 0 } },
    ];
    for (const message of faulty) t.equal(await outcome(journal, [message]), AppendCode.invalidMessage);
  });

  await t.test("a message that no stream takes is never answered as stored", async (t) => {
    t.equal(await outcome(journal, [{ subject: "elsewhere.1", payload: "" }]), "unanswered");
    const id = freshId();
    t.equal(
      await outcome(journal, [record(id, 0), { subject: "elsewhere.1", payload: "" }, event()]),
      "unanswered",
    );
    t.equal(await journal.readLast(subjects.record(1, id)), undefined);
  });

  await t.test("an acknowledged message is read at once, by any peer", async (t) => {
    const id = freshId();
    let sequence = 0;
    for (let version = 1; version <= 20; version++) {
      sequence = await mustStore(journal, [record(id, sequence, String(version))]);
      t.equal((await other.journal.readLast(subjects.record(1, id)))?.payload, String(version));
    }
    const all = await other.journal.readAll(subjects.record(1, id));
    t.strictSame(
      all.map((message) => message.payload),
      Array.from({ length: 20 }, (_, index) => String(index + 1)),
    );
  });

  await t.test("the last message of every subject is found, and of no other", async (t) => {
    const shard = freshId();
    const stock = (sku: string) => `$KV.ORDERS.stock.${shard}.${sku}`;
    await mustStore(
      journal,
      ["a", "b", "a"].map((sku, index) => ({ subject: stock(sku), payload: String(index) })),
    );
    const found = await journal.readLastPerSubject(`$KV.ORDERS.stock.${shard}.*`);
    t.strictSame(found.map((message) => `${message.subject}=${message.payload}`).toSorted(), [
      `${stock("a")}=2`,
      `${stock("b")}=1`,
    ]);
    t.strictSame(await journal.readLastPerSubject(`$KV.ORDERS.stock.${freshId()}.>`), []);
    const through = Math.max(...found.map((message) => message.sequence));
    const complete = await journal.readLastPerSubject(`$KV.ORDERS.stock.${shard}.*`, through);
    t.equal(complete.length, 2, "the list includes everything up to a sequence");
    const beyond = through + 100_000;
    await t.rejects(journal.readLastPerSubject(`$KV.ORDERS.stock.${shard}.*`, beyond), ReplicaLagging);
    t.equal(await journal.readLast(stock("c")), undefined);
    t.strictSame(await journal.readAll(stock("c")), []);
  });

  await t.test(
    "batches of two nodes that check the same lock: each is stored whole or refused whole",
    async (t) => {
      const lock = subjects.lock(`partition.${freshId()}`);
      const epoch = await mustStore(journal, [{ subject: lock, payload: "me" }]);
      const collide = async (): Promise<ReadonlySet<number | string>> => {
        const ids = Array.from({ length: 40 }, freshId);
        const results = await Promise.all(
          ids.map((id, index) =>
            (index % 2 === 0 ? journal : other.journal).append(
              [record(id, 0), { ...event(), fence: { subject: lock, sequence: epoch } }],
              TIMEOUT_MS,
            ),
          ),
        );
        for (const [index, result] of results.entries()) {
          const stored = await journal.readLast(subjects.record(1, ids[index]!));
          t.equal(stored !== undefined, result.status === "stored");
        }
        return new Set(results.map((result) => (result.status === "rejected" ? result.code : result.status)));
      };
      const expected = world.replicated ? ["stored", ServerCode.subjectInFlight] : ["stored"];
      // Replication takes time, and a batch that comes meanwhile is refused; without a collision they are sent again.
      const seen = new Set<number | string>();
      for (let round = 0; round < COLLISIONS && seen.size < expected.length; round++)
        for (const code of await collide()) seen.add(code);
      t.strictSame(seen, new Set(expected));
    },
  );
});

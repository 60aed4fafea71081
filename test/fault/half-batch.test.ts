/**
 * Half a batch at the end of a log, cut by hand: the file of the log ends after the first message of the last batch,
 * and what was staged is gone. The batch had canceled an order's timer.
 */
import { lstatSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { memoryBatches } from "../../nodes/local/batches/memory-batches.ts";
import { MEMORY_ROOT, memoryFolderOf, room, unusable } from "../../nodes/local/batches/memory-folder.ts";
import { findHalfBatch, removeHalfBatch } from "../../src/adapters/nats/half-batch.ts";
import { apiRequest } from "../../src/adapters/nats/jetstream-api.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { orderStream } from "../../src/adapters/nats/stream-definitions.ts";
import { ensureStream } from "../../src/adapters/nats/streams.ts";
import type { Journal, Message } from "../../src/runtime/ports.ts";
import { subjects } from "../../src/services/subjects.ts";
import { TIMEOUT_MS } from "../contract/expect.ts";
import { auditBatches } from "../support/audits/batch-audit.ts";
import { startKeptServer } from "../support/cluster/kept-server.ts";
import { startNatsServer } from "../support/cluster/nats-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const skip = unusable(MEMORY_ROOT, room.toBeginBytes) ?? false;
const STREAM = subjects.stream(0);
const PARTITION = 3;
const definition = orderStream({ replicas: 1, partitions: 32, streams: 1, presenceAgeMs: 3_000, subjects });
const isInbox = (subject: string) => subject.startsWith("orders.inbox.");
const TIMER = "xstate.after.payTimeout.payment.authorizing";
const GENERATION = 1001;

const lstatOf = (path: string) => lstatSync(path, { throwIfNoEntry: false });
const recordSubject = (actor: string) => subjects.record(PARTITION, actor);
const timerSubject = (actor: string) => subjects.timer(PARTITION, actor, "payment", TIMER, GENERATION);

/** A record of an order, with the timers for which it waits. */
function record(actor: string, version: number, dueAt: number | undefined): string {
  const timer = { id: TIMER, machine: "payment", event: { type: TIMER }, generation: GENERATION, dueAt };
  const lists = { commands: [], effects: [], timers: dueAt === undefined ? [] : [timer] };
  return JSON.stringify({ actor, snapshot: { machines: {}, version, inbox: 0, ...lists } });
}

/** The first commit of an order that waits for a timer. */
const placed = (actor: string, dueAt: number): Message[] => [
  {
    subject: recordSubject(actor),
    payload: record(actor, 1, dueAt),
    fence: { subject: recordSubject(actor), sequence: 0 },
  },
  {
    subject: timerSubject(actor),
    payload: JSON.stringify({ kind: "timer", machine: "payment", timer: TIMER, generation: GENERATION }),
    schedule: { at: dueAt, target: subjects.inbox(PARTITION, actor) },
  },
];

type Cut = {
  readonly dueInMs: number;
  readonly firesInMs: number;
  /** Of the last batch: its first message, or also what the server wrote when it deleted the canceled schedule. */
  readonly keeps: "message" | "message and deletion";
  /** The last batch is that of a new order, cut after the schedule of a timer that is due. */
  readonly ends?: "schedule";
};

/** Bytes of the first messages of a batch in the file of the log, and of the deletions that follow them. */
function keptLength(block: string, from: number, messages: number, keeps: Cut["keeps"]): number {
  const bytes = readFileSync(block).subarray(from);
  // The highest bit of a length says that a message has headers; the second highest of a sequence, that it is deleted.
  const lengthAt = (at: number) => bytes.readUInt32LE(at) & 0x7fff_ffff;
  const isDeletion = (at: number) => (bytes.readBigUInt64LE(at + 4) & (1n << 62n)) !== 0n;
  let length = 0;
  for (let message = 0; message < messages; message++) length += lengthAt(length);
  if (keeps === "message") return length;
  while (isDeletion(length)) length += lengthAt(length);
  return length;
}

/** A batch that meets the moment in which the folder is linked cannot be staged: nothing of it is stored. */
function storedAt(journal: Journal, messages: readonly Message[]): Promise<number> {
  return waitUntil("the batch is stored", async () => {
    const result = await journal.append(messages, TIMEOUT_MS);
    return result.status === "stored" ? result.lastSequence : undefined;
  });
}

/** A store whose last batch is cut after its first message. Another order's timer fires `firesInMs` after the start. */
async function cutStore(t: Test, { dueInMs, firesInMs, keeps, ends }: Cut) {
  const store = temporaryFolder(t);
  t.teardown(() => rmSync(memoryFolderOf(store), { recursive: true, force: true }));
  const server = await startKeptServer(t, store);
  const link = await server.connect();
  await ensureStream(link, definition);
  await waitUntil("batches are staged in memory", () =>
    statSync(memoryFolderOf(store), { throwIfNoEntry: false }),
  );
  const journal = natsJournal(link, STREAM);
  const dueAt = Date.now() + dueInMs;
  const firesAt = Date.now() + firesInMs;
  const firstAt = (await storedAt(journal, placed("ord-1", dueAt))) - 1;
  await storedAt(journal, placed("ord-2", ends === "schedule" ? dueAt : firesAt));
  const blocks = join(store, "jetstream", "$G", "streams", STREAM, "msgs");
  const block = join(blocks, readdirSync(blocks).find((name) => name.endsWith(".blk"))!);
  const before = statSync(block).size;
  const event = { subject: subjects.event(PARTITION, "order.x"), payload: "{}" };
  if (ends === "schedule") await storedAt(journal, [...placed("ord-5", firesAt), event]);
  else
    await storedAt(journal, [
      {
        subject: recordSubject("ord-1"),
        payload: record("ord-1", 2, undefined),
        fence: { subject: recordSubject("ord-1"), sequence: firstAt },
        cancels: timerSubject("ord-1"),
      },
      event,
      event,
    ]);
  await server.keeper.kill();
  await waitUntil(
    "its server has ended too",
    () => statSync(`/proc/${server.serverPid}`, { throwIfNoEntry: false }) === undefined,
  );
  truncateSync(block, before + keptLength(block, before, ends === "schedule" ? 2 : 1, keeps));
  rmSync(memoryFolderOf(store), { recursive: true });
  await waitUntil("the other timer is due", () => Date.now() > firesAt);
  return { store, dueAt, firstAt };
}

/** The order is as it was before the batch: its record, its fence, its timer. */
async function isAsBefore(t: Test, store: string, { dueAt, firstAt }: { dueAt: number; firstAt: number }) {
  const server = await startKeptServer(t, store);
  const link = await server.connect();
  const journal = natsJournal(link, STREAM);
  t.strictSame((await auditBatches(link)).halves, []);
  t.match(await journal.readLast(recordSubject("ord-1")), { sequence: firstAt, payload: /"version":1/u });
  const fired = await waitUntil(
    "the order's timer fires",
    async () => await journal.readLast(subjects.inbox(PARTITION, "ord-1")),
    { timeoutMs: 15_000 },
  );
  t.ok(fired.at >= dueAt - 5, `it fires when it was due, not before: ${fired.at - dueAt} ms later`);
  t.match(JSON.parse(fired.payload), {
    kind: "timer",
    machine: "payment",
    timer: TIMER,
    generation: GENERATION,
  });
  t.ok(await journal.readLast(subjects.inbox(PARTITION, "ord-2")), "the other order's timer has fired");
  await storedAt(journal, [
    {
      subject: recordSubject("ord-1"),
      payload: record("ord-1", 2, undefined),
      fence: { subject: recordSubject("ord-1"), sequence: firstAt },
      messageId: "again",
    },
    { subject: subjects.event(PARTITION, "order.cancelled"), payload: "{}" },
  ]);
  return server;
}

t.test(
  "half a batch is removed before a node can connect, and the timer that it canceled is armed again",
  { skip },
  async (t) => {
    const cut = await cutStore(t, { dueInMs: 10_000, firesInMs: 3_000, keeps: "message and deletion" });
    const server = await isAsBefore(t, cut.store, cut);
    t.match(
      server.keeper.output(),
      /KV_ORDERS: half a batch removed, messages 5 to 5; timers it had canceled: 1/u,
    );
    await server.keeper.stop();
    const again = await startKeptServer(t, cut.store);
    t.notMatch(again.keeper.output(), /may be lost/u, "once");
  },
);

t.test("a repair that dies after the removal arms the timer at the next start", { skip }, async (t) => {
  const cut = await cutStore(t, { dueInMs: 14_000, firesInMs: 3_000, keeps: "message and deletion" });
  const server = await startNatsServer(t, { dir: cut.store });
  const link = await connectNats({ servers: [server.url], name: "test", connectTimeoutMs: 10_000 });
  const half = await findHalfBatch(link, STREAM, isInbox);
  t.match(half, { first: 5, last: 5, canceled: [timerSubject("ord-1")] });
  memoryBatches({ store: cut.store, log: () => {} }).keep([half!]);
  await removeHalfBatch(link, half!);
  await removeHalfBatch(link, half!);
  t.equal(await findHalfBatch(link, STREAM, isInbox), undefined);
  await link.close();
  await server.kill();
  await isAsBefore(t, cut.store, cut);
});

t.test(
  "a server that was started by hand drops the link and stages on disk; the next keeper links again",
  { skip },
  async (t) => {
    const store = temporaryFolder(t);
    t.teardown(() => rmSync(memoryFolderOf(store), { recursive: true, force: true }));
    const link = join(store, "jetstream", "$G", "streams", STREAM, "batches");
    const isLink = () => lstatOf(link)?.isSymbolicLink() === true;
    const kept = await startKeptServer(t, store);
    await ensureStream(await kept.connect(), definition);
    await waitUntil("batches are staged in memory", isLink);
    await kept.keeper.kill();
    await waitUntil("its server has ended too", () => lstatOf(`/proc/${kept.serverPid}`) === undefined);
    const server = await startNatsServer(t, { dir: store });
    t.equal(isLink(), false);
    const to = await connectNats({ servers: [server.url], name: "test", connectTimeoutMs: 10_000 });
    await storedAt(natsJournal(to, STREAM), placed("ord-1", Date.now() + 60_000));
    await to.close();
    await server.kill();
    const again = await startKeptServer(t, store);
    t.notMatch(again.keeper.output(), /may be lost/u);
    await waitUntil("batches are staged in memory again", isLink);
    const last = await again.connect();
    t.match(await auditBatches(last), { batches: 1, halves: [] });
    await storedAt(natsJournal(last, STREAM), placed("ord-2", Date.now() + 60_000));
    await last.close();
    await again.keeper.stop();
    t.equal(lstatOf(link), undefined, "an orderly stop leaves no link");
    t.equal(lstatOf(memoryFolderOf(store)), undefined);
  },
);

t.test(
  "with batches on disk there is no link, and a note of an earlier run is honored",
  { skip },
  async (t) => {
    const cut = await cutStore(t, { dueInMs: 60_000, firesInMs: 3_000, keeps: "message" });
    const server = await startKeptServer(t, cut.store, { batches: "disk" });
    t.match(server.keeper.output(), /half a batch removed, messages 5 to 5/u);
    const link = await server.connect();
    t.strictSame((await auditBatches(link)).halves, []);
    await storedAt(natsJournal(link, STREAM), placed("ord-3", Date.now() + 60_000));
    t.equal(lstatOf(join(cut.store, "jetstream", "$G", "streams", STREAM, "batches"))?.isDirectory(), true);
    t.equal(lstatOf(memoryFolderOf(cut.store)), undefined);
  },
);

t.test(
  "a whole batch whose last message was a schedule is kept, however that schedule was deleted",
  { skip },
  async (t) => {
    const store = temporaryFolder(t);
    t.teardown(() => rmSync(memoryFolderOf(store), { recursive: true, force: true }));
    const server = await startKeptServer(t, store, { batches: "disk" });
    const link = await server.connect();
    await ensureStream(link, definition);
    const journal = natsJournal(link, STREAM);
    await storedAt(journal, placed("ord-1", Date.now() + 100));
    t.equal(await findHalfBatch(link, STREAM, isInbox), undefined, "before it fires");
    await waitUntil("it fires", () => journal.readLast(subjects.inbox(PARTITION, "ord-1")));
    t.equal(await findHalfBatch(link, STREAM, isInbox), undefined, "after it has fired");
    await storedAt(journal, placed("ord-2", Date.now() + 60_000));
    await storedAt(journal, placed("ord-3", Date.now() + 100));
    await waitUntil("it fires", () => journal.readLast(subjects.inbox(PARTITION, "ord-3")));
    t.equal(await findHalfBatch(link, STREAM, isInbox), undefined, "with another batch before it");
    const schedule = await journal.readLast(timerSubject("ord-2"));
    await apiRequest(link, `STREAM.MSG.DELETE.${STREAM}`, { seq: schedule?.sequence }, 2_000);
    await storedAt(journal, placed("ord-4", Date.now() + 60_000));
    const last = await journal.readLast(timerSubject("ord-4"));
    await apiRequest(link, `STREAM.MSG.DELETE.${STREAM}`, { seq: last?.sequence }, 2_000);
    t.equal(await findHalfBatch(link, STREAM, isInbox), undefined, "after its schedule was canceled");
    t.strictSame((await auditBatches(link)).halves, []);
    await link.close();
    await server.keeper.kill();
    await waitUntil("its server has ended too", () => lstatOf(`/proc/${server.serverPid}`) === undefined);
    // The server then reads the log itself instead of what it knew of it.
    rmSync(join(store, "jetstream", "$G", "streams", STREAM, "msgs", "index.db"), { force: true });
    const again = await (await startKeptServer(t, store, { batches: "disk" })).connect();
    t.equal(await findHalfBatch(again, STREAM, isInbox), undefined, "after a restart");
  },
);

t.test(
  "half a batch whose last message was a schedule that has fired since is removed, and no more than that",
  { skip },
  async (t) => {
    const { store } = await cutStore(t, {
      dueInMs: 60_000,
      firesInMs: 3_000,
      keeps: "message",
      ends: "schedule",
    });
    const server = await startKeptServer(t, store);
    t.match(server.keeper.output(), /half a batch removed, messages 5 to 6; timers it had canceled: 0/u);
    const link = await server.connect();
    t.strictSame((await auditBatches(link)).halves, []);
    t.equal(await natsJournal(link, STREAM).readLast(recordSubject("ord-5")), undefined);
    t.ok(await natsJournal(link, STREAM).readLast(recordSubject("ord-2")));
  },
);

/** The ports of workers: queues of events, dead letters, documents. In memory and on real servers alike. */
import { invoiceStreams } from "../../nodes/order/streams.ts";
import t, { type Test } from "tap";
import { allStreams } from "../../src/adapters/nats/stream-definitions.ts";
import { subjects } from "../../src/services/subjects.ts";
import { INVOICE_STORE } from "../../src/services/invoice/subjects.ts";
import { systemClock } from "../../src/adapters/local/system-clock.ts";
import { memoryNode } from "../../src/adapters/memory/connection.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsDeadLetters } from "../../src/adapters/nats/dead-letters.ts";
import { memoryDocuments } from "../../src/adapters/memory/documents.ts";
import { natsDocuments } from "../../src/adapters/nats/documents.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { MemoryServer } from "../../src/adapters/memory/server.ts";
import { ensureStreams } from "../../src/adapters/nats/streams.ts";
import { MemoryWorkQueues } from "../../src/adapters/memory/work-queue.ts";
import { natsWorkQueue } from "../../src/adapters/nats/work-queue.ts";
import type { Documents, StoredDocument } from "../../src/runtime/workers/document-store.ts";
import type { Journal } from "../../src/runtime/ports.ts";
import type { DeadLetter, DeadLetters, WorkItem, WorkQueue } from "../../src/runtime/workers/work-queue.ts";
import { startNatsCluster, startNatsServer } from "../support/cluster/nats-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { untilAnswered } from "../support/cluster/until-answered.ts";
import { freshId, mustStore } from "./expect.ts";

type Peer = { readonly queue: WorkQueue; readonly documents: Documents };
type World = {
  readonly journal: Journal;
  /** Of two nodes. */
  readonly peers: readonly [Peer, Peer];
  /** In the operators' view. */
  readonly dead: () => Promise<readonly Pick<DeadLetter, "worker" | "reason" | "attempts">[]>;
  /** The operators' view; only real servers have it. */
  readonly operators?: DeadLetters;
};

const ACK_WAIT_MS = 1_000;

const worlds = {
  "three servers": async (t: Test) => natsWorld(t, (await startNatsCluster(t, 3)).urls, 3),
  "one server": async (t: Test) => natsWorld(t, [(await startNatsServer(t)).url], 1),
  "in memory": async (t: Test): Promise<World> => {
    // The system's timers do not keep a process alive.
    const alive = setInterval(() => {}, 60_000);
    t.teardown(() => clearInterval(alive));
    const { journal } = memoryNode(new MemoryServer({ subjects, clock: systemClock }), "one", systemClock);
    const queues = new MemoryWorkQueues(journal, systemClock);
    const documents = memoryDocuments();
    const peer = () => ({ queue: queues.queue(), documents });
    return { journal, peers: [peer(), peer()], dead: () => Promise.resolve(queues.dead) };
  },
} satisfies Readonly<Record<string, (t: Test) => Promise<World>>>;

async function natsWorld(t: Test, servers: readonly string[], replicas: number): Promise<World> {
  const linked = async () => {
    const link = await connectNats({ servers, name: "peer", connectTimeoutMs: 20_000 });
    t.teardown(() => link.close());
    return link;
  };
  const [one, two] = await Promise.all([linked(), linked()]);
  const settings = {
    replicas,
    partitions: 4,
    streams: 1,
    presenceAgeMs: 1_000,
    subjects,
    further: invoiceStreams({ replicas: 1 }),
  };
  await ensureStreams(one, settings);
  for (const link of [one, two]) await untilAnswered(link, allStreams(settings));
  const peer = async (link: typeof one) => ({
    queue: natsWorkQueue(link, subjects, Date.now),
    documents: await natsDocuments(link, INVOICE_STORE, Date.now),
  });
  const operators = natsDeadLetters(one, subjects);
  return {
    journal: natsJournal(one, subjects.stream(0)),
    peers: [await peer(one), await peer(two)],
    dead: () => operators.list(1000, 0),
    operators,
  };
}

/** Event types that no other test uses, and consumers for them. */
function stage(journal: Journal) {
  const type = `type-${freshId()}`;
  return {
    emit: (payload: string, partition = 1) =>
      mustStore(journal, [
        {
          subject: subjects.event(partition, type),
          payload,
          headers: { "ce-id": `id-${payload}`, note: "ü" },
        },
      ]),
    options: (name = `worker-${type}`, maxInFlight = 10) => ({
      name,
      filters: [`orders.events.*.${type}`],
      maxInFlight,
      ackWaitMs: ACK_WAIT_MS,
    }),
    type,
  };
}

const take = (items: WorkItem[]) => async (item: WorkItem) => {
  items.push(item);
  item.ack();
};
const payloadsOf = (items: readonly WorkItem[]): string[] => items.map(({ payload }) => payload).toSorted();
const letMore = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

t.jobs = 3;
for (const [name, open] of Object.entries(worlds)) {
  void t.test(name, { buffered: true }, async (t) => {
    const world = await open(t);
    await queues(t, world);
    await deadLetters(t, world);
    await documents(t, world.peers);
  });
}

async function queues(t: Test, { journal, peers: [one, two] }: World): Promise<void> {
  await t.test("messages stored before and later are delivered unchanged, and no others", async (t) => {
    const { emit, options, type } = stage(journal);
    const sequence = await emit("before", 2);
    await mustStore(journal, [{ subject: subjects.event(1, `${type}-other`), payload: "other" }]);
    const items: WorkItem[] = [];
    const consuming = await one.queue.consume(options(), async (item) => {
      items.push(item);
      item.ack();
    });
    await emit("after");
    await waitUntil("both came", () => items.length >= 2);
    await letMore(ACK_WAIT_MS * 1.5);
    t.strictSame(payloadsOf(items), ["after", "before"], "an acknowledged item never comes again");
    const first = items.find(({ payload }) => payload === "before");
    t.match(first, {
      subject: subjects.event(2, type),
      sequence,
      headers: { "ce-id": "id-before", note: "ü" },
    });
    t.equal(first?.replayOf, undefined);
    await consuming.stop();
  });

  await t.test("nodes share the items of one name; another name gets all of them as well", async (t) => {
    const { emit, options } = stage(journal);
    const taken: [WorkItem[], WorkItem[], WorkItem[]] = [[], [], []];
    const consuming = [
      await one.queue.consume(options(), take(taken[0])),
      await two.queue.consume(options(), take(taken[1])),
      await two.queue.consume(options(`all-${freshId()}`), take(taken[2])),
    ];
    const payloads = Array.from({ length: 40 }, (_, n) => String(n)).toSorted();
    for (const payload of payloads) await emit(payload);
    await waitUntil("all came", () => taken[0].length + taken[1].length >= 40 && taken[2].length >= 40);
    t.strictSame(payloadsOf([...taken[0], ...taken[1]]), payloads, "each once");
    t.strictSame(payloadsOf(taken[2]), payloads);
    for (const one of consuming) await one.stop();
  });

  await t.test(
    "no more items are in progress than there are places; a place is free when its item is finished",
    async (t) => {
      const { emit, options } = stage(journal);
      for (let n = 0; n < 6; n++) await emit(String(n));
      const ends: (() => void)[] = [];
      let underWay = 0;
      let most = 0;
      const consuming = await one.queue.consume(
        { ...options(), maxInFlight: 2, ackWaitMs: 20_000 },
        async (item) => {
          most = Math.max(most, ++underWay);
          // Acknowledged long before it is finished: that frees no place.
          item.ack();
          await new Promise<void>((resolve) => ends.push(resolve));
          underWay--;
        },
      );
      await waitUntil("two are under way", () => ends.length === 2);
      await letMore(200);
      t.equal(ends.length, 2);
      for (let n = 0; n < 6; n++) await waitUntil(`item ${n} can end`, () => ends[n] && (ends[n]?.(), true));
      await waitUntil("all are worked off", () => underWay === 0 && ends.length === 6);
      t.equal(most, 2);
      await consuming.stop();
    },
  );

  await t.test(
    "an item that is not settled comes again, and so does one that the worker retries",
    async (t) => {
      const { emit, options } = stage(journal);
      const came: { readonly payload: string; readonly at: number }[] = [];
      const consuming = await one.queue.consume(options(), async (item) => {
        const times = came.filter(({ payload }) => payload === item.payload).length;
        came.push({ payload: item.payload, at: performance.now() });
        if (times > 0) item.ack();
        else if (item.payload === "later") item.retry(300);
      });
      await emit("later");
      await emit("silent");
      const gap = (of: string): number => {
        const [first, again] = came.filter(({ payload }) => payload === of);
        return (again?.at ?? 0) - (first?.at ?? 0);
      };
      await waitUntil("both came again", () => came.length >= 4);
      t.ok(gap("later") >= 290, `${gap("later")} ms: not before its time`);
      t.ok(gap("silent") >= ACK_WAIT_MS - 50, `${gap("silent")} ms: not before it counts as lost`);
      await letMore(ACK_WAIT_MS * 1.5);
      t.equal(came.length, 4);
      await consuming.stop();
    },
  );

  await t.test("a stopped member gets no more items; its unsettled items come to the others", async (t) => {
    const { emit, options } = stage(journal);
    const left: WorkItem[] = [];
    const consuming = await one.queue.consume(options(), async (item) => void left.push(item));
    await emit("1");
    await waitUntil("it came", () => left.length === 1);
    await consuming.stop();
    await emit("2");
    const items: WorkItem[] = [];
    const other = await two.queue.consume(options(), async (item) => {
      items.push(item);
      item.ack();
    });
    await waitUntil("the other member has both", () => items.length >= 2, { timeoutMs: 20_000 });
    t.strictSame(payloadsOf(items), ["1", "2"]);
    t.equal(left.length, 1);
    await other.stop();
  });

  await t.test("the same name with other filters is another consumer: each has its own items", async (t) => {
    const [first, second] = [stage(journal), stage(journal)];
    const items: { readonly first: WorkItem[]; readonly second: WorkItem[] } = { first: [], second: [] };
    const name = `worker-${freshId()}`;
    const consuming = [
      await one.queue.consume(first.options(name), take(items.first)),
      await two.queue.consume(second.options(name), take(items.second)),
    ];
    await first.emit("1");
    await second.emit("2");
    await waitUntil("both came", () => items.first.length > 0 && items.second.length > 0, {
      timeoutMs: 20_000,
    });
    t.strictSame([payloadsOf(items.first), payloadsOf(items.second)], [["1"], ["2"]]);
    await Promise.all(consuming.map((one) => one.stop()));
  });
}

async function deadLetters(t: Test, { journal, peers: [one, two], dead, operators }: World): Promise<void> {
  const { emit, options, type } = stage(journal);
  const worker = options().name;
  const item: WorkItem = await new Promise((resolve) => {
    void emit("{}").then(() => one.queue.consume(options(), async (found) => resolve(found)));
  });
  const deadLetter: DeadLetter = {
    kind: "not_an_event",
    worker,
    partition: "1",
    about: "ord 1.ü*",
    item,
    reason: "malformed",
    attempts: 3,
  };
  const mine = async () => (await dead()).filter((found) => found.worker === worker);

  await t.test(
    "a dead letter is stored once, also when repeated; another worker's is a separate one",
    async (t) => {
      for (const { queue } of [one, two, one]) await queue.bury(deadLetter);
      t.match(await mine(), [{ worker, kind: "not_an_event", reason: "malformed", attempts: 3 }]);
      t.equal((await mine()).length, 1);
      await one.queue.bury({ ...deadLetter, item: { ...item, sequence: item.sequence + 1_000 } });
      await one.queue.bury({ ...deadLetter, worker: `${worker}-2` });
      t.equal((await mine()).length, 2);
    },
  );

  // Memory has no operators' view: dead letters are read there, not replayed.
  if (!operators) return;
  await t.test(
    "a worker gets a replay once, as the original item, and the replay leaves the list",
    async (t) => {
      const again: WorkItem[] = [];
      const consuming = await two.queue.consume(options(), async (found) => {
        if (found.replayOf === undefined) return;
        again.push(found);
        found.ack();
      });
      const [first] = (await operators.list(1000, 0)).filter((found) => found.worker === worker);
      const sequence = first?.sequence ?? 0;
      t.strictSame(await Promise.all([operators.replay(sequence), operators.replay(sequence)]), [
        "replayed",
        "replayed",
      ]);
      t.equal(await operators.replay(sequence + 10_000), "not_found");
      await waitUntil("it came", () => again.length > 0);
      const { subject, payload } = item;
      t.match(again[0], { subject, payload, sequence: item.sequence, replayOf: sequence });
      t.equal(again[0]?.headers["ce-id"], "id-{}");
      t.equal((await mine()).length, 1);
      await letMore(ACK_WAIT_MS);
      t.equal(again.length, 1, type);
      await consuming.stop();
    },
  );
}

/** The document with these bytes: a replica may lag for a moment. */
const reads = (peer: Peer, name: string, bytes: Uint8Array, what: string): Promise<StoredDocument> =>
  waitUntil(`${what}: the document is read`, async () => {
    const found = await peer.documents.get(name);
    return found !== undefined && Buffer.from(found.bytes).equals(bytes) && found;
  });

async function documents(t: Test, [one, two]: readonly [Peer, Peer]): Promise<void> {
  await t.test(
    "a document is read as it was put, whatever its size and name, and is replaced whole",
    async (t) => {
      const sizes = { empty: 0, small: 10, "several chunks": 300 * 1024 };
      for (const [what, size] of Object.entries(sizes)) {
        const name = `${what} ${freshId()} ~!$%&/()=?.*>`;
        t.equal(await one.documents.get(name), undefined);
        const bytes = Uint8Array.from({ length: size }, (_, n) => n % 251);
        await one.documents.put(name, { bytes, metadata: { number: "2026-1", note: "größe" } });
        const found = await reads(two, name, bytes, what);
        t.strictSame(found.metadata, { number: "2026-1", note: "größe" });
        await two.documents.put(name, { bytes: Buffer.from("new"), metadata: {} });
        const replaced = await reads(one, name, Buffer.from("new"), what);
        t.strictSame(replaced.metadata, {}, "no part of the former one is left");
      }
    },
  );

  await t.test("a caller that changes its bytes before or after changes no stored document", async (t) => {
    const name = freshId();
    const bytes = Buffer.from("mine");
    await one.documents.put(name, { bytes, metadata: {} });
    bytes.fill("x");
    const found = await reads(one, name, Buffer.from("mine"), "as it was when it was put");
    found.bytes.fill(0);
    t.ok(await reads(one, name, Buffer.from("mine"), "as before"));
  });

  await t.test("of two documents that are put at once a reader gets one, whole", async (t) => {
    const name = freshId();
    const put = (peer: Peer, fill: string) =>
      peer.documents.put(name, { bytes: Buffer.alloc(300 * 1024, fill), metadata: { fill } });
    await put(one, "0");
    await reads(two, name, Buffer.alloc(300 * 1024, "0"), "the first");
    const state = { writing: true };
    const writes = Promise.all([put(one, "1"), put(two, "2")]).finally(() => (state.writing = false));
    do {
      const found = await two.documents.get(name);
      const fill = found?.metadata["fill"] ?? "";
      t.ok(found && Buffer.from(found.bytes).equals(Buffer.alloc(300 * 1024, fill)), `all of it is ${fill}`);
    } while (state.writing);
    await writes;
  });
}

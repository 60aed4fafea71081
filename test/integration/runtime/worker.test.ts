/** Workers on a real server: each event is processed once, whatever dies, and a failing event becomes a dead letter. */
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { subjects } from "../../../src/services/subjects.ts";
import { apiRequest } from "../../../src/adapters/nats/jetstream-api.ts";
import { consumerName } from "../../../src/adapters/nats/work-consumer.ts";
import { startWorker, type Work } from "../../../src/runtime/workers/worker.ts";
import { startNode } from "../../support/cluster/processes.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { type Stage, startStage } from "../../support/worker-stage.ts";

/** A busy machine neither exceeds the limit of an attempt nor outlives a lock. */
const bounds = {
  maxInFlight: 8,
  workLimitMs: 10_000,
  lockLifeMs: 15_000,
  backoffMs: 50,
  backoffMaxMs: 200,
  maxAttempts: 5,
};
/** Life of a lock that a test waits for, ms: longer than the start of a worker on a busy machine. */
const SHORT_LOCK_MS = 5_000;
/** A delivery that was lost with its connection comes again after the life of its lock. */
const REDELIVERED = { timeoutMs: 60_000 } as const;
/** The consumer of the worker `mail` below. */
const CREATED = consumerName({ name: "mail", filters: ["orders.events.*.order.created"] });
const workerProcess = fileURLToPath(new URL("../../support/programs/worker-process.ts", import.meta.url));

const created = (n: number) => ({
  id: `ord_${n}.1.0`,
  type: "order.created",
  order: `ord_${n}`,
  data: { n },
});

async function worker(t: Test, stage: Stage, work: Work, change: Partial<typeof bounds> = {}) {
  const node = await stage.node();
  const running = await startWorker(node, {
    name: "mail",
    types: ["order.created"],
    bounds: { ...bounds, ...change },
    work,
  });
  t.teardown(() => running.stop());
  return { ...running, counters: running.counters, node, stop: () => running.stop() };
}

/** Counts the work of all workers per event, and records events that two of them process at once. */
function countedWork() {
  const done = new Map<string, number>();
  const open = new Set<string>();
  const clashes: string[] = [];
  const work: Work = async (event) => {
    if (open.has(event.id)) clashes.push(event.id);
    open.add(event.id);
    await new Promise((resolve) => setImmediate(resolve));
    open.delete(event.id);
    done.set(event.id, (done.get(event.id) ?? 0) + 1);
  };
  return { done, clashes, work };
}

t.test("two workers share the events, and process an event that is delivered twice once", async (t) => {
  const stage = await startStage(t);
  const { done, clashes, work } = countedWork();
  const begun = new Set<number>();
  const both = Promise.withResolvers<void>();
  /** Each worker has its places filled until the other one has an event too. */
  const sharing =
    (number: number): Work =>
    async (event, context) => {
      if (begun.add(number).size === 2) both.resolve();
      await both.promise;
      await work(event, context);
    };
  const workers = [await worker(t, stage, sharing(1)), await worker(t, stage, sharing(2))];
  const count = 200;
  await Promise.all(Array.from({ length: count }, (_, n) => stage.emit(created(n))));
  await Promise.all(Array.from({ length: count }, (_, n) => stage.emit(created(n))));
  const sum = (field: "done" | "repeated") => workers.reduce((all, one) => all + one.counters[field], 0);
  await waitUntil(
    "every delivery is processed or a duplicate",
    () => sum("done") === count && sum("repeated") === count,
    { timeoutMs: 60_000 },
  );
  t.same(
    [...done.values()].filter((times) => times !== 1),
    [],
  );
  t.equal(done.size, count);
  t.same(clashes, []);
  t.ok(
    workers.every((one) => one.counters.done > 0),
    "both workers have processed events",
  );
  await waitUntil("nothing is left unacknowledged", async () => {
    const info = await consumerInfo(workers[0]!.node, CREATED);
    return info.num_ack_pending === 0 && info.num_pending === 0;
  });
});

t.test("another worker takes the event of a killed worker when its lock ends", async (t) => {
  const stage = await startStage(t);
  const doomed = startNode(t, workerProcess, [stage.servers[0]?.url ?? "", "mail", String(SHORT_LOCK_MS)]);
  await stage.emit(created(1));
  await waitUntil("the doomed worker has started", () => doomed.output().includes("started ord_1.1.0"));
  await doomed.kill();
  const attempts: number[] = [];
  await worker(t, stage, async (_event, { attempt }) => void attempts.push(attempt), {
    workLimitMs: 1_000,
    lockLifeMs: SHORT_LOCK_MS,
  });
  t.same(attempts, [], "the lock of the killed worker lives");
  await waitUntil("the other worker has processed it", () => attempts.length > 0);
  t.same(attempts, [2], "the attempt of the dead worker counts");
});

t.test("an event that kills every worker that processes it ends as a dead letter", async (t) => {
  const stage = await startStage(t);
  await stage.emit(created(1));
  for (let n = 0; n < bounds.maxAttempts; n++) {
    const doomed = startNode(t, workerProcess, [stage.servers[0]?.url ?? "", "mail", "300"]);
    await waitUntil("the doomed worker has started it", () => doomed.output().includes("started ord_1.1.0"));
    await doomed.kill();
  }
  let works = 0;
  await worker(t, stage, async () => void works++);
  const letter = await waitUntil("there is a dead letter", async () => (await stage.dead())[0]);
  t.equal(works, 0);
  t.match(letter.headers["Orderly-Dead-Reason"], "the worker ended during its last attempt");
});

t.test("a failing event becomes a dead letter with all its facts, and does not delay others", async (t) => {
  const stage = await startStage(t);
  const seen: string[] = [];
  const others = Promise.withResolvers<void>();
  await worker(t, stage, async (event) => {
    if (event.subject === "ord_1") {
      await others.promise;
      throw new Error("no luck\r\nwith: this “one”");
    }
    if (seen.push(event.subject) === 4) others.resolve();
  });
  for (let n = 0; n < 5; n++) await stage.emit(created(n));
  const letter = await waitUntil("there is a dead letter", async () => (await stage.dead())[0]);
  t.same(seen.toSorted(), ["ord_0", "ord_2", "ord_3", "ord_4"]);
  t.match(letter, {
    subject: "dead.mail.3.ord_1",
    payload: JSON.stringify({ n: 1 }),
    headers: {
      "ce-id": "ord_1.1.0",
      "ce-type": "order.created",
      "ce-subject": "ord_1",
      "Orderly-Dead-Subject": "orders.events.3.order.created",
      "Orderly-Dead-Attempts": String(bounds.maxAttempts),
      "Orderly-Dead-Reason": "no luck with: this one",
    },
  });
});

t.test("workers go on with the stored events after a restart of the server", async (t) => {
  const stage = await startStage(t);
  const { done, work } = countedWork();
  const one = await worker(t, stage, work);
  const other = await worker(t, stage, work);
  await stage.emit(created(1));
  await waitUntil("the first event is processed", () => done.has("ord_1.1.0"));
  await stage.servers[0]?.kill();
  await stage.servers[0]?.restart();
  await waitUntil("the server stores an event again", () => stage.emit(created(2)).then(() => true));
  await waitUntil("the second event is processed", () => done.has("ord_2.1.0"), REDELIVERED);
  t.same([...done.values()], [1, 1]);
  t.equal(one.counters.done + other.counters.done, 2);
});

t.test("every event is processed once on three servers when the consumer's leader is killed", async (t) => {
  const stage = await startStage(t, { servers: 3 });
  const { done, clashes, work } = countedWork();
  // Longer than an election on a busy machine: a mark without an answer during it is written before the lock ends.
  const lock = { lockLifeMs: 30_000 };
  const { node } = await worker(t, stage, work, lock);
  await worker(t, stage, work, lock);
  const count = 60;
  const publish = async (n: number) => {
    // The test publishes an event until it is stored, as the relay does: it may be stored twice.
    await waitUntil("the event is stored", () => stage.emit(created(n)).then(() => true), {
      timeoutMs: 60_000,
    });
  };
  for (let n = 0; n < count / 2; n++) await publish(n);
  const leader = (await consumerInfo(node, CREATED)).cluster?.leader;
  await stage.servers[Number(leader?.split("-")[1]) - 1]!.kill();
  for (let n = count / 2; n < count; n++) await publish(n);
  await waitUntil("all are done", () => done.size === count, { timeoutMs: 100_000 });
  t.same(
    [...done].filter(([, times]) => times !== 1),
    [],
  );
  t.same(clashes, []);
});

t.test("a worker creates its deleted consumer again, and processes no event twice", async (t) => {
  const stage = await startStage(t);
  const { done, work } = countedWork();
  const { node } = await worker(t, stage, work);
  await stage.emit(created(1));
  await waitUntil("the first event is processed", () => done.has("ord_1.1.0"));
  await apiRequest(node.link, `CONSUMER.DELETE.${subjects.stream(0)}.${CREATED}`, undefined, 2_000);
  await stage.emit(created(2));
  await waitUntil("the second event is processed", () => done.has("ord_2.1.0"), REDELIVERED);
  t.same([...done.values()], [1, 1]);
});

t.test("a consumer's times may change, under the same name", async (t) => {
  const stage = await startStage(t);
  const node = await stage.node();
  const options = { name: "mail", filters: ["orders.events.*.order.created"], maxInFlight: 1 };
  for (const ackWaitMs of [1_000, 2_000]) {
    await (await node.queue.consume({ ...options, ackWaitMs }, async () => {})).stop();
    t.equal((await consumerInfo(node, CREATED)).config.ack_wait, ackWaitMs * 1_000_000);
  }
});

t.test("a worker has no more events under way than its bound while many wait", async (t) => {
  const stage = await startStage(t);
  for (let n = 0; n < 40; n++) await stage.emit(created(n));
  const asking = await stage.node();
  const go = Promise.withResolvers<void>();
  let now = 0;
  let most = 0;
  let works = 0;
  await worker(t, stage, async () => {
    most = Math.max(most, ++now);
    await go.promise;
    // Work takes a while: a request to the server and its answer.
    await consumerInfo(asking, CREATED);
    now--;
    works++;
  });
  await waitUntil("the worker has filled its places", () => now === bounds.maxInFlight);
  const { num_ack_pending, num_pending } = await consumerInfo(asking, CREATED);
  t.same([num_ack_pending, num_pending], [bounds.maxInFlight, 40 - bounds.maxInFlight], "the others wait");
  go.resolve();
  await waitUntil("all are done", () => works === 40);
  t.equal(most, bounds.maxInFlight);
});

t.test("the workers of two streams get the events of both, within one bound, and each once", async (t) => {
  const stage = await startStage(t, { streams: 2 });
  const { done, clashes, work } = countedWork();
  let now = 0;
  let most = 0;
  const bounded: Work = async (event, context) => {
    most = Math.max(most, ++now);
    await work(event, context);
    now--;
  };
  const { node } = await worker(t, stage, bounded);
  const partitions = [0, 1, 2, 3];
  const events = Array.from({ length: 40 }, (_, n) => ({ ...created(n), partition: n % partitions.length }));
  for (const event of [...events, ...events]) await stage.emit(event);
  await waitUntil("all are done", () => done.size === events.length);
  await waitUntil("nothing is left in either stream", async () => {
    const infos = await Promise.all(subjects.streams(2).map((stream) => consumerInfo(node, CREATED, stream)));
    return infos.every((info) => info.num_ack_pending + info.num_pending === 0);
  });
  t.same(
    [...done].filter(([, times]) => times !== 1),
    [],
  );
  t.same(clashes, []);
  t.ok(most <= bounds.maxInFlight, `${most} at once`);
});

t.test("two dead letters with the same sequence in two streams are both kept", async (t) => {
  const stage = await startStage(t, { streams: 2 });
  for (const partition of [0, 1]) await stage.emit({ ...created(partition), partition });
  await worker(t, stage, async () => Promise.reject(new Error("no luck")));
  const letters = await waitUntil("there are two dead letters", async () => {
    const found = await stage.dead();
    return found.length === 2 ? found : undefined;
  });
  t.same(
    letters.map(({ headers }) => headers["Orderly-Dead-Sequence"]),
    ["1", "1"],
  );
});

t.test("a worker with fewer places than streams fails to start", async (t) => {
  const { queue } = await (await startStage(t, { streams: 2 })).node();
  const options = { name: "mail", filters: ["orders.events.*.a"], maxInFlight: 1, ackWaitMs: 1_000 };
  await t.rejects(
    queue.consume(options, async () => {}),
    { name: "RangeError" },
  );
});

type ConsumerInfo = {
  readonly num_ack_pending: number;
  readonly num_pending: number;
  readonly config: { readonly ack_wait: number };
  /** `server-1` to `server-3` */
  readonly cluster?: { readonly leader?: string };
};
const consumerInfo = (node: Awaited<ReturnType<Stage["node"]>>, name: string, stream = subjects.stream(0)) =>
  apiRequest<ConsumerInfo>(node.link, `CONSUMER.INFO.${stream}.${name}`, undefined, 2_000);

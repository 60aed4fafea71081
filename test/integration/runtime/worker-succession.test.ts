/** A worker that needs other events than in the version before: no event is skipped, and none is processed twice. */
import t, { type Test } from "tap";
import { subjects } from "../../../src/services/subjects.ts";
import { apiRequest } from "../../../src/adapters/nats/jetstream-api.ts";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";
import { consumerName, consumersOf } from "../../../src/adapters/nats/work-consumer.ts";
import { ProcessedEvents } from "../../../src/runtime/workers/processed-events.ts";
import { startWorker } from "../../../src/runtime/workers/worker.ts";
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
const filterOf = (type: string) => `orders.events.*.${type}`;
const event = (n: number, type: string) => ({ id: `e${n}`, type, order: `ord_${n}`, data: {} });
const NANOS_PER_MS = 1_000_000;
const DAY_MS = 24 * 60 * 60_000;

/** A consumer as the first versions made it: under the worker's plain name, for the types of that time. */
async function makeOldConsumer(link: NatsLink, name: string, types: readonly string[]): Promise<void> {
  const config = {
    name,
    durable_name: name,
    deliver_policy: "by_start_time",
    opt_start_time: new Date(Date.now() - 29 * DAY_MS).toISOString(),
    ack_policy: "explicit",
    max_deliver: -1,
    replay_policy: "instant",
    filter_subjects: types.map(filterOf),
    ack_wait: 2_500 * NANOS_PER_MS,
    max_ack_pending: 2_000,
  };
  const body = { stream_name: subjects.stream(0), config, action: "create" };
  await apiRequest(link, `CONSUMER.CREATE.${subjects.stream(0)}.${name}`, body, 2_000);
}

/** What a node of the former version does with the next event: it processes and marks it, acknowledged or not. */
async function workTheOldWay(stage: Stage, worker: string, acknowledge: boolean): Promise<string> {
  const { link, processed, clock, ids } = await stage.node();
  const msg = await link.nc.request(
    `$JS.API.CONSUMER.MSG.NEXT.${subjects.stream(0)}.${worker}`,
    '{"batch":1}',
    {
      timeout: 2_000,
      // The message has its own subject.
      noMux: true,
    },
  );
  const id = msg.headers?.get("ce-id") ?? "";
  const marks = new ProcessedEvents({
    bucket: processed,
    clock,
    worker,
    owner: ids.next(),
    lockLifeMs: 1_500,
  });
  const claim = await marks.claim(id);
  if (claim.status !== "claimed" || !(await marks.done(claim))) throw new Error(`${id} is not marked`);
  if (acknowledge) msg.respond("+ACK");
  await link.nc.flush();
  return id;
}

async function startMail(t: Test, stage: Stage, types: readonly string[]) {
  const done: string[] = [];
  const node = await stage.node();
  const running = await startWorker(node, {
    name: "mail",
    types,
    bounds,
    work: async ({ id }) => void done.push(id),
  });
  t.teardown(() => running.stop());
  return {
    done,
    running,
    link: node.link,
    name: consumerName({ name: "mail", filters: types.map(filterOf) }),
  };
}

type Info = {
  readonly config: {
    readonly filter_subjects: readonly string[];
    readonly inactive_threshold?: number;
    readonly opt_start_seq?: number;
    readonly opt_start_time?: string;
  };
  readonly num_pending: number;
  readonly num_ack_pending: number;
};
const infoOf = (link: NatsLink, name: string) =>
  apiRequest<Info>(link, `CONSUMER.INFO.${subjects.stream(0)}.${name}`, undefined, 2_000);

t.test("the successor of a consumer of the first version, with fewer types, goes on after it", async (t) => {
  const stage = await startStage(t);
  const { link } = await stage.node();
  await makeOldConsumer(link, "mail", ["order.created", "order.shipped"]);
  // An event that was not mailed at that time stays so: it is earlier than the acknowledged ones.
  await stage.emit(event(0, "payment.refunded"));
  for (const n of [1, 2, 3]) await stage.emit(event(n, "order.created"));
  t.equal(await workTheOldWay(stage, "mail", true), "e1");
  t.equal(await workTheOldWay(stage, "mail", true), "e2");
  t.equal(await workTheOldWay(stage, "mail", false), "e3", "its acknowledgement is lost");
  await stage.emit(event(4, "order.shipped"));
  await stage.emit(event(5, "payment.refunded"));

  const types = ["order.created", "order.shipped", "payment.refunded"];
  const { done, name, running } = await startMail(t, stage, types);
  await stage.emit(event(6, "payment.refunded"));
  await stage.emit(event(7, "order.created"));
  await waitUntil("every event is acknowledged", async () => {
    const info = await infoOf(link, name);
    return done.length >= 4 && info.num_pending + info.num_ack_pending === 0;
  });
  t.same(done.toSorted(), ["e4", "e5", "e6", "e7"], "each once, and none of the processed ones");
  t.equal(running.counters.repeated, 1, "e3 came again and counted as processed");
  t.match(await infoOf(link, name), { config: { filter_subjects: types.map(filterOf) } });
  t.match(
    await infoOf(link, "mail"),
    {
      config: {
        filter_subjects: ["order.created", "order.shipped"].map(filterOf),
        inactive_threshold: 7 * DAY_MS * NANOS_PER_MS,
      },
    },
    "the former consumer is unchanged, and ends when no client uses it",
  );
});

t.test("every event is processed once while nodes of both versions run side by side", async (t) => {
  const stage = await startStage(t);
  const former = await startMail(t, stage, ["a", "b"]);
  for (let n = 0; n < 20; n++) await stage.emit(event(n, n % 2 === 0 ? "a" : "b"));
  await waitUntil("the former worker has begun", () => former.done.length >= 5);
  const next = await startMail(t, stage, ["b", "c"]);
  for (let n = 20; n < 80; n++) await stage.emit(event(n, ["a", "b", "c"][n % 3] ?? ""));
  await waitUntil("all are done", () => former.done.length + next.done.length >= 80);
  await waitUntil("nothing is left", async () => {
    const infos = await Promise.all([former, next].map(({ link, name }) => infoOf(link, name)));
    return infos.every((info) => info.num_pending + info.num_ack_pending === 0);
  });
  const all = [...former.done, ...next.done];
  t.equal(new Set(all).size, 80, "none is skipped");
  t.equal(all.length, 80, "none is processed twice");
});

t.test("the former version goes on with its own consumer after a rollback", async (t) => {
  const stage = await startStage(t);
  const first = await startMail(t, stage, ["a"]);
  await stage.emit(event(1, "a"));
  await waitUntil("the first is done", () => first.done.length === 1);
  await first.running.stop();
  const second = await startMail(t, stage, ["a", "b"]);
  await stage.emit(event(2, "a"));
  await waitUntil("the second is done", () => second.done.length === 1);
  await second.running.stop();
  const again = await startMail(t, stage, ["a"]);
  await stage.emit(event(3, "a"));
  await waitUntil("the third is done", () => again.done.length > 0);
  await waitUntil(
    "nothing is left",
    async () => (await infoOf(again.link, again.name)).num_ack_pending === 0,
  );
  t.same(again.done, ["e3"], "the events of the other version count as processed");
  t.equal(
    (await infoOf(again.link, again.name)).config.inactive_threshold ?? 0,
    0,
    "the next consumer is no successor of it",
  );
});

t.test("a successor starts at the first event that any of its own types still needs", async (t) => {
  const stage = await startStage(t);
  const { link } = await stage.node();
  await makeOldConsumer(link, "mail", ["a"]);
  await stage.emit(event(1, "a"));
  await stage.emit(event(2, "a"));
  await workTheOldWay(stage, "mail", true);
  await workTheOldWay(stage, "mail", true);
  // Made before it, at an earlier position, with a type that the other one does not have.
  await makeOldConsumer(link, "mail-00000000", ["a", "b"]);
  await stage.emit(event(3, "b"));
  const { done, name } = await startMail(t, stage, ["a", "b"]);
  await waitUntil("the b is done", () => done.length > 0);
  t.same(done, ["e3"]);
  t.match(
    (await consumersOf(link, subjects.stream(0), "mail")).toSorted(),
    ["mail", "mail-00000000", name].toSorted(),
  );
  t.same(
    await consumersOf(link, subjects.stream(0), "mai"),
    [],
    "a worker's name does not match another worker's consumers",
  );
});

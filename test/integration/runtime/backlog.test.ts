/** What waits for a worker, as a real server counts it: new events, retries, replays and dead letters. */
import t from "tap";
import { subjects } from "../../../src/services/subjects.ts";
import { natsDeadLetters } from "../../../src/adapters/nats/dead-letters.ts";
import { startWorker, WorkRefused } from "../../../src/runtime/workers/worker.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { startStage } from "../../support/worker-stage.ts";

const bounds = {
  maxInFlight: 4,
  workLimitMs: 60_000,
  lockLifeMs: 70_000,
  backoffMs: 60_000,
  backoffMaxMs: 60_000,
  maxAttempts: 3,
};
const succeeds = (_event: string): Promise<void> => Promise.resolve();
const options = {
  name: "mail",
  filters: ["order.created", "order.shipped"].map((type) => subjects.events(type)),
};

for (const streams of [1, 2])
  t.test(`the backlog of a worker with ${streams} streams`, async (t) => {
    const stage = await startStage(t, { streams });
    const node = await stage.node();
    const { queue } = node;
    const none = { items: 0, oldestAt: undefined, deadLetters: 0 };
    t.same(await queue.backlog(options), none, "without a consumer nothing waits");

    let answer = succeeds;
    const worker = await startWorker(node, {
      name: "mail",
      types: ["order.created", "order.shipped"],
      bounds,
      work: ({ id }) => answer(id),
    });
    t.teardown(() => worker.stop());
    const emit = (id: string, type: string, partition: number) =>
      stage.emit({ id, type, order: `ord_${id}`, data: {}, partition });
    const until = (reason: string, wanted: { items: number; deadLetters: number }) =>
      waitUntil(reason, async () => {
        const { items, oldestAt, deadLetters } = await worker.backlog();
        if (items === wanted.items && deadLetters === wanted.deadLetters) return { oldestAt };
        throw new Error(`${items} items, ${deadLetters} dead letters`);
      });
    await emit("done", "order.created", 0);
    await emit("other", "order.cancelled", 0);
    await until("what is done does not wait", { items: 0, deadLetters: 0 });

    const from = Date.now();
    answer = async (id) => {
      if (id.startsWith("refused")) throw new WorkRefused("no such user");
      throw new Error("the mail server is away");
    };
    await emit("first", "order.shipped", 1);
    await until("a failed one waits for its next attempt", { items: 1, deadLetters: 0 });
    const { oldestAt: first } = await worker.backlog();
    t.ok(first !== undefined && Math.abs(first - from) < 30_000, "it is as old as the event");
    await emit("second", "order.created", 2);
    const { oldestAt } = await until("two wait", { items: 2, deadLetters: 0 });
    t.equal(oldestAt, first, "the age is that of the oldest");

    await emit("refused-1", "order.created", 3);
    await emit("refused-2", "order.created", 0);
    await until("dead letters do not wait", { items: 2, deadLetters: 2 });
    answer = () => Promise.reject(new Error("the mail server is away"));
    const letters = natsDeadLetters(node.link, subjects);
    const [letter] = await letters.list(1, 0);
    t.equal(await letters.replay(letter?.sequence ?? 0), "replayed");
    await until("a replayed one waits again", { items: 3, deadLetters: 1 });
    t.equal((await worker.backlog()).oldestAt, first);
  });

t.test("without a server the backlog is unavailable", async (t) => {
  const stage = await startStage(t);
  const { queue } = await stage.node();
  await Promise.all(stage.servers.map((server) => server.kill()));
  await t.rejects(queue.backlog(options), { name: "Unavailable" });
});

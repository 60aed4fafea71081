/** The main thread of a node notices what waits for its workers, against a real server. */
import { createInbox } from "@nats-io/transport-node";
import t, { type Test } from "tap";
import { type WatchOptions, WorkWatch } from "../../../nodes/order/work-watch.ts";
import { natsDeadLetters } from "../../../src/adapters/nats/dead-letters.ts";
import type { NatsLink } from "../../../src/adapters/nats/link.ts";
import { consumerOf, startWorker } from "../../../src/runtime/workers/worker.ts";
import { emailQueue } from "../../../src/services/email/worker.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { startStage } from "../../support/worker-stage.ts";

/** No count in the time of a test but those that the watch makes by itself. */
const NEVER_MS = 600_000;
const workers = ["email", "invoice"] as const;
const created = { id: "e1", type: "order.created", order: "ord_1", data: {} };

async function startWatch(
  t: Test,
  changed: Partial<WatchOptions> & { heard?: (link: NatsLink) => NatsLink } = {},
) {
  const stage = await startStage(t);
  const node = await stage.node();
  const watch = new WorkWatch({
    workers,
    link: changed.heard?.(node.link) ?? node.link,
    subjects,
    clock: node.clock,
    streams: 1,
    everyMs: NEVER_MS,
    ...changed,
  });
  await watch.start();
  await waitUntil("everything is counted once", async () =>
    workers.every((worker) => watch.backlog(worker) !== undefined),
  );
  t.teardown(() => watch.stop());
  return { stage, node, watch };
}

/** Waits for work; `found` once it was noticed. */
function wait(t: Test, watch: WorkWatch) {
  const state = { found: false };
  const abort = new AbortController();
  const ended = watch.work(abort.signal).then(() => (state.found = !abort.signal.aborted));
  t.teardown(() => abort.abort());
  return { state, abort, ended };
}

/** A watch that notices nothing fails its test soon. */
async function noticed({ state, ended }: ReturnType<typeof wait>): Promise<void> {
  await waitUntil("work is noticed", async () => state.found, { timeoutMs: 10_000 });
  await ended;
}

/** Waits for work, until the count at the beginning has found none. */
async function waitInVain(t: Test, watch: WorkWatch) {
  let counts = 0;
  const abort = new AbortController();
  // It asks for the number before the first count, and after each.
  const counting = watch.rest(NEVER_MS, () => counts++, abort.signal);
  const waiting = wait(t, watch);
  await waitUntil("it is counted", async () => counts > 1);
  abort.abort();
  await counting;
  return waiting;
}

/** A link that sees no publications, as one that was down, and reconnects on request. */
function deaf(link: NatsLink): NatsLink & { reconnect(): void } {
  const listeners = new Set<(connected: boolean) => void>();
  const subscribe: typeof link.nc.subscribe = (subject, options) =>
    link.nc.subscribe(/^(orders|dead)\./u.test(subject) ? "no.such.subject" : subject, options);
  const nc = new Proxy(link.nc, {
    get: (target, name) => {
      if (name === "subscribe") return subscribe;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  return {
    nc,
    connected: () => true,
    newInbox: () => createInbox(),
    forbidden: () => undefined,
    close: () => link.close(),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reconnect: () => {
      for (const listener of listeners) listener(true);
    },
  };
}

t.test("an event that no worker has done yet is noticed at once", async (t) => {
  const { stage, node, watch } = await startWatch(t);
  await stage.emit(created);
  // The server counts a stored event for its consumers a moment later.
  const emails = consumerOf(subjects, emailQueue);
  await waitUntil("it is counted", async () => (await node.queue.backlog(emails)).items === 1);
  await noticed(wait(t, watch));
  t.match(watch.backlog("email"), { items: 1, deadLetters: 0 });
  t.match(watch.backlog("invoice"), { items: 0, oldestMs: 0 });
});

t.test("an event for a worker is noticed when it is published, and no other event is", async (t) => {
  const { stage, watch } = await startWatch(t);
  const waiting = await waitInVain(t, watch);
  await stage.emit({ ...created, id: "e0", type: "payment.captured" });
  await stage.emit({ ...created, id: "e1", type: "inventory.reserved" });
  t.equal(waiting.state.found, false);
  await stage.emit({ ...created, id: "e2", type: "order.ready" });
  await noticed(waiting);
});

t.test("the replay of a dead letter is noticed", async (t) => {
  const { node, watch } = await startWatch(t);
  await node.queue.bury({
    kind: "failed",
    worker: "email",
    partition: "3",
    about: "ord_1",
    item: { subject: subjects.event(3, "order.created"), sequence: 1, headers: {}, payload: "{}" },
    reason: "550 no such user",
    attempts: 1,
  });
  const waiting = await waitInVain(t, watch);
  const letters = natsDeadLetters(node.link, subjects);
  const [letter] = await letters.list(1, 0);
  t.equal(waiting.state.found, false, "a dead letter waits for an operator");
  t.equal(await letters.replay(letter!.sequence), "replayed");
  await noticed(waiting);
  t.strictSame(await letters.list(1, 0), [], "it is not listed any more");
});

t.test("an event whose publication was not seen is noticed after a reconnection", async (t) => {
  let link: ReturnType<typeof deaf> | undefined;
  const { stage, watch } = await startWatch(t, { heard: (own) => (link = deaf(own)) });
  const waiting = await waitInVain(t, watch);
  await stage.emit(created);
  t.equal(waiting.state.found, false);
  await waitUntil("the event is noticed", async () => {
    // Again: on a busy machine the server may answer too late.
    link?.reconnect();
    return waiting.state.found;
  });
  await waiting.ended;
});

t.test("an event whose publication was not seen is noticed by the next count", async (t) => {
  const { stage, watch } = await startWatch(t, { heard: deaf, everyMs: 100 });
  const waiting = wait(t, watch);
  await stage.emit(created);
  await noticed(waiting);
});

t.test("a wait that is aborted ends without work", async (t) => {
  const { watch } = await startWatch(t);
  const { state, abort, ended } = wait(t, watch);
  abort.abort();
  await ended;
  t.equal(state.found, false);
});

t.test("workers rest when nothing has waited and nothing was done for the time", async (t) => {
  const { stage, node, watch } = await startWatch(t, { everyMs: 50 });
  const { signal } = new AbortController();
  let done = 0;
  let counts = 0;
  const counted = () => {
    counts++;
    return done;
  };
  await stage.emit(created);
  await noticed(wait(t, watch));
  let rested = false;
  const resting = watch.rest(300, counted, signal).then(() => (rested = true));
  await waitUntil("it was counted many times", async () => counts > 20);
  t.equal(rested, false, "an event waits");
  const worker = await startWorker(node, { ...emailQueue, work: async () => undefined });
  t.teardown(() => worker.stop());
  await waitUntil("it is done", async () => worker.counters.done === 1);
  const busy = setInterval(() => done++, 20);
  t.teardown(() => clearInterval(busy));
  await waitUntil("it was counted many times more", async () => counts > 50);
  t.equal(rested, false, "events are being done");
  clearInterval(busy);
  await resting;
  t.equal(rested, true);
});

/** Events that workers have abandoned: listed over HTTP, replayed, and processed once. */
import { subjects } from "../../../src/services/subjects.ts";
import t, { type Test } from "tap";
import { ReceivedMessages } from "../../../nodes/mailbox/messages.ts";
import { listenSmtp } from "../../../nodes/mailbox/smtp.ts";
import { deadLetterService } from "../../../src/services/dead-letters/dead-letters.ts";
import { apiRequest } from "../../../src/adapters/nats/jetstream-api.ts";
import { natsDeadLetters } from "../../../src/adapters/nats/dead-letters.ts";
import { startWorker, type Work, WorkRefused } from "../../../src/runtime/workers/worker.ts";
import { consumersOf } from "../../../src/adapters/nats/work-consumer.ts";
import { startEmailWorker } from "../../../src/services/email/worker.ts";
import { freePorts } from "../../support/cluster/free-ports.ts";
import { startApp } from "../../support/http-services.ts";
import { noFacts, orderDetails } from "../../support/order-details.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { type Stage, startStage } from "../../support/worker-stage.ts";

const bounds = {
  maxInFlight: 4,
  workLimitMs: 5_000,
  lockLifeMs: 6_500,
  backoffMs: 20,
  backoffMaxMs: 50,
  maxAttempts: 3,
};

const DAY_MS = 24 * 60 * 60_000;

const created = (n: number) => ({
  id: `ord_${n}.1.0`,
  type: "order.created",
  order: `ord_${n}`,
  data: orderDetails(`ord_${n}`),
});

type Letter = { readonly id: string; readonly orderId: string };

async function startApi(t: Test, stage: Stage) {
  const { link } = await stage.node();
  const letters = natsDeadLetters(link, subjects);
  const { app } = await startApp(t, { deadLetters: deadLetterService(letters) });
  return {
    link,
    letters,
    list: async (query = "") => {
      const answer = await app.inject({ method: "GET", url: `/v1/dead-letters${query}` });
      return answer.json<{ items: readonly Letter[]; nextCursor: string | null }>();
    },
    get: (path: string) => app.inject(`/v1/dead-letters${path}`),
    discard: (id: string, reason = "not worth it") =>
      app.inject({ method: "POST", url: `/v1/dead-letters/${id}/discard`, payload: { reason } }),
    replay: (id: string) => app.inject({ method: "POST", url: `/v1/dead-letters/${id}/replay` }),
  };
}

async function startMailWorker(t: Test, stage: Stage, work: Work) {
  const running = await startWorker(await stage.node(), {
    name: "mail",
    types: ["order.created"],
    bounds,
    work,
  });
  t.teardown(() => running.stop());
  return running;
}

t.test("mails that a mail server refused are listed, replayed once it works, and arrive once", async (t) => {
  const stage = await startStage(t);
  const api = await startApi(t, stage);
  const [port = 0] = await freePorts(1);
  const worker = await startEmailWorker({
    ...(await stage.node()),
    facts: noFacts,
    smtpUrl: `smtp://127.0.0.1:${port}`,
    bounds,
  });
  t.teardown(() => worker.stop());
  for (const n of [1, 2, 3]) await stage.emit(created(n));
  const { items } = await waitUntil("there are three dead letters", async () => {
    const page = await api.list();
    return page.items.length === 3 && page;
  });
  t.match(
    items.find(({ orderId }) => orderId === "ord_1"),
    {
      id: /^dl_\d+$/u,
      worker: "email",
      eventId: "ord_1.1.0",
      type: "order.created",
      reason: /ECONNREFUSED/u,
      attempts: bounds.maxAttempts,
      at: /^20\d\d-.*Z$/u,
    },
  );
  const first = await api.list("?limit=2");
  t.same([first.items.length, first.nextCursor], [2, first.items[1]?.id]);
  const second = await api.list(`?limit=2&cursor=${first.nextCursor}`);
  t.same([second.items.map(({ id }) => id), second.nextCursor], [[items[2]?.id], null]);

  const letters = new ReceivedMessages(100);
  const smtp = await listenSmtp(letters, { host: "127.0.0.1", port, now: Date.now });
  t.teardown(() => smtp.close());
  // One of them again and again, at the same time and later.
  const twice = items[0]!.id;
  const answers = await Promise.all([...items.map(({ id }) => id), twice, twice].map(api.replay));
  t.same(
    answers.map(({ statusCode }) => statusCode),
    [202, 202, 202, 202, 202],
  );
  t.same(answers[0]?.json(), { id: twice, status: "replayed" });
  await waitUntil("all three mails have been sent", () => worker.counters.done === 3);
  t.match(await api.replay(twice), { statusCode: 202 });
  t.same((await api.list()).items, []);
  // The queue delivers everything else before this event.
  await stage.emit(created(4));
  await waitUntil("a later mail has been sent", () => worker.counters.done === 4);
  const receivers = (await letters.read()).map(({ to }) => to).toSorted();
  t.same(
    receivers,
    [1, 2, 3, 4].map((n) => `ord_${n}@example.com`),
  );
});

t.test(
  "a dead letter is discarded with a reason, or replayed: whichever comes first, and never both",
  async (t) => {
    const stage = await startStage(t);
    const api = await startApi(t, stage);
    const done: string[] = [];
    let works = false;
    await startMailWorker(t, stage, async ({ id }) => {
      if (!works) throw new Error(`no luck with ${id}`);
      done.push(id);
    });
    for (const n of [1, 2, 3]) await stage.emit(created(n));
    const items = await waitUntil("there are three", async () => {
      const found = (await api.list()).items;
      // The worker has several events under way: which of them is buried first is not known.
      return found.length === 3 ? found.toSorted((a, b) => a.orderId.localeCompare(b.orderId)) : undefined;
    });
    const groups = (await api.get("/groups?by=error")).json();
    t.match(groups, { groups: [{ error: "no luck with …", where: "mail", count: 3 }], isComplete: true });
    const [one, two, three] = items.map(({ id }) => id) as [string, string, string];
    t.match((await api.get(`/${one}`)).json(), { id: one, state: "open", reason: /no luck/ });

    works = true;
    t.strictSame((await api.discard(one)).json(), { id: one, status: "discarded" });
    t.match((await api.discard(one, "another reason")).json(), { status: "discarded" });
    t.match((await api.replay(one)).json(), { status: 409, code: "dead_letter_closed", state: "discarded" });
    t.match((await api.get(`/${one}`)).json(), {
      id: one,
      orderId: "ord_1",
      state: "discarded",
      closedBy: { kind: "anonymous", id: null },
      closedReason: "not worth it",
    });
    t.equal((await api.replay(two)).statusCode, 202);
    t.match((await api.discard(two)).json(), { status: 409, code: "dead_letter_closed", state: "replayed" });
    t.match((await api.get(`/${two}`)).json(), { state: "replayed", orderId: "ord_2", at: /^20/ });
    const [replay, discard] = await Promise.all([api.replay(three), api.discard(three)]);
    t.strictSame(
      [replay.statusCode, discard.statusCode].toSorted((a, b) => a - b),
      replay.statusCode === 202 ? [202, 409] : [200, 409],
    );
    const replayed = replay.statusCode === 202 ? ["ord_2.1.0", "ord_3.1.0"] : ["ord_2.1.0"];
    await stage.emit(created(4));
    await waitUntil("a later event is done", () => done.length > replayed.length);
    t.strictSame(done.toSorted(), [...replayed, "ord_4.1.0"]);
    t.same((await api.list()).items, []);
    for (const path of ["/dl_999", "/nothing"])
      t.match((await api.get(path)).json(), { status: 404, code: "dead_letter_not_found" });
    t.equal((await api.discard("dl_999")).statusCode, 404);
  },
);

t.test("a replay that fails is tried as often as a new event, and then is a new dead letter", async (t) => {
  const stage = await startStage(t);
  const api = await startApi(t, stage);
  const attempts: number[] = [];
  const later: string[] = [];
  let works = false;
  await startMailWorker(t, stage, async ({ id }, { attempt }) => {
    if (id === created(1).id) attempts.push(attempt);
    else later.push(id);
    if (!works) throw new Error("no luck");
  });
  await stage.emit(created(1));
  const once = await waitUntil("there is a dead letter", async () => (await api.list()).items[0]);
  t.equal((await api.replay(once.id)).statusCode, 202);
  const again = await waitUntil("there is another dead letter", async () => (await api.list()).items[0]);
  t.not(again.id, once.id);
  t.same(attempts, [1, 2, 3, 1, 2, 3]);
  works = true;
  t.equal(
    (await api.replay(once.id)).statusCode,
    202,
    "a replay of the old dead letter has the same answer and no effect",
  );
  t.equal((await api.replay(again.id)).statusCode, 202);
  await waitUntil("the replay is done", () => attempts.length >= 7);
  await stage.emit(created(2));
  await waitUntil("a later event is done", () => later.length === 1);
  t.same(attempts, [1, 2, 3, 1, 2, 3, 1], "once");
  t.same((await api.list()).items, []);
});

t.test(
  "an operator can repeat a replay that was interrupted before the dead letter was removed",
  async (t) => {
    const stage = await startStage(t);
    const api = await startApi(t, stage);
    let refuse = true;
    const done: string[] = [];
    await startMailWorker(t, stage, async ({ id }) => {
      if (refuse) throw new WorkRefused("never");
      done.push(id);
    });
    await stage.emit(created(1));
    const { id } = await waitUntil("there is a dead letter", async () => (await api.list()).items[0]);
    refuse = false;
    const [stored] = await stage.dead();
    const subject = `${stored!.subject}.replay.${id.slice("dl_".length)}`;
    await stage.store("DEAD", {
      subject,
      payload: stored!.payload,
      headers: { ...stored!.headers, "Orderly-Dead-Replay-Of": id.slice("dl_".length) },
    });
    await waitUntil("the replay is processed", () => done.length === 1);
    t.equal((await api.list()).items.length, 1, "the dead letter is still listed");
    t.equal((await api.replay(id)).statusCode, 202);
    t.same((await api.list()).items, []);
    await stage.emit(created(2));
    await waitUntil("a later event is done", () => done.includes(created(2).id));
    t.same(done, [created(1).id, created(2).id], "each once");
  },
);

t.test(
  "old events of a reset consumer are listed and not worked on, and a replay is worked on once",
  async (t) => {
    const stage = await startStage(t);
    const api = await startApi(t, stage);
    let daysLater = 0;
    const start = async () => {
      const node = await stage.node();
      const done: string[] = [];
      const clock = { ...node.clock, now: () => Date.now() + daysLater * DAY_MS };
      const work: Work = async ({ id }) => void done.push(id);
      const mail = { name: "mail", types: ["order.created"], bounds, work };
      const worker = await startWorker({ ...node, clock }, mail);
      t.teardown(() => worker.stop());
      return { worker, done };
    };
    const first = await start();
    for (const n of [1, 2, 3]) await stage.emit(created(n));
    await waitUntil("all are done", () => first.worker.counters.done === 3);
    await first.worker.stop();
    // A month later: the marks have ended, and the consumer begins again.
    await apiRequest(api.link, "STREAM.PURGE.KV_PROCESSED", undefined, 2_000);
    const [consumer = ""] = await consumersOf(api.link, subjects.stream(0), "mail");
    await apiRequest(api.link, `CONSUMER.DELETE.${subjects.stream(0)}.${consumer}`, undefined, 2_000);
    daysLater = 31;
    const second = await start();
    await waitUntil("all are dead letters", () => second.worker.counters.tooOld === 3);
    t.same(second.done, []);
    const { items } = await api.list();
    t.equal(items.length, 3);
    for (const item of items)
      t.match(item, { kind: "too_old", worker: "mail", attempts: 0, reason: /31 days/u });
    daysLater = 0;
    t.equal((await api.replay(items[0]!.id)).statusCode, 202);
    await waitUntil("the replay is done", () => second.worker.counters.done === 1);
    await stage.emit(created(4));
    await waitUntil("a later event is done", () => second.worker.counters.done === 2);
    t.same(second.done, [created(Number(items[0]!.orderId.slice(4))).id, created(4).id]);
    t.equal((await api.list()).items.length, 2);
  },
);

t.test("a dead letter of a version before has the kind of a failed one", async (t) => {
  const stage = await startStage(t);
  const api = await startApi(t, stage);
  const headers = { "ce-id": "e1", "Orderly-Dead-Reason": "no luck", "Orderly-Dead-Attempts": "27" };
  await stage.store("DEAD", { subject: "dead.email.3.ord_1", payload: "{}", headers });
  t.match((await api.list()).items, [{ kind: "failed", reason: "no luck", attempts: 27 }]);
});

t.test("a dead letter with absurd headers is listed, and the list is answered", async (t) => {
  const stage = await startStage(t);
  const api = await startApi(t, stage);
  const subject = "dead.email.3.ord_1";
  for (const attempts of ["many", "-3", "1e99", ""]) {
    const headers = { "Orderly-Dead-Attempts": attempts, "Orderly-Dead-Kind": "odd" };
    await stage.store("DEAD", { subject, payload: "\u0000", headers });
  }
  await stage.store("DEAD", { subject: "dead.email.3.ord_2", payload: "" });
  const { items } = await api.list();
  t.match(
    items,
    Array.from({ length: 5 }, () => ({ kind: "failed", attempts: 0, type: "" })),
  );
});

t.test(
  "a replay of an unknown dead letter finds nothing, and without the server it is unavailable",
  async (t) => {
    const stage = await startStage(t);
    const api = await startApi(t, stage);
    for (const id of ["dl_1", "dl_999999", "dl_0", "nonsense"]) {
      t.match((await api.replay(id)).json(), { status: 404, code: "dead_letter_not_found" }, id);
    }
    t.match(await api.list("?cursor=nonsense"), { code: "validation_failed" });
    await apiRequest(api.link, "STREAM.DELETE.DEAD", undefined, 2_000);
    t.match((await api.replay("dl_1")).json(), { status: 503, code: "unavailable" });
  },
);

import { subjects } from "../../../../src/services/subjects.ts";
import t from "tap";
import { MemoryWorkQueues } from "../../../../src/adapters/memory/work-queue.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { Journal, StoredMessage } from "../../../../src/runtime/ports.ts";
import { startWorker, type Work, WorkRefused } from "../../../../src/runtime/workers/worker.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";

const bounds = {
  maxInFlight: 4,
  workLimitMs: 1_000,
  lockLifeMs: 3_000,
  backoffMs: 100,
  backoffMaxMs: 400,
  maxAttempts: 4,
};

function scene() {
  const clock = new VirtualClock();
  const followers: ((message: StoredMessage) => void | Promise<void>)[] = [];
  const journal: Pick<Journal, "consume"> = {
    consume: async (_options, onMessage) => {
      followers.push(onMessage);
      return { stop: async () => undefined };
    },
  };
  const queues = new MemoryWorkQueues(journal as Journal, clock);
  const { bucket, entries, faults } = faultyBucket();
  let sequence = 0;
  let owners = 0;
  return {
    clock,
    queues,
    entries,
    faults,
    worker: (work: Work) =>
      startWorker(
        {
          subjects,
          queue: queues.queue(),
          processed: bucket,
          clock,
          ids: { next: () => `owner-${++owners}` },
          log: quietLog,
        },
        { name: "mail", types: ["order.created"], bounds, work },
      ),
    emit: (id: string, overrides: { headers?: Record<string, string>; payload?: string } = {}) => {
      const message: StoredMessage = {
        subject: "orders.events.7.order.created",
        sequence: ++sequence,
        at: clock.now(),
        headers: overrides.headers ?? { "ce-id": id, "ce-type": "order.created", "ce-subject": "ord_1" },
        payload: overrides.payload ?? JSON.stringify({ n: id }),
      };
      for (const follow of followers) void follow(message);
    },
    state: (id: string) => {
      const entry = entries.get(`mail.${id}`);
      return entry === undefined ? undefined : (JSON.parse(entry.value) as { state: string }).state;
    },
  };
}

t.test("given an event, the work is done once and marked", async (t) => {
  const s = scene();
  const seen: unknown[] = [];
  const worker = await s.worker(async (event, { attempt }) => {
    seen.push([event.id, event.type, event.subject, event.data, attempt]);
  });
  s.emit("e1");
  await s.clock.advance(10);
  t.same(seen, [["e1", "order.created", "ord_1", { n: "e1" }, 1]]);
  t.equal(s.state("e1"), "done");
  await s.clock.advance(60_000);
  t.same(seen.length, 1, "it is not delivered again");
  t.match(worker.counters, { done: 1, repeated: 0 });
});

t.test(
  "given an event that is delivered twice, the second delivery is acknowledged and ignored",
  async (t) => {
    const s = scene();
    let works = 0;
    const worker = await s.worker(async () => void works++);
    s.emit("e1");
    await s.clock.advance(10);
    s.emit("e1");
    await s.clock.advance(60_000);
    t.equal(works, 1);
    t.match(worker.counters, { done: 1, repeated: 1 });
  },
);

t.test(
  "given two workers and two deliveries of an event at once, one works and the other waits",
  async (t) => {
    const s = scene();
    let works = 0;
    let most = 0;
    let now = 0;
    const work = () =>
      new Promise<void>((resolve) => {
        works++;
        most = Math.max(most, ++now);
        s.clock.after(500, () => {
          now--;
          resolve();
        });
      });
    const [one, other] = [await s.worker(work), await s.worker(work)];
    s.emit("e1");
    s.emit("e1");
    await s.clock.advance(60_000);
    t.equal(works, 1);
    t.equal(most, 1);
    t.equal(one.counters.repeated + other.counters.repeated, 1);
  },
);

t.test(
  "a failed event is retried after growing pauses, then becomes a dead letter with its reason",
  async (t) => {
    const s = scene();
    const at: number[] = [];
    const worker = await s.worker(async () => {
      at.push(s.clock.monotonic());
      throw new Error("no luck");
    });
    s.emit("e1");
    await s.clock.advance(60_000);
    t.same(
      at.map((time, n) => time - (at[n - 1] ?? 0)),
      [0, 100, 200, 400],
    );
    t.match(s.queues.dead, [
      {
        worker: "mail",
        partition: "7",
        about: "ord_1",
        reason: "no luck",
        attempts: 4,
        item: { sequence: 1 },
      },
    ]);
    t.equal(s.state("e1"), "dead");
    t.match(worker.counters, { done: 0, failed: 3, dead: 1 });
    s.emit("e1");
    await s.clock.advance(60_000);
    t.equal(at.length, 4, "a repeat of a dead letter is ignored");
  },
);

t.test("a refused event becomes a dead letter at once", async (t) => {
  const s = scene();
  let works = 0;
  await s.worker(async () => {
    works++;
    throw new WorkRefused("no such mailbox");
  });
  s.emit("e1");
  await s.clock.advance(60_000);
  t.equal(works, 1);
  t.match(s.queues.dead, [{ reason: "no such mailbox", attempts: 1 }]);
});

t.test("a message that is no event becomes a dead letter and delays no other event", async (t) => {
  const s = scene();
  const seen: string[] = [];
  await s.worker(async (event) => void seen.push(event.id));
  s.emit("e1", { payload: "{" });
  s.emit("e2", { headers: {} });
  s.emit("e3");
  await s.clock.advance(10);
  t.same(seen, ["e3"]);
  t.match(s.queues.dead, [
    { about: "sequence-1", reason: "the payload is not JSON" },
    { about: "sequence-2", reason: "header ce-id is missing" },
  ]);
});

t.test("work that exceeds its time limit is aborted and retried", async (t) => {
  const s = scene();
  let aborted = 0;
  const worker = await s.worker(async (_event, { attempt, signal }) => {
    if (attempt > 1) return;
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        aborted++;
        reject(signal.reason);
      });
    });
  });
  s.emit("e1");
  await s.clock.advance(999);
  t.equal(aborted, 0);
  await s.clock.advance(60_000);
  t.equal(aborted, 1);
  t.match(worker.counters, { done: 1, failed: 1 });
});

t.test("given a lock whose owner has died, another worker takes it over when its life ends", async (t) => {
  const s = scene();
  const lock = { state: "locked", owner: "dead", until: s.clock.now() + 3_000, attempts: 2 };
  s.entries.set("mail.e1", { value: JSON.stringify(lock), revision: 77 });
  const attempts: [number, number][] = [];
  await s.worker(async (_event, { attempt }) => void attempts.push([s.clock.monotonic(), attempt]));
  s.emit("e1");
  await s.clock.advance(2_999);
  t.same(attempts, [], "not before the lock expires");
  await s.clock.advance(60_000);
  t.same(attempts, [[3_000, 3]], "and the attempts of the dead worker count");
});

t.test("an event that ends its worker every time becomes a dead letter", async (t) => {
  const s = scene();
  const lock = { state: "locked", owner: "dead", until: 0, attempts: bounds.maxAttempts };
  s.entries.set("mail.e1", { value: JSON.stringify(lock), revision: 77 });
  let works = 0;
  await s.worker(async () => void works++);
  s.emit("e1");
  await s.clock.advance(10);
  t.equal(works, 0);
  t.match(s.queues.dead, [{ reason: "the worker ended during its last attempt" }]);
});

t.test("given a mark whose answer is lost, the event is marked and not repeated", async (t) => {
  for (const fault of ["lose-answer", "lose-request"] as const) {
    const s = scene();
    let works = 0;
    const worker = await s.worker(async () => {
      works++;
      s.faults.push(fault);
    });
    s.emit("e1");
    await s.clock.advance(60_000);
    t.equal(works, 1, fault);
    t.equal(s.state("e1"), "done", fault);
    t.match(worker.counters, { done: 1 });
  }
});

t.test("given no server for the mark, this worker repeats the mark and not the work", async (t) => {
  const s = scene();
  let works = 0;
  await s.worker(async () => {
    works++;
    for (let n = 0; n < 12; n++) s.faults.push("lose-request");
  });
  s.emit("e1");
  await s.clock.advance(120_000);
  t.equal(works, 1);
  t.equal(s.state("e1"), "done");
});

t.test("a mark that is rejected by mistake is written again, so that a repeat finds it", async (t) => {
  const s = scene();
  let times = 0;
  const worker = await s.worker(async () => {
    times++;
    s.faults.push("behind");
  });
  s.emit("e1");
  await s.clock.advance(2_000);
  t.equal(s.state("e1"), "done");
  s.emit("e1");
  await s.clock.advance(60_000);
  t.equal(times, 1);
  await worker.stop();
});

t.test("given a lock whose answer is lost, the event is still processed, once", async (t) => {
  const s = scene();
  let works = 0;
  s.faults.push("lose-answer");
  await s.worker(async () => void works++);
  s.emit("e1");
  await s.clock.advance(60_000);
  t.equal(works, 1);
  t.equal(s.state("e1"), "done");
});

t.test("a worker processes no more events at once than its bound", async (t) => {
  const s = scene();
  let now = 0;
  let most = 0;
  let works = 0;
  await s.worker(async () => {
    most = Math.max(most, ++now);
    await new Promise<void>((resolve) => void s.clock.after(50, resolve));
    now--;
    works++;
  });
  for (let n = 0; n < 30; n++) s.emit(`e${n}`);
  await s.clock.advance(60_000);
  t.equal(works, 30);
  t.equal(most, bounds.maxInFlight);
});

t.test("a worker that stops lets short work end, aborts long work and unlocks its event", async (t) => {
  const s = scene();
  const worker = await s.worker(async (event, { signal }) => {
    await new Promise<void>((resolve, reject) => {
      if (event.id === "short") s.clock.after(500, resolve);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  });
  s.emit("short");
  await s.clock.advance(1);
  let stopped = false;
  const stop = async () => {
    await worker.stop();
    stopped = true;
  };
  const stopping = stop();
  await s.clock.advance(5_000);
  t.ok(stopped);
  t.equal(s.state("short"), "done");
  await stopping;

  const late = await s.worker(async (_event, { signal }) => {
    await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  s.emit("long");
  await s.clock.advance(1);
  const ended = late.stop();
  await s.clock.advance(5_000);
  await ended;
  t.equal(s.state("long"), "failed", "free for the next worker");
  const seen: string[] = [];
  await s.worker(async (event) => void seen.push(event.id));
  await s.clock.advance(5_000);
  t.same(seen, ["long"]);
});

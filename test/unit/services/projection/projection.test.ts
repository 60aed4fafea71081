/** The projection of a node: what it answers while it is built and later, and when its log or file is another one. */
import { join } from "node:path";
import t, { type Test } from "tap";
import { systemClock } from "../../../../src/adapters/local/system-clock.ts";
import { Projection } from "../../../../src/services/projection/projection.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { waitUntil } from "../../../support/wait-until.ts";
import { factsOf, LogInMemory, recordOf, startedOrder } from "./stored-orders.ts";

const list = { op: "list", selection: {}, sort: "-createdAt", limit: 10 } as const;

function projectionOn(t: Test, path: string, logs: readonly LogInMemory[]): Projection {
  const subjects = { prefix: "orders" };
  const projection = new Projection({ path, logs, subjects, clock: systemClock, log: quietLog, waitMs: 50 });
  // The clock's timers keep no process alive.
  const alive = setInterval(() => {}, 1000);
  t.teardown(async () => {
    await projection.stop();
    clearInterval(alive);
  });
  return projection;
}

t.test("nothing is answered before the end of the stream was reached once", async (t) => {
  const log = new LogInMemory();
  const path = join(temporaryFolder(t), "projection.sqlite");
  const one = startedOrder("ord_1");
  log.store(recordOf(one, 1), factsOf(one, 2));
  log.end = 10;
  const projection = projectionOn(t, path, [log]);
  t.match(await projection.answer(list), { status: "behind", progress: 0 });
  await projection.start();
  await waitUntil("the order is folded", () => projection.state().orders === 1);
  t.match(await projection.answer(list), { status: "behind", progress: 0.2 });
  t.equal(projection.state().status, "building");
  log.passTo(10);
  t.match(await projection.answer(list), {
    status: "found",
    items: [{ id: "ord_1" }],
    asOf: { sequence: 10, behindMs: 0 },
  });
  t.match(projection.state(), { status: "following", progress: 1 });
  await projection.stop();

  log.end = 20;
  const next = projectionOn(t, path, [log]);
  await next.start();
  t.match(
    await next.answer(list),
    { status: "found", asOf: { sequence: 2, behindMs: 18 } },
    "it was complete before",
  );
});

t.test("an answer waits for the sequence that it has to know, or is refused", async (t) => {
  const logs = [new LogInMemory(), new LogInMemory()];
  const projection = projectionOn(t, join(temporaryFolder(t), "projection.sqlite"), logs);
  await projection.start();
  t.match(await projection.answer({ ...list, minSequence: [{ stream: 1, sequence: 2 }] }), {
    status: "behind",
  });
  const one = startedOrder("ord_1");
  const waiting = projection.answer({ ...list, minSequence: [{ stream: 1, sequence: 1 }] });
  logs[1]!.store(recordOf(one, 1), factsOf(one, 2));
  t.match(await waiting, { status: "found", items: [{ id: "ord_1" }], asOf: { sequence: "0.0,1.2" } });
});

t.test("a cursor of another sort, or of no list, is refused", async (t) => {
  const log = new LogInMemory();
  const projection = projectionOn(t, join(temporaryFolder(t), "projection.sqlite"), [log]);
  await projection.start();
  const [one, two] = [startedOrder("ord_1"), startedOrder("ord_2")];
  log.store(recordOf(one, 1), factsOf(one, 2), recordOf(two, 3), factsOf(two, 4));
  await waitUntil("both are folded", () => projection.state().orders === 2);
  const page = await projection.answer({ ...list, limit: 1 });
  if (page.status !== "found" || page.nextCursor === null) throw new Error(page.status);
  t.equal(page.previousCursor, null);
  const cursor = page.nextCursor;
  t.match(await projection.answer({ ...list, cursor, sort: "total" }), {
    status: "invalid",
    field: "cursor",
  });
  t.match(await projection.answer({ ...list, cursor: "abc" }), { status: "invalid", field: "cursor" });
  const last = await projection.answer({ ...list, cursor, limit: 1 });
  t.match(last, { status: "found", nextCursor: null, previousCursor: /./u });
});

for (const [what, change] of [
  ["another log", (log: LogInMemory) => (log.id = "log-2")],
  ["a log that went back", (log: LogInMemory) => log.messages.splice(2)],
  [
    "a log that has another message at its mark",
    (log: LogInMemory) => log.messages.push({ ...log.messages.pop()!, at: 1 }),
  ],
] as const)
  t.test(`a file that is about ${what} is built anew`, async (t) => {
    const log = new LogInMemory();
    const path = join(temporaryFolder(t), "projection.sqlite");
    const [one, two] = [startedOrder("ord_1"), startedOrder("ord_2")];
    log.store(recordOf(one, 1), factsOf(one, 2), recordOf(two, 3), factsOf(two, 4));
    const first = projectionOn(t, path, [log]);
    await first.start();
    await waitUntil(
      "it is complete",
      () => first.state().status === "following" && first.state().orders === 2,
    );
    await first.stop();
    change(log);
    const second = projectionOn(t, path, [log]);
    await second.start();
    await waitUntil("it is complete", () => second.state().status === "following");
    t.equal(second.state().folded, log.messages.length, "all of it was read again");
  });

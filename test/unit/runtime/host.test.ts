/** A host in memory: what a user of the library gets without a server, and what a wrong option is answered. */
import t from "tap";
import { turnstile } from "../../../examples/turnstile/turnstile.ts";
import { memoryServer } from "../../../src/adapters/memory/application-server.ts";
import { MemoryServer } from "../../../src/adapters/memory/server.ts";
import { VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import { type HostOptions, hostActors } from "../../../src/runtime/host.ts";
import type { Clock } from "../../../src/runtime/ports.ts";
import { subjectsOf } from "../../../src/runtime/subjects.ts";
import { waitUntil } from "../../support/wait-until.ts";

const definition = turnstile(async (key) => ({ receipt: key }));
const START = { waitMs: 1_000, mayExist: true };

t.test("a host in memory runs invoke, emit and after, and stops", async (t) => {
  const host = await hostActors({ definition, memory: true });
  t.match(await host.actors.start("gate", { lockAfterMs: 50 }, START), { status: "ok", repeated: false });
  t.match(await host.actors.start("gate", { lockAfterMs: 50 }, START), { status: "ok", repeated: true });
  const coin = await host.actors.command(
    "gate",
    "turnstile",
    { type: "coin" },
    { commandId: "1", waitMs: 1_000 },
  );
  t.match(coin, { status: "ok", snapshot: { machines: { turnstile: { value: "unlocked" } } } });
  const isLocked = async () => {
    const reply = await host.actors.read("gate");
    return reply.status === "ok" && reply.snapshot.machines["turnstile"]?.value === "locked";
  };
  await waitUntil("the turnstile has locked by itself", isLocked);
  t.equal(host.status().held.length, 32);
  await host.stop();
  await host.stop();
});

t.test("a start under an id that is not one subject token is refused, and nothing is stored", async (t) => {
  const server = memoryServer({ prefix: "gates" });
  const host = await hostActors({ definition, memory: server });
  for (const id of ["a.b", "a b", "", "*", ">", "a/b"])
    t.match(
      await host.actors.start(id, { lockAfterMs: 50 }, START),
      { status: "refused", code: "invalid_actor_id", reason: /letters, digits, "-" and "_"/u },
      JSON.stringify(id),
    );
  t.match(await host.actors.read("a.b"), { status: "not_found" });
  await host.stop();
});

t.test("a host that is started again on the same server in memory goes on", async (t) => {
  const server = memoryServer({ prefix: "gates" });
  const first = await hostActors({ definition, memory: server, nodeId: "one" });
  await first.actors.start("gate", { lockAfterMs: 60_000 }, START);
  await first.actors.command("gate", "turnstile", { type: "coin" }, { commandId: "1", waitMs: 1_000 });
  await first.stop();
  const second = await hostActors({ definition, memory: server, nodeId: "two" });
  t.teardown(() => second.stop());
  const reply = await second.actors.command(
    "gate",
    "turnstile",
    { type: "push" },
    { commandId: "2", waitMs: 1_000 },
  );
  t.match(reply, { status: "ok", snapshot: { machines: { counter: { context: { passed: 1 } } } } });
});

t.test("on a virtual clock an hour passes at once", async (t) => {
  const clock = new VirtualClock();
  const server = memoryServer({ clock });
  const inTime = async <T>(promise: Promise<T>): Promise<T> => {
    let isOver = false;
    void promise.finally(() => (isOver = true)).catch(() => {});
    await clock.advanceUntil(() => isOver, 3_600_000);
    return await promise;
  };
  const host = await inTime(hostActors({ definition, memory: server }));
  await inTime(host.actors.start("gate", { lockAfterMs: 3_600_000 }, START));
  await inTime(host.actors.command("gate", "turnstile", { type: "coin" }, { commandId: "1", waitMs: 1_000 }));
  const value = async () => {
    const reply = await inTime(host.actors.read("gate"));
    return reply.status === "ok" ? reply.snapshot.machines["turnstile"]?.value : reply.status;
  };
  t.equal(await value(), "unlocked");
  await clock.advance(3_601_000);
  t.equal(await value(), "locked");
  await inTime(host.stop());
});

t.test("a host whose start fails leaves no timer of its node", async (t) => {
  const clock = new VirtualClock();
  const subjects = subjectsOf({ prefix: "actors" });
  const lock = subjects.lock("partition.0");
  let timers = 0;
  const counting: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (delayMs, run) => {
      timers++;
      return clock.after(delayMs, run);
    },
    sleep: (delayMs) => new Promise((resolve) => void counting.after(delayMs, resolve)),
    soon: (run) => clock.soon(run),
  };
  const server = new MemoryServer({
    clock: counting,
    subjects,
    faults: ({ kind, subject }) => (kind === "read" && subject === lock ? { lose: "answer" } : undefined),
  });
  let isOver = false;
  const host = hostActors({ definition, memory: server, nodeId: "one" });
  const failed = t.rejects(host, { name: "Unavailable" }).finally(() => (isOver = true));
  await clock.advanceUntil(() => isOver, 60_000);
  await failed;
  await clock.advance(10_000);
  const before = timers;
  await clock.advance(60_000);
  t.equal(timers, before);
});

t.test(
  "an option that does not fit is refused before anything is opened, and the message says what does",
  async (t) => {
    const base = { definition, memory: true } as const;
    for (const [wrong, message] of [
      [{ memory: true } as unknown as HostOptions, /give the definition/],
      [{ definition } as unknown as HostOptions, /either nats: .* or memory: true/],
      [{ ...base, nodeId: "a b" }, /nodeId "a b": use 1 to 64/],
      [{ ...base, partitions: 0 }, /partitions 0: use a whole number from 1 to 1024/],
      [{ ...base, presenceRefreshMs: 2_000 }, /presenceRefreshMs 2000: use less than a third/],
      [{ ...base, prefix: "a.b" }, /prefix "a.b": use 1 to 32 letters/],
      [
        { definition, nats: "nats://127.0.0.1:1", home: "/dev/null/no" },
        /home "\/dev\/null\/no": .*give each process a folder/,
      ],
    ] as const) {
      await t.rejects(hostActors(wrong), { name: "CannotHost", message }, String(message));
    }
  },
);

t.test("a definition with a listener that is no machine is refused", async (t) => {
  const listens = { "turnstile.passed": ["counters"] };
  await t.rejects(hostActors({ definition: { ...definition, listens }, memory: true }), {
    name: "MachineFault",
    message: /machine counters listens to "turnstile.passed" and is missing/,
  });
});

/** A request until it is answered: which answers are final, which are repeated, and when the time is up. */
import { UnreadableEntries } from "../../../../src/runtime/unreadable.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import type { ActorDefinition } from "../../../../src/runtime/definition.ts";
import type { Connectivity } from "../../../../src/runtime/cluster/connectivity.ts";
import type { Bus, BusAnswer, Journal, StoredMessage } from "../../../../src/runtime/ports.ts";
import {
  type ActorRequest,
  decodeRequest,
  encodeReply,
} from "../../../../src/runtime/routing/request-codec.ts";
import { Router } from "../../../../src/runtime/routing/router.ts";
import { partitionOf } from "../../../../src/runtime/subjects.ts";
import { subjects } from "../../../../src/services/subjects.ts";

const PARTITIONS = 8;
const FIND_OWNER_MS = 5000;
const snapshot = { version: 1 } as unknown as Extract<ActorReply, { status: "ok" }>["snapshot"];
const ok = (settled = true): ActorReply => ({ status: "ok", snapshot, settled, repeated: false });
const UNAVAILABLE: ActorReply = { status: "unavailable", reason: "this node does not own the partition" };
const OVERLOADED: ActorReply = { status: "overloaded", retryAfterMs: 1000 };

/** What the owner does with the n-th try, counted from 1. */
type Owner = (request: ActorRequest, n: number) => ActorReply | BusAnswer["status"] | Promise<ActorReply>;

function stage(owner: Owner, isLocal = false) {
  const clock = new VirtualClock();
  const tries: { request: ActorRequest; at: number; subject: string; timeoutMs: number }[] = [];
  const isolation = Promise.withResolvers<undefined>();
  const state: { isolated: string | undefined; endsAt: number; local: boolean } = {
    isolated: undefined,
    endsAt: Number.POSITIVE_INFINITY,
    local: isLocal,
  };
  const bus: Pick<Bus, "request"> = {
    request: async (subject, payload, timeoutMs) => {
      const { facts: _, ...request } = decodeRequest(payload)!;
      tries.push({ request, at: clock.monotonic(), subject, timeoutMs });
      const answer = await owner(request, tries.length);
      if (answer === "no_responders") return { status: answer };
      if (typeof answer === "object") return { status: "answered", payload: encodeReply(answer) };
      await clock.sleep(timeoutMs);
      return { status: "unanswered", reason: "no answer in time" };
    },
  };
  const connectivity: Pick<Connectivity, "isolation" | "waitsEndAt" | "orIsolated"> = {
    isolation: () => state.isolated,
    waitsEndAt: () => state.endsAt,
    orIsolated: (promise) => Promise.race([promise, isolation.promise]),
  };
  const router = new Router({
    unreadable: new UnreadableEntries(quietLog),
    subjects,
    partitions: PARTITIONS,
    bus: bus as Bus,
    journalOf: () => ({}) as Journal,
    clock,
    local: () =>
      state.local
        ? {
            handle: async (request) => {
              tries.push({ request, at: clock.monotonic(), subject: "local", timeoutMs: 0 });
              const answer = await owner(request, tries.length);
              return typeof answer === "object" ? answer : await new Promise<never>(() => {});
            },
            dryRun: () => new Promise<never>(() => {}),
          }
        : undefined,
    findOwnerMs: FIND_OWNER_MS,
    connectivity: connectivity as Connectivity,
    definition: {} as ActorDefinition,
  });
  const done = async (promise: Promise<ActorReply>) => {
    let isOver = false;
    void promise.finally(() => (isOver = true)).catch(() => {});
    await clock.advanceUntil(() => isOver, 120_000);
    return { reply: await promise, ms: clock.monotonic() };
  };
  const command = (waitMs = 0) => router.command("a", "diary", { type: "note" }, { commandId: "c1", waitMs });
  return { clock, router, tries, state, isolate: () => isolation.resolve(undefined), done, command };
}

t.test("a request goes to the owner of the actor's partition, with everything that it says", async (t) => {
  const { router, tries, done, command } = stage(() => ok());
  await done(command(700));
  await done(router.read("a"));
  await done(router.start("a", { n: 1 }, { waitMs: 300, mayExist: false, request: "hash" }));
  await done(router.start("a", { n: 1 }, { waitMs: 0, mayExist: true }));
  await done(router.resume("a"));
  await done(router.skip("a", "p1"));
  const asked = { by: { kind: "person", id: "ada" }, reason: "because" };
  await done(router.command("a", "diary", { type: "note" }, { commandId: "c2", waitMs: 0, ...asked }));
  await done(router.start("a", {}, { waitMs: 0, mayExist: true, by: { kind: "anonymous" } }));
  for (const { subject } of tries) t.equal(subject, subjects.command(partitionOf("a", PARTITIONS)));
  t.strictSame(
    tries.map(({ request }) => request),
    [
      { op: "command", actor: "a", machine: "diary", event: { type: "note" }, commandId: "c1", waitMs: 700 },
      { op: "read", actor: "a" },
      { op: "start", actor: "a", input: { n: 1 }, request: "hash", waitMs: 300, mayExist: false },
      { op: "start", actor: "a", input: { n: 1 }, waitMs: 0, mayExist: true },
      { op: "resume", actor: "a" },
      { op: "skip", actor: "a", parking: "p1" },
      {
        op: "command",
        actor: "a",
        machine: "diary",
        event: { type: "note" },
        commandId: "c2",
        ...asked,
        waitMs: 0,
      },
      { op: "start", actor: "a", input: {}, by: { kind: "anonymous" }, waitMs: 0, mayExist: true },
    ],
  );
  t.equal(tries[0]?.timeoutMs, 700 + 500, "the caller's wait, and a margin for the answer");
});

t.test("an owner on this node is asked directly", async (t) => {
  const { tries, done, command } = stage(() => ok(), true);
  t.match((await done(command())).reply, { status: "ok" });
  t.same(
    tries.map(({ subject }) => subject),
    ["local"],
  );
});

t.test("what an owner has decided is final, and asked for once", async (t) => {
  const replies: ActorReply[] = [
    ok(),
    { status: "illegal", snapshot },
    { status: "not_found" },
    { status: "request_mismatch", snapshot },
    { status: "refused", code: "actor_parked", reason: "poison" },
    { status: "storage_unavailable", reason: "disk full", retryAfterMs: 1000 },
    OVERLOADED,
  ];
  for (const decided of replies) {
    const { tries, done, command } = stage(() => decided);
    const { reply, ms } = await done(command(3000));
    t.strictSame(reply, decided);
    t.same([tries.length, ms], [1, 0], decided.status);
  }
});

t.test(
  "a request without an owner is repeated until there is one, after pauses that grow to 200 ms",
  async (t) => {
    const { tries, done, command } = stage((_request, n) => (n <= 8 ? "no_responders" : ok()));
    const { reply } = await done(command());
    t.match(reply, { status: "ok" });
    t.strictSame(
      tries.slice(1).map(({ at }, n) => at - tries[n]!.at),
      [10, 20, 40, 80, 160, 200, 200, 200],
    );
  },
);

t.test("a partition that moves while a request waits is asked at its next owner", async (t) => {
  const { state, tries, done, command } = stage((_request, n) => {
    if (n === 1) {
      state.local = false;
      return UNAVAILABLE;
    }
    return n === 2 ? "no_responders" : ok();
  }, true);
  t.match((await done(command())).reply, { status: "ok" });
  const [first, second] = tries.map(({ subject }) => subject);
  t.same([first, second], ["local", subjects.command(partitionOf("a", PARTITIONS))]);
});

t.test(
  "the time for finding an owner is added to the caller's wait, and then the reason is returned",
  async (t) => {
    for (const waitMs of [0, 2000]) {
      const { done, command } = stage(() => "no_responders");
      const { reply, ms } = await done(command(waitMs));
      t.match(reply, { status: "unavailable", reason: "no node owns the partition of this actor right now" });
      const limit = waitMs + FIND_OWNER_MS;
      t.ok(ms >= limit && ms <= limit + 200, `${ms} ms`);
    }
    const { done, command } = stage(() => UNAVAILABLE);
    t.match((await done(command())).reply, UNAVAILABLE, "the last reason that an owner gave");
  },
);

t.test("an owner that does not answer costs one try, and the repeat says that it may exist", async (t) => {
  const { router, tries, done } = stage((_request, n) => (n === 1 ? "unanswered" : ok()));
  const { reply } = await done(router.start("a", {}, { waitMs: 3000, mayExist: false }));
  t.match(reply, { status: "ok" });
  const requests = tries.map(({ request }) => request as Extract<ActorRequest, { op: "start" }>);
  t.same(
    requests.map(({ mayExist }) => mayExist),
    [false, true],
    "the first try may have been applied",
  );
  t.equal(requests[0]?.waitMs, 1000, "one try does not wait longer");
  t.equal(requests[1]?.waitMs, 1000);
  t.equal(tries[1]!.at, 1500 + 10);
});

t.test("an owner on this node that does not answer costs one try, too", async (t) => {
  const { tries, done, command } = stage((_request, n) => (n === 1 ? "unanswered" : ok()), true);
  t.match((await done(command(3000))).reply, { status: "ok" });
  t.equal(tries[1]!.at, 1500 + 10);
});

t.test("once a try may have been applied, no answer says that nothing was written", async (t) => {
  for (const first of ["unanswered", UNAVAILABLE] as const) {
    const { tries, done, command } = stage((_request, n) => (n === 1 ? first : n < 4 ? OVERLOADED : ok()));
    t.match((await done(command(1000))).reply, { status: "ok" }, "it is asked again instead");
    t.equal(tries.length, 4);
  }
  const { done, command } = stage((_request, n) => (n === 1 ? UNAVAILABLE : OVERLOADED));
  const { reply } = await done(command());
  t.match(reply, { status: "unavailable", reason: "the owner answered overloaded" });
  const never = stage((_request, n) => (n === 1 ? "no_responders" : OVERLOADED));
  t.strictSame((await never.done(never.command())).reply, OVERLOADED, "that try was certainly not received");
});

t.test("a caller waits for its actor to settle, over several tries, until its time is up", async (t) => {
  const { clock, tries, done, command } = stage(async (request) => {
    await clock.sleep(Math.max((request as { waitMs: number }).waitMs, 10));
    return ok(false);
  });
  const { reply, ms } = await done(command(2500));
  t.strictSame(reply, ok(false), "the acknowledged state");
  t.equal(ms, 2500);
  t.same(
    tries.map(({ request }) => (request as { waitMs: number }).waitMs),
    [1000, 1000, 500],
  );
});

t.test("an operator's request ends with the first acknowledged state, settled or not", async (t) => {
  for (const ask of ["resume", "skip"] as const) {
    const { clock, router, tries, done } = stage(async () => {
      await clock.sleep(50);
      return ok(false);
    });
    const asked = ask === "resume" ? router.resume("a") : router.skip("a", "p1");
    t.match((await done(asked)).reply, { status: "ok", settled: false });
    t.equal(tries.length, 1, ask);
  }
});

t.test("an acknowledged state is returned whatever a later try meets", async (t) => {
  const later: readonly (ActorReply | BusAnswer["status"])[] = [
    "no_responders",
    "unanswered",
    UNAVAILABLE,
    OVERLOADED,
    { status: "not_found" },
    { status: "refused", code: "actor_parked", reason: "poison" },
  ];
  for (const met of later) {
    const { clock, done, command } = stage(async (request, n) => {
      if (n > 1) return typeof met === "string" ? UNAVAILABLE : met;
      await clock.sleep(Math.max((request as { waitMs: number }).waitMs, 10));
      return ok(false);
    });
    const { reply, ms } = await done(command(3000));
    t.strictSame(reply, ok(false), JSON.stringify(met));
    t.ok(ms <= 3200);
  }
});

t.test("an isolated node answers at once, and asks no owner", async (t) => {
  const { state, tries, done, command } = stage(() => ok());
  state.isolated = "not connected";
  t.strictSame((await done(command())).reply, { status: "unavailable", reason: "not connected" });
  t.equal(tries.length, 0);
});

t.test(
  "a request that waits when its node is isolated ends, with the acknowledged state if there is one",
  async (t) => {
    const waiting = stage(() => "unanswered");
    const asked = waiting.command(10_000);
    await waiting.clock.advance(100);
    waiting.isolate();
    t.match((await waiting.done(asked)).reply, { status: "unavailable", reason: /was isolated/u });
    t.equal(waiting.clock.monotonic(), 100);

    const settling = stage(async (_request, n) => (n === 1 ? ok(false) : await new Promise<never>(() => {})));
    const reading = settling.command(10_000);
    await settling.clock.advance(100);
    settling.isolate();
    t.strictSame((await settling.done(reading)).reply, ok(false));
  },
);

t.test(
  "a node that leaves ends its waits at that time: with the acknowledged state, or without an owner",
  async (t) => {
    const settling = stage(async (request) => {
      await settling.clock.sleep(Math.max((request as { waitMs: number }).waitMs, 10));
      return ok(false);
    });
    const asked = settling.command(60_000);
    await settling.clock.advance(100);
    settling.state.endsAt = 2600;
    const { reply, ms } = await settling.done(asked);
    t.strictSame(reply, ok(false));
    t.equal(ms, 2600, "the try that is under way then does not wait longer either");

    const searching = stage(() => "no_responders");
    searching.state.endsAt = 1000;
    const found = await searching.done(searching.command(60_000));
    t.match(found.reply, { status: "unavailable" });
    t.ok(found.ms >= 1000 && found.ms <= 1200, `${found.ms} ms`);
  },
);

const PARKING = { reason: "poison", name: null, input: null, inbox: 0, version: 0, record: 0 };

t.test("parked actors are listed by their age, and found by their id, when they are parked", async (t) => {
  const message = (actor: string, since: number, status = "parked"): StoredMessage => ({
    subject: subjects.parked(partitionOf(actor, PARTITIONS), actor),
    sequence: 1,
    at: 0,
    headers: {},
    payload: JSON.stringify(
      status === "parked"
        ? { ...PARKING, status, id: `p-${actor}`, actor, since }
        : { status, parking: `p-${actor}`, actor, at: since },
    ),
  });
  const stored = [message("b", 20), message("c", 10), message("a", 20), message("gone", 5, "resumed")];
  let readings = 0;
  const journal: Pick<Journal, "readLastPerSubject" | "readLast"> = {
    readLastPerSubject: async () => {
      readings++;
      return stored;
    },
    readLast: async (subject) => stored.find((found) => found.subject === subject),
  };
  const router = new Router({
    unreadable: new UnreadableEntries(quietLog),
    subjects,
    partitions: PARTITIONS,
    bus: {} as Bus,
    journalOf: () => journal as Journal,
    clock: new VirtualClock(),
    local: () => undefined,
    findOwnerMs: 0,
    connectivity: {} as Connectivity,
    definition: {} as ActorDefinition,
  });
  t.same(
    (await router.list()).map(({ actor }) => actor),
    ["c", "a", "b"],
  );
  t.equal(readings, 1, "one reading for each stream");
  t.match(await router.find("b"), { actor: "b", id: "p-b" });
  t.equal(await router.find("gone"), undefined);
  t.equal(await router.find("unknown"), undefined);
});

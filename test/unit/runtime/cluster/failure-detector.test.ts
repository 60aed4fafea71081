/** Which nodes the failure detector asks, and with which bounds it judges, on scripted answers. */
import t from "tap";
import { limits } from "../../../../src/runtime/limits.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { FailureDetector } from "../../../../src/runtime/cluster/failure-detector.ts";
import type { Bus, BusAnswer } from "../../../../src/runtime/ports.ts";
import type { Presence } from "../../../../src/runtime/cluster/presence.ts";
import type { Peer } from "../../../../src/runtime/cluster/suspicion.ts";
import { silent } from "../commit/relay-stage.ts";

const REFRESH_MS = 500;
const ROUND_MS = 150;
const NO_RESPONDERS: BusAnswer = { status: "no_responders" };

type Answer = (id: string) => BusAnswer | Promise<BusAnswer>;

/** The detector of node `one`, which sees `ids` as peers and receives its own heartbeats all the time. */
async function stage(ids: readonly string[], first: Answer) {
  const clock = new VirtualClock();
  const script = { answer: first, connected: true };
  const asked: string[] = [];
  const dead: string[] = [];
  const heard = new Map<string, number>();
  const counts = { heartbeats: 0, stopped: 0 };
  /** Since when the observer sees, and when it heard itself, when a test sets it. */
  const view: { since: number; ownHeardAt?: number } = { since: 0 };
  let served: ((payload: string) => Promise<string>) | undefined;
  const idOf = (subject: string): string =>
    ["one", ...ids].find((id) => subjects.ping(id) === subject) ?? "?";
  const bus: Pick<Bus, "request" | "serve" | "connected"> = {
    request: async (subject) => {
      asked.push(idOf(subject));
      return await script.answer(idOf(subject));
    },
    serve: async (subject, handler) => {
      t.equal(subject, subjects.ping("one"));
      served = handler;
      return { stop: async () => void counts.stopped++ };
    },
    connected: () => script.connected,
  };
  const presence: Pick<Presence, "peers" | "liveness" | "refreshSoon" | "declareDead"> = {
    peers: (): Peer[] =>
      ids
        .filter((id) => !dead.includes(`${id} boot-${id}`))
        .map((id) => ({ id, boot: `boot-${id}`, heardAt: heard.get(id) ?? 0 })),
    liveness: () => ({ since: view.since, ownHeardAt: view.ownHeardAt ?? clock.monotonic() }),
    refreshSoon: () => void counts.heartbeats++,
    declareDead: (id, boot) => void dead.push(`${id} ${boot}`),
  };
  const detector = new FailureDetector({
    subjects,
    node: "one",
    boot: "boot-one",
    bus: bus as Bus,
    clock,
    log: silent,
    presence: presence as Presence,
    presenceRefreshMs: REFRESH_MS,
  });
  return {
    detector,
    clock,
    script,
    asked,
    dead,
    counts,
    view,
    ping: () => served?.(""),
    /** Time passes; the nodes in `living` send their heartbeats. */
    pass: async (ms: number, living: readonly string[] = ids): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 50) {
        if (clock.monotonic() % REFRESH_MS === 0) for (const id of living) heard.set(id, clock.monotonic());
        await clock.advance(50);
      }
    },
  };
}
const isHere: Answer = (id) => ({ status: "answered", payload: `boot-${id}` });

t.test("a node answers with its boot id from the start on, and not after its stop", async (t) => {
  const { clock, counts, detector, asked, ping } = await stage(["two"], isHere);
  await detector.start();
  t.equal(await ping(), "boot-one");
  await clock.advance(ROUND_MS);
  t.same(asked, ["two", "two"], "and asks the others, in every round");
  await detector.stop();
  await clock.advance(10 * ROUND_MS);
  t.equal(asked.length, 2);
  t.equal(counts.stopped, 1);
});

t.test(
  "a dead node is declared dead once both bounds are reached, and its process by its boot id",
  async (t) => {
    const { detector, clock, counts, dead, pass, script } = await stage(["two", "three"], isHere);
    await detector.start();
    await pass(3000);
    t.same(dead, []);
    t.equal(counts.heartbeats, 0, "no suspicion, no further heartbeat");
    script.answer = (id) => (id === "two" ? NO_RESPONDERS : isHere(id));
    const from = clock.monotonic();
    while (dead.length === 0 && clock.monotonic() < from + 5000) await pass(50, ["three"]);
    const ms = clock.monotonic() - from;
    t.ok(ms >= limits.suspectedMs && ms <= limits.suspectedMs + 3 * ROUND_MS, `after ${ms} ms`);
    t.same(dead, ["two boot-two"]);
    t.equal(
      counts.heartbeats,
      1,
      "one heartbeat more, when the suspicion began: it shows that heartbeats arrive",
    );
  },
);

t.test("a node is not suspected for a shorter time than a client takes to connect again", async (t) => {
  const { detector, dead, pass, script } = await stage(["two", "three"], isHere);
  await detector.start();
  await pass(3000);
  // Its last heartbeat is long overdue: only the time of the suspicion protects it.
  await pass(1500, ["three"]);
  script.answer = (id) => (id === "two" ? NO_RESPONDERS : isHere(id));
  await pass(limits.suspectedMs - 50, ["three"]);
  t.same(dead, []);
  script.answer = isHere;
  await pass(300, ["three"]);
  script.answer = (id) => (id === "two" ? NO_RESPONDERS : isHere(id));
  await pass(limits.suspectedMs - 50, ["three"]);
  t.same(dead, [], "its answer has ended the first suspicion");
  await pass(2 * ROUND_MS, ["three"]);
  t.same(dead, ["two boot-two"]);
});

t.test("a heartbeat counts as overdue only after 1.3 intervals", async (t) => {
  const { clock, detector, dead, pass, script } = await stage(["two", "three"], isHere);
  await detector.start();
  await pass(3000 + 50);
  const heardAt = 3000;
  script.answer = (id) => (id === "two" ? NO_RESPONDERS : isHere(id));
  while (dead.length === 0 && clock.monotonic() < 6000) await pass(50, ["three"]);
  const silentMs = clock.monotonic() - heardAt;
  t.ok(silentMs >= 1.3 * REFRESH_MS && silentMs <= 1.3 * REFRESH_MS + ROUND_MS, `${silentMs} ms`);
});

t.test("a timeout counts against no node, however often", async (t) => {
  const { detector, dead, pass, script } = await stage(["two", "three"], isHere);
  await detector.start();
  await pass(2000);
  script.answer = (id) => (id === "two" ? { status: "unanswered", reason: "no answer in time" } : isHere(id));
  await pass(10_000, ["three"]);
  t.same(dead, []);
  script.answer = (id) => (id === "two" ? NO_RESPONDERS : isHere(id));
  await pass(1000, ["three"]);
  t.same(dead, ["two boot-two"], "it is asked again after a timeout");
});

t.test("the answer of another process with the same node id does not end a suspicion", async (t) => {
  const { detector, dead, pass, script } = await stage(["two", "three"], isHere);
  await detector.start();
  await pass(2000);
  let turn = 0;
  script.answer = (id) => {
    if (id !== "two") return isHere(id);
    return ++turn % 3 === 0 ? { status: "answered", payload: "another-boot" } : NO_RESPONDERS;
  };
  await pass(1500, ["three"]);
  t.ok(dead.length > 0);
});

t.test("an observer that has just connected judges no node for a second", async (t) => {
  const { detector, clock, dead, pass, script, view } = await stage(["two", "three"], isHere);
  await detector.start();
  await pass(2000);
  script.answer = (id) => (id === "two" ? NO_RESPONDERS : isHere(id));
  view.since = clock.monotonic();
  await pass(50);
  await pass(900, ["three"]);
  t.same(dead, [], "although both bounds are reached");
  await pass(2 * ROUND_MS, ["three"]);
  t.same(dead, ["two boot-two"]);
});

t.test("a suspicion needs a heartbeat of the observer itself since it began", async (t) => {
  const { detector, dead, pass, script, view, clock } = await stage(["two", "three"], isHere);
  await detector.start();
  await pass(2000);
  view.ownHeardAt = clock.monotonic() - 1;
  script.answer = (id) => (id === "two" ? NO_RESPONDERS : isHere(id));
  await pass(3000, ["three"]);
  t.same(dead, []);
  delete view.ownHeardAt;
  await pass(ROUND_MS, ["three"]);
  t.ok(dead.length > 0);
});

t.test(
  "requests with a long pause between them are two suspicions: the observer was suspended",
  async (t) => {
    const { detector, dead, pass, script } = await stage(["two", "three"], isHere);
    await detector.start();
    await pass(3000);
    await pass(1000, ["three"]);
    for (let n = 0; n < 4; n++) {
      script.answer = (id) => (id === "two" ? NO_RESPONDERS : isHere(id));
      await pass(ROUND_MS, ["three"]);
      script.answer = () => ({ status: "unanswered", reason: "no answer in time" });
      await pass(5 * ROUND_MS, ["three"]);
    }
    t.same(dead, []);
  },
);

t.test("a node without an answer yet is not asked again, and the others are", async (t) => {
  const held = Promise.withResolvers<BusAnswer>();
  const { detector, clock, asked } = await stage(["two", "three"], (id) =>
    id === "two" ? held.promise : isHere(id),
  );
  await detector.start();
  await clock.advance(4 * ROUND_MS);
  t.equal(asked.filter((id) => id === "two").length, 1);
  t.equal(asked.filter((id) => id === "three").length, 5);
  held.resolve({ status: "answered", payload: "boot-two" });
  await clock.advance(ROUND_MS);
  t.equal(asked.filter((id) => id === "two").length, 2);
});

t.test("an answer that arrives after the stop declares no node dead", async (t) => {
  const { detector, dead, pass, script, counts } = await stage(["two", "three"], isHere);
  await detector.start();
  await pass(3000);
  const held = Promise.withResolvers<BusAnswer>();
  script.answer = (id) => (id === "two" ? held.promise : isHere(id));
  await pass(ROUND_MS, ["three"]);
  await detector.stop();
  held.resolve(NO_RESPONDERS);
  await pass(ROUND_MS, ["three"]);
  t.same(dead, []);
  t.equal(counts.heartbeats, 0);
});

t.test("a disconnected node sends no requests", async (t) => {
  const { detector, clock, asked, script } = await stage(["two"], isHere);
  script.connected = false;
  await detector.start();
  await clock.advance(10 * ROUND_MS);
  t.same(asked, []);
  script.connected = true;
  await clock.advance(ROUND_MS);
  t.same(asked, ["two"], "its rounds have not ended");
});

t.test(
  "in a large cluster every node is asked in turn, eight in a round, and a suspected one always",
  async (t) => {
    const ids = Array.from({ length: 20 }, (_, n) => `n${n}`);
    const { detector, clock, asked, script, view } = await stage(ids, isHere);
    // No node counts as dead while the observer does not hear itself.
    view.ownHeardAt = -1;
    await detector.start();
    t.equal(asked.length, 8);
    await clock.advance(2 * ROUND_MS);
    t.equal(new Set(asked).size, 20, "all within three rounds");
    t.equal(asked.length, 24);
    script.answer = (id) => (id === "n3" ? NO_RESPONDERS : isHere(id));
    await clock.advance(3 * ROUND_MS);
    asked.length = 0;
    await clock.advance(5 * ROUND_MS);
    t.equal(asked.filter((id) => id === "n3").length, 5, "the suspected one in every round");
    t.equal(new Set(asked).size, 20, "and the others still in turn");
    t.equal(asked.length, 40);
  },
);

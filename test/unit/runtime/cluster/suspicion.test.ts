/** When a node counts as dead before its presence expires, and above all when it does not. */
import t from "tap";
import { limits } from "../../../../src/runtime/limits.ts";
import { type Peer, type ObserverLiveness, Suspicions } from "../../../../src/runtime/cluster/suspicion.ts";

const BOUNDS = { confirmMs: 450, requests: 3, gapMs: 600, heartbeatDueMs: 650, quietMs: 1000 };
const ROUND_MS = 150;
/** Long after the observer began to receive heartbeats. */
const NOW = 10_000;

const peer = (id: string, heardAt = NOW - 100): Peer => ({ id, boot: `${id}-boot`, heardAt });
/** The observer receives its own heartbeats all the time. */
const seesWell = (now: number): ObserverLiveness => ({ since: 0, ownHeardAt: now });

/** Sends a request to `who` in every round from `from` to `until`; it finds no responders. */
function findsNobody(suspicions: Suspicions, who: Peer, from: number, until: number): void {
  for (let now = from; now <= until; now += ROUND_MS) suspicions.noResponders(who, now);
}
const idsOf = (peers: readonly Peer[]): string[] => peers.map(({ id }) => id);

t.test("a node is dead when both its heartbeat and its responder are missing, and not before", async (t) => {
  const suspicions = new Suspicions(BOUNDS);
  const two = peer("two");
  const peers = [two, peer("three")];
  t.ok(suspicions.noResponders(two, NOW), "a suspicion begins");
  let at = NOW;
  while (suspicions.dead(peers, seesWell(at), at).length === 0 && at < NOW + 5000) {
    at += ROUND_MS;
    t.notOk(suspicions.noResponders(two, at), "the same suspicion");
  }
  t.equal(at, NOW + 600, "the heartbeat was due 650 ms after the last one");
  t.same(idsOf(suspicions.dead(peers, seesWell(at), at)), ["two"]);
});

t.test("one witness does not suffice", async (t) => {
  const peers = [peer("two", NOW - 5000), peer("three")];
  const quiet = new Suspicions(BOUNDS);
  t.same(
    quiet.dead(peers, seesWell(NOW), NOW),
    [],
    "a heartbeat is missing, but no request found no responders",
  );
  const suspicions = new Suspicions(BOUNDS);
  const beating = peer("two", NOW + 850);
  findsNobody(suspicions, beating, NOW, NOW + 900);
  t.same(suspicions.dead([beating, peer("three")], seesWell(NOW + 900), NOW + 900), []);
});

t.test(
  "a node whose heartbeat arrived during a suspicion is not suspected again until it answers",
  async (t) => {
    const suspicions = new Suspicions(BOUNDS);
    const three = peer("three");
    findsNobody(suspicions, peer("two"), NOW, NOW + 450);
    const beating = peer("two", NOW + 400);
    t.same(suspicions.dead([beating, three], seesWell(NOW + 450), NOW + 450), []);
    // The next heartbeat is late: the node is alive, only the observer has no path to it.
    findsNobody(suspicions, beating, NOW + 600, NOW + 3000);
    t.same(suspicions.dead([beating, three], seesWell(NOW + 3000), NOW + 3000), []);
    t.notOk(
      suspicions.noResponders(beating, NOW + 9000),
      "the observer was delayed in between: still no suspicion",
    );
    suspicions.answered("two");
    findsNobody(suspicions, beating, NOW + 9150, NOW + 9900);
    t.same(idsOf(suspicions.dead([beating, three], seesWell(NOW + 9900), NOW + 9900)), ["two"]);
  },
);

t.test("a heartbeat in flight when the process died does not disprove the suspicion", async (t) => {
  const suspicions = new Suspicions(BOUNDS);
  const late = peer("two", NOW + 20);
  findsNobody(suspicions, late, NOW, NOW + 750);
  t.same(idsOf(suspicions.dead([late, peer("three")], seesWell(NOW + 750), NOW + 750)), ["two"]);
});

t.test("an answer ends the suspicion", async (t) => {
  const suspicions = new Suspicions(BOUNDS);
  const two = peer("two");
  findsNobody(suspicions, two, NOW, NOW + 450);
  suspicions.answered("two");
  findsNobody(suspicions, two, NOW + 600, NOW + 900);
  t.same(suspicions.dead([two, peer("three")], seesWell(NOW + 900), NOW + 900), []);
});

t.test("no node counts as dead while the observer may not receive heartbeats", async (t) => {
  const cases: readonly (readonly [string, number, ObserverLiveness])[] = [
    ["it has just connected again", NOW - 50, { since: NOW - 99, ownHeardAt: NOW + 890 }],
    ["no heartbeat since it connected again", NOW - 102, { since: NOW - 101, ownHeardAt: NOW + 890 }],
    ["its own heartbeat has not come back", NOW - 50, { since: 0, ownHeardAt: NOW - 1 }],
  ];
  for (const [title, heardAt, liveness] of cases) {
    const suspicions = new Suspicions(BOUNDS);
    const two = peer("two", heardAt);
    findsNobody(suspicions, two, NOW, NOW + 900);
    t.same(suspicions.dead([two, peer("three")], liveness, NOW + 900), [], title);
  }
});

t.test("when all of several peers look dead, none counts as dead; a single peer may", async (t) => {
  const suspicions = new Suspicions(BOUNDS);
  const [two, three] = [peer("two"), peer("three")];
  for (const who of [two, three]) findsNobody(suspicions, who, NOW, NOW + 900);
  t.same(suspicions.dead([two, three], seesWell(NOW + 900), NOW + 900), []);
  t.same(idsOf(suspicions.dead([two], seesWell(NOW + 900), NOW + 900)), ["two"]);
});

t.test(
  "requests with a long pause between them make no suspicion, because the observer was suspended",
  async (t) => {
    const suspicions = new Suspicions(BOUNDS);
    const two = peer("two");
    findsNobody(suspicions, two, NOW, NOW + 300);
    suspicions.noResponders(two, NOW + 6000);
    t.same(suspicions.dead([two, peer("three")], seesWell(NOW + 6000), NOW + 6000), []);
  },
);

t.test("a new process of a node is judged separately", async (t) => {
  const suspicions = new Suspicions(BOUNDS);
  const two = peer("two");
  findsNobody(suspicions, two, NOW, NOW + 900);
  const again = { ...two, boot: "another" };
  t.same(suspicions.dead([again, peer("three")], seesWell(NOW + 900), NOW + 900), []);
  t.ok(suspicions.noResponders(again, NOW + 950));
});

t.test("a client has time for three attempts to reconnect before it counts as dead", async (t) => {
  t.ok(limits.suspectedMs >= 3 * (limits.reconnectWaitMs + limits.reconnectJitterMs));
});

t.test("every bound counts from exactly its value on", async (t) => {
  const three = peer("three");
  /** Whether node two is dead when one bound is `off` from its value. */
  const isDead = (off: Partial<Record<"confirm" | "due" | "gap" | "own" | "flight", number>>): boolean => {
    const until = NOW + BOUNDS.confirmMs + (off.confirm ?? 0);
    const now = until + (off.gap === undefined ? 0 : BOUNDS.gapMs + off.gap);
    const heardAt =
      off.flight !== undefined
        ? NOW + 250 + off.flight
        : off.due === undefined
          ? NOW - 500
          : now - BOUNDS.heartbeatDueMs - off.due;
    const judgedAt = off.flight === undefined ? now : now + 500;
    const suspicions = new Suspicions(BOUNDS);
    const two = peer("two", heardAt);
    for (const at of [NOW, NOW + 200, until]) suspicions.noResponders(two, at);
    if (off.flight !== undefined) suspicions.noResponders(two, judgedAt);
    const liveness = { since: 0, ownHeardAt: off.own === undefined ? judgedAt : NOW + off.own };
    return suspicions.dead([two, three], liveness, judgedAt).length > 0;
  };
  const cases: readonly [string, Parameters<typeof isDead>[0], boolean][] = [
    ["suspected for the time", { confirm: 0 }, true],
    ["suspected a moment less", { confirm: -1 }, false],
    ["a heartbeat is just due", { due: 0 }, true],
    ["a heartbeat is due in a moment", { due: -1 }, false],
    ["the last request is just recent enough", { gap: 0 }, true],
    ["the last request is too long ago", { gap: 1 }, false],
    ["its own heartbeat is a moment later than the suspicion", { own: 1 }, true],
    ["its own heartbeat arrived with the suspicion", { own: 0 }, false],
    ["a heartbeat that may have been in flight", { flight: 0 }, true],
    ["a heartbeat a moment after that", { flight: 1 }, false],
  ];
  for (const [title, off, dead] of cases) t.equal(isDead(off), dead, title);
});

t.test("an observer judges from exactly the end of its quiet time, on what it heard since", async (t) => {
  const judge = (since: number, heardAt: number): number => {
    const suspicions = new Suspicions(BOUNDS);
    const two = peer("two", heardAt);
    findsNobody(suspicions, two, NOW, NOW + 900);
    return suspicions.dead([two, peer("three")], { since, ownHeardAt: NOW + 890 }, NOW + 900).length;
  };
  t.equal(judge(NOW - 100, NOW - 100), 1, "quiet for 1000 ms, and a heartbeat at its very beginning");
  t.equal(judge(NOW - 99, NOW - 99), 0, "quiet for 999 ms");
  t.equal(judge(NOW - 100, NOW - 101), 0, "a heartbeat of before");
});

/** How many nodes are dead after requests at these times, ms, that found no responders. */
function deadAfter(...requests: number[]): number {
  const suspicions = new Suspicions(BOUNDS);
  const two = peer("two", NOW - 500);
  for (const at of requests) suspicions.noResponders(two, NOW + at);
  const now = NOW + (requests.at(-1) ?? 0);
  return suspicions.dead([two, peer("three")], seesWell(now), now).length;
}

t.test("three requests are needed, and two within the longest gap make one suspicion", async (t) => {
  t.equal(deadAfter(0, 600), 0, "two");
  t.equal(deadAfter(0, 300, 600), 1, "three");
  t.equal(deadAfter(0, 600, 1200), 1, "each just within the gap");
  t.equal(deadAfter(0, 601, 1202), 0, "each a moment too late is a suspicion of its own");
});

t.test("a node that is no peer any more is not suspected when it returns", async (t) => {
  const suspicions = new Suspicions(BOUNDS);
  const [two, three] = [peer("two"), peer("three")];
  findsNobody(suspicions, two, NOW, NOW + 900);
  t.ok(suspicions.isSuspected("two"));
  t.notOk(suspicions.isSuspected("three"));
  t.same(suspicions.dead([three], seesWell(NOW + 900), NOW + 900), []);
  t.notOk(suspicions.isSuspected("two"), "it left");
  t.same(suspicions.dead([two, three], seesWell(NOW + 900), NOW + 900), []);
});

t.test("two of three peers may be dead at once, and all of two may not", async (t) => {
  const suspicions = new Suspicions(BOUNDS);
  const [two, three, four] = [peer("two"), peer("three"), peer("four")];
  for (const who of [two, three]) findsNobody(suspicions, who, NOW, NOW + 900);
  t.same(idsOf(suspicions.dead([two, three, four], seesWell(NOW + 900), NOW + 900)), ["two", "three"]);
  t.same(suspicions.dead([two, three], seesWell(NOW + 900), NOW + 900), []);
});

/** What a newcomer concludes of the process that has its node id, from everything that it can observe. */
import t from "tap";
import { HolderObservation, type Sighting } from "../../../../src/runtime/cluster/holder-observation.ts";

const bounds = { confirmMs: 300, requests: 3, ttlMs: 3000, leavingMs: 5000 };
const ROUND_MS = 100;

type Seen = Pick<Sighting, "held" | "answer">;
const entry = (revision: number, leaving = false): Sighting["held"] => ({ revision, leaving });

/** Observes every 100 ms until there is a result. @returns it, and when */
function conclude(seenAt: (now: number) => Seen, limitMs = 20_000): readonly [string, number] {
  const observation = new HolderObservation(bounds, 0);
  for (let now = 0; now <= limitMs; now += ROUND_MS) {
    const result = observation.judge({ ...seenAt(now), now });
    if (result !== undefined) return [result, now];
  }
  return ["undecided", limitMs];
}
const always = (seen: Seen) => conclude(() => seen);

t.test("without an entry and without a responder the id is free at once", async (t) => {
  t.same(always({ held: undefined, answer: "no_responders" }), ["ended", 0]);
});

t.test("a holder that answers lives", async (t) => {
  t.same(always({ held: entry(7), answer: "answered" }), ["lives", 0]);
});

t.test(
  "a holder that answers and has no entry is about to end or to write it: it lives if it goes on answering",
  async (t) => {
    t.same(always({ held: undefined, answer: "answered" }), ["lives", 200]);
    t.same(
      conclude((now) => ({ held: undefined, answer: now < 200 ? "answered" : "no_responders" })),
      ["ended", 200],
      "it has ended",
    );
    t.same(
      conclude((now) => ({ held: now < 100 ? undefined : entry(8), answer: "answered" })),
      ["lives", 100],
      "it has written its entry",
    );
  },
);

t.test("a holder without responders has ended when it had the time to connect again", async (t) => {
  t.same(always({ held: entry(7), answer: "no_responders" }), ["ended", 300]);
  t.same(
    conclude((now) => ({ held: entry(7), answer: now === 200 ? "unanswered" : "no_responders" })),
    ["ended", 600],
    "one request that was received begins the time anew",
  );
  t.same(
    conclude((now) => ({ held: entry(7), answer: now < 200 ? "no_responders" : "answered" })),
    ["lives", 200],
    "it has connected again",
  );
  const slow = new HolderObservation(bounds, 0);
  t.same(
    [0, 400, 800].map((now) => slow.judge({ held: entry(7), answer: "no_responders", now })),
    [undefined, undefined, "ended"],
    "time alone is not enough: a newcomer may be slow itself",
  );
});

t.test(
  "a holder that neither answers nor renews its entry has ended after the life of the entry",
  async (t) => {
    t.same(always({ held: entry(7), answer: "unanswered" }), ["ended", 3000]);
    t.same(
      conclude((now) => ({ held: now < 1000 ? entry(7) : undefined, answer: "unanswered" })),
      ["ended", 1000],
      "or when the entry has gone",
    );
    t.same(
      always({ held: undefined, answer: "unanswered" }),
      ["ended", 200],
      "it answered nothing three times",
    );
  },
);

t.test("a holder that renews its entry lives, whatever becomes of requests to it", async (t) => {
  for (const answer of ["no_responders", "unanswered"] as const)
    t.same(
      conclude((now) => ({ held: entry(7 + Math.floor(now / 250)), answer })),
      ["lives", 500],
      answer,
    );
});

t.test("one renewal proves nothing: it may have been in flight when the process ended", async (t) => {
  t.same(
    conclude((now) => ({ held: entry(now < 200 ? 7 : 8), answer: "no_responders" })),
    ["ended", 500],
    "but the time begins anew",
  );
  t.same(
    conclude((now) => ({ held: entry(now < 1000 ? 7 : 8), answer: "unanswered" })),
    ["ended", 4000],
  );
});

t.test("a holder that leaves is waited for, as long as a stop may take", async (t) => {
  const leaving = (from: number, until: number) =>
    conclude((now) => ({
      held: now < until ? entry(7 + Math.floor(now / 500), now >= from) : undefined,
      answer: now < until ? "answered" : "no_responders",
    }));
  t.same(leaving(0, 2000), ["ended", 2000]);
  t.same(leaving(0, 60_000), ["lives", 5000]);
  t.same(leaving(100, 60_000), ["lives", 0], "one that does not leave yet is not");
  t.same(
    always({ held: entry(7, true), answer: "no_responders" }),
    ["ended", 300],
    "one that was killed while it left has ended like any other",
  );
});

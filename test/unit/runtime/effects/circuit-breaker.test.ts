import t from "tap";
import {
  type BreakerState,
  CircuitBreaker,
  type Permit,
} from "../../../../src/runtime/effects/circuit-breaker.ts";

const limits = { failures: 3, probeEveryMs: 1000, patienceMs: 10_000 };

function stage() {
  const changes: BreakerState[] = [];
  const breaker = new CircuitBreaker(limits, (_from, to) => void changes.push(to));
  const permit = (now: number): Permit => {
    const given = breaker.permit(now);
    if (!given) throw new Error(`no permit at ${now}`);
    return given;
  };
  const fail = (now: number, times = 1): void => {
    for (let n = 0; n < times; n++) breaker.settle(permit(now), "ill", now);
  };
  return { breaker, changes, permit, fail };
}

t.test(
  "it opens when so many calls in a row have failed, and not when one went well between them",
  async (t) => {
    const { breaker, changes, permit, fail } = stage();
    fail(0, 2);
    breaker.settle(permit(0), "well", 0);
    fail(0, 2);
    t.same([breaker.state, changes], ["closed", []]);
    fail(0);
    t.same([breaker.state, changes], ["open", ["open"]]);
    t.equal(breaker.permit(999), undefined);
    t.equal(breaker.probeInMs(400), 600);
  },
);

t.test("a call that was given up says nothing", async (t) => {
  const { breaker, permit, fail } = stage();
  fail(0, 2);
  breaker.settle(permit(0), "silent", 0);
  t.equal(breaker.state, "closed");
  fail(0);
  t.equal(breaker.state, "open", "nor does it make up for the failures before it");
});

t.test("after the pause a few calls are let through, and the first that goes well closes it", async (t) => {
  const { breaker, changes, permit, fail } = stage();
  fail(0, 3);
  const probes = [permit(1000), permit(1000), permit(1000)] as const;
  t.equal(breaker.permit(1000), undefined, "no more than three");
  breaker.settle(probes[0], "ill", 1100);
  t.equal(breaker.state, "half_open");
  breaker.settle(probes[1], "well", 1100);
  t.equal(breaker.state, "closed");
  breaker.settle(probes[2], "ill", 1200);
  fail(1200, 2);
  t.equal(breaker.state, "closed", "what began before it closed is not counted");
  t.same(changes, ["open", "half_open", "closed"]);
});

t.test("when every probe has failed it is open for another pause", async (t) => {
  const { breaker, permit, fail } = stage();
  fail(0, 3);
  const probes = [permit(1000), permit(1000)] as const;
  breaker.settle(probes[0], "ill", 1500);
  breaker.settle(probes[1], "ill", 1600);
  t.equal(breaker.state, "open");
  t.equal(breaker.permit(2599), undefined);
  t.ok(breaker.permit(2600));
});

t.test("a probe that was given up leaves its place to another one", async (t) => {
  const { breaker, permit, fail } = stage();
  fail(0, 3);
  const probes = [permit(1000), permit(1000), permit(1000)] as const;
  breaker.settle(probes[0], "silent", 1100);
  breaker.settle(permit(1100), "well", 1100);
  t.equal(breaker.state, "closed");
});

t.test("calls from before it opened neither close it nor keep it open", async (t) => {
  const { breaker, permit, fail } = stage();
  const early = [permit(0), permit(0)] as const;
  fail(0, 3);
  breaker.settle(early[0], "well", 10);
  t.equal(breaker.state, "open");
  const probe = permit(1000);
  breaker.settle(early[1], "ill", 1001);
  t.equal(breaker.state, "half_open");
  breaker.settle(probe, "well", 1002);
  t.equal(breaker.state, "closed");
});

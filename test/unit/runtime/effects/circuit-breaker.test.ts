import t from "tap";
import {
  type BreakerState,
  CircuitBreaker,
  type Permit,
} from "../../../../src/runtime/effects/circuit-breaker.ts";

const limits = { failures: 3, probeEveryMs: 1000, maxWaitMs: 10_000 };

function stage() {
  const changes: BreakerState[] = [];
  const breaker = new CircuitBreaker(limits, (_from, to) => void changes.push(to));
  const permit = (now: number): Permit => {
    const given = breaker.permit(now);
    if (!given) throw new Error(`no permit at ${now}`);
    return given;
  };
  const fail = (now: number, times = 1): void => {
    for (let n = 0; n < times; n++) breaker.report(permit(now), "failure", now);
  };
  return { breaker, changes, permit, fail };
}

t.test(
  "the breaker opens when the set number of calls in a row has failed, and not after a success among them",
  async (t) => {
    const { breaker, changes, permit, fail } = stage();
    fail(0, 2);
    breaker.report(permit(0), "success", 0);
    fail(0, 2);
    t.same([breaker.state, changes], ["closed", []]);
    fail(0);
    t.same([breaker.state, changes], ["open", ["open"]]);
    t.equal(breaker.permit(999), undefined);
    t.equal(breaker.probeInMs(400), 600);
  },
);

t.test("an abandoned call is ignored", async (t) => {
  const { breaker, permit, fail } = stage();
  fail(0, 2);
  breaker.report(permit(0), "ignored", 0);
  t.equal(breaker.state, "closed");
  fail(0);
  t.equal(breaker.state, "open", "nor does it reset the failures before it");
});

t.test("the breaker permits a few calls after the pause, and the first success closes it", async (t) => {
  const { breaker, changes, permit, fail } = stage();
  fail(0, 3);
  const probes = [permit(1000), permit(1000), permit(1000)] as const;
  t.equal(breaker.permit(1000), undefined, "no more than three");
  breaker.report(probes[0], "failure", 1100);
  t.equal(breaker.state, "half_open");
  breaker.report(probes[1], "success", 1100);
  t.equal(breaker.state, "closed");
  breaker.report(probes[2], "failure", 1200);
  fail(1200, 2);
  t.equal(breaker.state, "closed", "a call that began before it closed is not counted");
  t.same(changes, ["open", "half_open", "closed"]);
});

t.test("the breaker is open for another pause when every probe has failed", async (t) => {
  const { breaker, permit, fail } = stage();
  fail(0, 3);
  const probes = [permit(1000), permit(1000)] as const;
  breaker.report(probes[0], "failure", 1500);
  breaker.report(probes[1], "failure", 1600);
  t.equal(breaker.state, "open");
  t.equal(breaker.permit(2599), undefined);
  t.ok(breaker.permit(2600));
});

t.test("an abandoned probe makes room for another one", async (t) => {
  const { breaker, permit, fail } = stage();
  fail(0, 3);
  const probes = [permit(1000), permit(1000), permit(1000)] as const;
  breaker.report(probes[0], "ignored", 1100);
  breaker.report(permit(1100), "success", 1100);
  t.equal(breaker.state, "closed");
});

t.test("calls from before the breaker opened neither close it nor keep it open", async (t) => {
  const { breaker, permit, fail } = stage();
  const early = [permit(0), permit(0)] as const;
  fail(0, 3);
  breaker.report(early[0], "success", 10);
  t.equal(breaker.state, "open");
  const probe = permit(1000);
  breaker.report(early[1], "failure", 1001);
  t.equal(breaker.state, "half_open");
  breaker.report(probe, "success", 1002);
  t.equal(breaker.state, "closed");
});

/** Waiting requests are released when no answer can arrive any more, and not before. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { stopping } from "../../../../src/runtime/limits.ts";
import { Connectivity } from "../../../../src/runtime/cluster/connectivity.ts";

const LIFE_MS = 2400;

function stage() {
  const clock = new VirtualClock();
  let connected = true;
  let until = LIFE_MS;
  let ended: string | undefined;
  const connectivity = new Connectivity({
    clock,
    bus: { connected: () => connected },
    presence: { validForMs: () => until - clock.monotonic() },
    ended: () => ended,
  });
  return {
    clock,
    connectivity,
    end: (reason: string) => {
      ended = reason;
      connectivity.abandon();
    },
    connect: (now: boolean) => {
      connected = now;
    },
    refresh: () => {
      until = clock.monotonic() + LIFE_MS;
    },
  };
}
const never = new Promise<never>(() => {});

t.test("a node rejects new work while it is disconnected, and when its presence has expired", async (t) => {
  const { clock, connectivity, connect, refresh } = stage();
  t.equal(connectivity.isolation(), undefined);
  connect(false);
  t.match(connectivity.isolation(), /not connected/u);
  connect(true);
  await clock.advance(LIFE_MS);
  t.match(connectivity.isolation(), /isolated/u);
  refresh();
  t.equal(connectivity.isolation(), undefined);
});

t.test(
  "waiting work is abandoned when presence expires, however often it was refreshed before",
  async (t) => {
    const { clock, connectivity, connect, refresh } = stage();
    let abandonedAt: number | undefined;
    const waits = connectivity.orIsolated(never).finally(() => {
      abandonedAt = clock.monotonic();
    });
    await clock.advance(1000);
    // A connection that is lost and returns: the work keeps waiting.
    connect(false);
    await clock.advance(1000);
    connect(true);
    refresh();
    await clock.advance(LIFE_MS - 1);
    t.equal(abandonedAt, undefined);
    await clock.advance(1);
    t.ok(abandonedAt !== undefined && abandonedAt >= 2000 + LIFE_MS, `at ${abandonedAt}`);
    t.equal(await waits, undefined);
    t.equal(clock.waiting(), 0, "nothing waits, so nothing is watched");
  },
);

t.test("an answer in time is returned; a request that starts too late is released at once", async (t) => {
  const { clock, connectivity } = stage();
  t.equal(await connectivity.orIsolated(Promise.resolve("an answer")), "an answer");
  await clock.advance(2 * LIFE_MS);
  let told = false;
  void connectivity.orIsolated(never).finally(() => {
    told = true;
  });
  await clock.advance(0);
  t.ok(told);
});

t.test("an answered request is not watched any longer, and the next one is watched again", async (t) => {
  const { clock, connectivity, refresh } = stage();
  t.equal(await connectivity.orIsolated(Promise.resolve(1)), 1);
  await t.rejects(connectivity.orIsolated(Promise.reject(new Error("broken"))), /broken/u);
  await clock.advance(LIFE_MS - 1);
  refresh();
  await clock.advance(1);
  t.equal(clock.waiting(), 0, "no request waits");
  let isAbandoned = false;
  void connectivity.orIsolated(never).finally(() => {
    isAbandoned = true;
  });
  await clock.advance(LIFE_MS - 2);
  t.notOk(isAbandoned);
  await clock.advance(2);
  t.ok(isAbandoned);
});

t.test("waits on a node that leaves end at the time of the first call", async (t) => {
  const { clock, connectivity } = stage();
  t.equal(connectivity.waitsEndAt(), Number.POSITIVE_INFINITY);
  await clock.advance(100);
  connectivity.leave();
  t.equal(connectivity.waitsEndAt(), 100 + stopping.callersMs);
  await clock.advance(1000);
  connectivity.leave();
  t.equal(connectivity.waitsEndAt(), 100 + stopping.callersMs);
});

t.test("requests are refused from the moment on at which the node can do nothing more", async (t) => {
  const { clock, connectivity, end } = stage();
  const answer = connectivity.orIsolated(new Promise<string>(() => {}));
  end("the log went back");
  t.equal(connectivity.isolation(), "the log went back");
  t.equal(await answer, undefined, "and those that wait are abandoned at once");
  await clock.advance(LIFE_MS * 2);
  t.equal(connectivity.isolation(), "the log went back");
});

/** Who waits is told when nothing can come any more, and not before. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { Connectivity } from "../../../../src/runtime/cluster/connectivity.ts";

const LIFE_MS = 2400;

function stage() {
  const clock = new VirtualClock();
  let connected = true;
  let until = LIFE_MS;
  const contact = new Connectivity({
    clock,
    bus: { connected: () => connected },
    presence: { validForMs: () => until - clock.monotonic() },
  });
  return {
    clock,
    contact,
    connect: (now: boolean) => {
      connected = now;
    },
    refresh: () => {
      until = clock.monotonic() + LIFE_MS;
    },
  };
}
const never = new Promise<never>(() => {});

t.test("new work is refused while disconnected, and when presence has run out", async (t) => {
  const { clock, contact, connect, refresh } = stage();
  t.equal(contact.isolation(), undefined);
  connect(false);
  t.match(contact.isolation(), /not connected/u);
  connect(true);
  await clock.advance(LIFE_MS);
  t.match(contact.isolation(), /lost touch/u);
  refresh();
  t.equal(contact.isolation(), undefined);
});

t.test("what waits is given up when presence runs out, however often it was refreshed before", async (t) => {
  const { clock, contact, connect, refresh } = stage();
  let givenUpAt: number | undefined;
  const waits = contact.orIsolated(never).finally(() => {
    givenUpAt = clock.monotonic();
  });
  await clock.advance(1000);
  // Lost and found: worth waiting for.
  connect(false);
  await clock.advance(1000);
  connect(true);
  refresh();
  await clock.advance(LIFE_MS - 1);
  t.equal(givenUpAt, undefined);
  await clock.advance(1);
  t.ok(givenUpAt !== undefined && givenUpAt >= 2000 + LIFE_MS, `at ${givenUpAt}`);
  t.equal(await waits, undefined);
  t.equal(clock.waiting(), 0, "nobody waits, nothing is watched");
});

t.test("an answer in time is the answer; whoever comes too late is told at once", async (t) => {
  const { clock, contact } = stage();
  t.equal(await contact.orIsolated(Promise.resolve("an answer")), "an answer");
  await clock.advance(2 * LIFE_MS);
  let told = false;
  void contact.orIsolated(never).finally(() => {
    told = true;
  });
  await clock.advance(0);
  t.ok(told);
});

/** The clock by which a node decides: what it shows, and what it says about the machine's and the servers' clocks. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { ServerClock } from "../../../../src/runtime/cluster/server-clock.ts";
import { type Log, Unavailable } from "../../../../src/runtime/ports.ts";

const EVERY_MS = 500;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A process on servers whose clocks a test sets: `ahead[n]` is that of the leader of stream n, ms. */
function stage(streams = 1) {
  const clock = new VirtualClock();
  const own = clock.process();
  const ahead = Array.from({ length: streams }, () => 0);
  /** Of one direction, ms. */
  const trip = { there: 2, back: 2 };
  const away = { reason: "" };
  const asked = { times: 0 };
  const said: string[] = [];
  const say = (level: string) => (_fields: object, message: string) => void said.push(`${level} ${message}`);
  const log: Log = {
    debug: say("debug"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
    child: () => log,
  };
  const time = async (stream: number): Promise<number> => {
    asked.times++;
    await clock.sleep(trip.there);
    if (away.reason !== "") throw new Unavailable(away.reason);
    const at = clock.now() + ahead[stream]!;
    await clock.sleep(trip.back);
    return at;
  };
  const server = new ServerClock({
    clock: own,
    journals: ahead.map((_, stream) => ({ time: () => time(stream) })),
    everyMs: EVERY_MS,
    log,
  });
  /** Lets time pass until the promise is settled. */
  const done = async <T>(promise: Promise<T>): Promise<T> => {
    let isOver = false;
    const watched = promise.finally(() => (isOver = true));
    watched.catch(() => {});
    await clock.advanceUntil(() => isOver, 60_000);
    return await watched;
  };
  const start = () => done(server.start());
  /** How far `now` is from what the first stream's leader shows, ms. */
  const error = (): number => server.now() - (clock.now() + ahead[0]!);
  return { clock, own, ahead, trip, away, asked, said, server, done, start, error };
}

t.test("now is the server's time, whatever the process's own clock shows and is set to", async (t) => {
  const { clock, own, ahead, start, error } = stage();
  ahead[0] = -HOUR_MS;
  own.set(30 * DAY_MS);
  await start();
  for (const aheadMs of [0, HOUR_MS, -HOUR_MS, 400 * DAY_MS]) {
    own.set(aheadMs);
    t.ok(Math.abs(error()) <= 1, `${aheadMs}: ${error()}`);
    await clock.advance(5 * SECOND_MS);
    t.ok(Math.abs(error()) <= 1, `${aheadMs}: ${error()}`);
  }
});

t.test("now is as exact as half a round trip, and the quickest one counts", async (t) => {
  const { clock, trip, start, error, server } = stage();
  Object.assign(trip, { there: 180, back: 20 });
  await start();
  t.equal(error(), 80, "half of 200, less than 100");
  t.ok(server.state().uncertaintyMs >= 80);
  Object.assign(trip, { there: 2, back: 0 });
  await clock.advance(EVERY_MS + 10);
  t.ok(Math.abs(error()) <= 1);
  Object.assign(trip, { there: 20, back: 400 });
  await clock.advance(4 * EVERY_MS);
  t.ok(Math.abs(error()) <= 2, "slow ones that come later change nothing");
});

t.test("there is no time before the first sample, and a start without one is unavailable", async (t) => {
  const { away, start, server } = stage();
  t.throws(() => server.now(), /has not been read/u);
  t.match(server.state(), { fault: /has not been read/u });
  away.reason = "no leader";
  await t.rejects(start(), { name: "Unavailable", message: /no leader/u });
  t.throws(() => server.now(), /has not been read/u);
  away.reason = "";
  await start();
  t.match(server.state(), { offsetMs: 0, fault: undefined });
});

t.test("a start waits some seconds for the first answer of a busy server", async (t) => {
  const { clock, away, start, error } = stage();
  away.reason = "no answer in time";
  clock.after(1_500, () => (away.reason = ""));
  await start();
  t.ok(Math.abs(error()) <= 1);
});

t.test("the server's clock is read at every heartbeat, until the end", async (t) => {
  const { clock, asked, start, server } = stage();
  await start();
  const before = asked.times;
  await clock.advance(10 * EVERY_MS);
  t.equal(asked.times - before, 10);
  server.stop();
  await clock.advance(10 * EVERY_MS);
  t.equal(asked.times - before, 10);
});

t.test("now follows a server's clock that is set, back as well as forward", async (t) => {
  for (const setMs of [HOUR_MS, -HOUR_MS, 5 * SECOND_MS, -5 * SECOND_MS]) {
    const { clock, ahead, start, error, said } = stage();
    await start();
    await clock.advance(3 * SECOND_MS);
    t.ok(Math.abs(error()) <= 1);
    ahead[0] = setMs;
    await clock.advance(EVERY_MS + 10);
    t.ok(Math.abs(error()) <= 1, `${setMs}: ${error()}`);
    t.ok(
      said.some((line) => line.startsWith("warn the server's clock was set, or another server leads now")),
    );
  }
});

t.test("now never goes back by less than a second: it waits for the server's clock", async (t) => {
  const { clock, ahead, start, server, error } = stage();
  await start();
  let before = server.now();
  ahead[0] = -800;
  for (let n = 0; n < 200; n++) {
    await clock.advance(10);
    const now = server.now();
    t.ok(now >= before);
    before = now;
  }
  t.ok(Math.abs(error()) <= 1, "and goes on with it");
});

t.test("the difference of the clocks is shown: positive when the process's is ahead", async (t) => {
  const { own, start, server } = stage();
  await start();
  for (const aheadMs of [0, 60_000, -60_000, HOUR_MS]) {
    own.set(aheadMs);
    t.match(server.state(), { offsetMs: aheadMs, fault: undefined });
  }
});

t.test(
  "an operator is warned once when the clocks differ by half a second, and informed when they agree",
  async (t) => {
    const { clock, own, start, said } = stage();
    await start();
    own.set(490);
    await clock.advance(5 * SECOND_MS);
    t.strictSame(said, []);
    own.set(-510);
    await clock.advance(5 * SECOND_MS);
    t.match(said, [/^warn this machine's clock is 510 ms slow by the nats-server's: .* time service/u]);
    t.equal(said.length, 1);
    own.set(0);
    await clock.advance(5 * SECOND_MS);
    t.match(said[1], /^info .* agrees/u);
  },
);

t.test("an offset of more than a day is a fault that says what to do, and ends with its cause", async (t) => {
  const { clock, own, start, server, said } = stage();
  own.set(DAY_MS - SECOND_MS);
  await start();
  t.equal(server.state().fault, undefined);
  for (const [aheadMs, what] of [
    [DAY_MS + SECOND_MS, /24 hours fast by the nats-server's.*set both by a time service/u],
    [-30 * DAY_MS, /30 days slow by the nats-server's/u],
  ] as const) {
    own.set(aheadMs);
    await clock.advance(EVERY_MS + 10);
    t.match(server.state().fault, what);
  }
  t.equal(said.filter((line) => line.startsWith("error")).length, 1, "logged once");
  own.set(0);
  await clock.advance(EVERY_MS + 10);
  t.equal(server.state().fault, undefined);
});

t.test(
  "servers whose clocks differ by more than two seconds are a fault: each fires timers by its own",
  async (t) => {
    const { clock, ahead, start, server } = stage(3);
    ahead[2] = 1_900;
    await start();
    t.equal(server.state().fault, undefined);
    ahead[2] = -2_100;
    await clock.advance(EVERY_MS + 10);
    t.match(server.state().fault, /clocks of the nats-servers .* differ by 2\.1 s/u);
    ahead[2] = 0;
    await clock.advance(EVERY_MS + 10);
    t.equal(server.state().fault, undefined);
  },
);

t.test("a clock that cannot be read for half a minute is a fault with the reason", async (t) => {
  const { clock, away, start, server, error } = stage();
  await start();
  away.reason = "no leader";
  await clock.advance(29 * SECOND_MS);
  t.equal(server.state().fault, undefined);
  await clock.advance(2 * SECOND_MS);
  t.match(server.state().fault, /could not be read for .* \(no leader\)/u);
  t.ok(Math.abs(error()) <= 1, "the last samples count on");
  away.reason = "";
  await clock.advance(EVERY_MS + 10);
  t.equal(server.state().fault, undefined);
});

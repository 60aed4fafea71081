/** Presence is judged by monotonic time: a wall clock that is set moves nothing, in either direction. */
import t from "tap";
import { presenceStage, REFRESH_MS, TTL_MS, VALID_MS } from "./presence-stage.ts";

const HOUR_MS = 3_600_000;

for (const [title, aheadMs] of [
  ["forward", HOUR_MS],
  ["back", -HOUR_MS],
] as const) {
  t.test(`a wall clock that is set ${title} does not change how long the own entry is valid`, async (t) => {
    const { presence, clock, pass, writesFail } = await presenceStage();
    await pass(2000, true);
    const before = presence.validForMs();
    clock.set(aheadMs);
    t.equal(presence.validForMs(), before);
    t.ok(presence.valid());
    writesFail(true);
    await pass(VALID_MS - REFRESH_MS);
    t.ok(presence.valid(), "not before its time");
    await pass(REFRESH_MS);
    t.notOk(presence.valid(), "and not after it: a node that lost touch does not stay an owner for an hour");
    clock.set(0);
    t.notOk(presence.valid());
  });

  t.test(`a node that dies while the wall clock is set ${title} counts as gone in its time`, async (t) => {
    const { presence, clock, pass, twoIsThere } = await presenceStage();
    await pass(2000, true);
    clock.set(aheadMs);
    t.ok(twoIsThere(), "setting the clock ends no node");
    t.ok(presence.isAlive("three", "unheard-of"), "nor the time for an unknown one");
    await pass(TTL_MS - 2 * REFRESH_MS);
    t.ok(twoIsThere(), "not before");
    await pass(3 * REFRESH_MS);
    t.notOk(twoIsThere());
    t.notOk(presence.isAlive("three", "unheard-of"));
    t.same(presence.peers(), []);
  });

  t.test(`a live node stays present while the wall clock is set ${title} and again`, async (t) => {
    const { presence, clock, counts, pass, twoIsThere } = await presenceStage();
    await pass(2000, true);
    const { changes, regained } = counts;
    for (const ahead of [aheadMs, -aheadMs, 0]) {
      clock.set(ahead);
      await pass(1000, true);
      t.ok(twoIsThere());
      t.ok(presence.valid());
    }
    t.same([counts.changes, counts.regained], [changes, regained], "nothing has happened");
  });

  t.test(`what the failure detector reads does not move when the clock is set ${title}`, async (t) => {
    const { presence, clock, pass, shared } = await presenceStage();
    await pass(2000, true);
    clock.set(aheadMs);
    await pass(1000, true);
    const now = shared.monotonic();
    const [two] = presence.peers();
    t.ok(two && two.heardAt <= now && two.heardAt > now - 2 * REFRESH_MS);
    const { since, ownHeardAt } = presence.liveness();
    t.ok(since <= now && ownHeardAt <= now && ownHeardAt > now - 2 * REFRESH_MS);
    presence.reconnected();
    t.equal(presence.liveness().since, now);
  });
}

/** Which nodes count as present, as one node sees it: no peer is judged while it receives nothing. */
import t from "tap";
import { entryOf, presenceStage as stage, REFRESH_MS, TTL_MS } from "./presence-stage.ts";

t.test("a node without a heartbeat for its time to live counts as gone", async (t) => {
  const { pass, twoIsThere } = await stage();
  await pass(2000, true);
  t.ok(twoIsThere());
  await pass(TTL_MS - 2 * REFRESH_MS, false);
  t.ok(twoIsThere(), "not before");
  await pass(3 * REFRESH_MS, false);
  t.notOk(twoIsThere());
});

t.test(
  "no peer is judged while this node does not receive its own heartbeats, although they are stored",
  async (t) => {
    const { presence, pass, setBlind, twoIsThere } = await stage();
    await pass(2000, true);
    setBlind(true);
    await pass(5 * TTL_MS, true);
    t.ok(presence.valid(), "the other nodes see this node");
    t.ok(twoIsThere(), "what this node did not receive proves nothing");
    t.ok(presence.isAlive("three", "unheard-of"), "the same holds for an unknown node");
  },
);

t.test("once changes arrive again, every peer has a full time to live for its heartbeat", async (t) => {
  const { pass, setBlind, twoIsThere } = await stage();
  await pass(2000, true);
  setBlind(true);
  await pass(5 * TTL_MS, true);
  setBlind(false);
  await pass(TTL_MS - REFRESH_MS, false);
  t.ok(twoIsThere(), "its first heartbeat may be late");
  await pass(3 * REFRESH_MS, false);
  t.notOk(twoIsThere(), "and then it is gone");
});

t.test("no peer is judged while the connection is lost repeatedly and no changes arrive", async (t) => {
  const { presence, pass, setBlind, twoIsThere } = await stage();
  await pass(2000, true);
  setBlind(true);
  presence.reconnected();
  await pass(TTL_MS + REFRESH_MS, true);
  t.ok(twoIsThere(), "a full time to live after the new connection, without any change");
  presence.reconnected();
  setBlind(false);
  await pass(2 * REFRESH_MS, true);
  t.ok(twoIsThere());
});

t.test("timers may go without a schedule while every present node says that it fires them", async (t) => {
  const { heard, pass, presence, twoIsThere } = await stage();
  t.ok(presence.fireUnscheduled(), "this node says so itself");
  heard(entryOf("two", { timers: 1 }));
  t.ok(presence.fireUnscheduled());
  heard(entryOf("three", { timers: 2, leaving: true }));
  t.ok(presence.fireUnscheduled(), "a later version fires more");
  for (const entry of [entryOf("two"), entryOf("two", { timers: 0 }), { ...entryOf("two"), timers: "1" }]) {
    heard(entry as never);
    t.notOk(presence.fireUnscheduled());
  }
  heard(entryOf("two", { leaving: true }));
  t.notOk(presence.fireUnscheduled(), "one that leaves may still take over");
  await pass(TTL_MS + 3 * REFRESH_MS, false);
  t.notOk(twoIsThere());
  t.ok(presence.fireUnscheduled(), "it is gone");
});

t.test(
  "before this node has received a heartbeat of its own, no timer goes without a schedule",
  async (t) => {
    const { presence, change } = await stage();
    change("one", undefined);
    t.same(presence.entries(), []);
    t.notOk(presence.fireUnscheduled());
  },
);

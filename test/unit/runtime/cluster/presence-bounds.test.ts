/** The own entry, and the entries of the others, exactly at their limits. */
import t from "tap";
import { entryOf, presenceStage, REFRESH_MS, TTL_MS, VALID_MS } from "./presence-stage.ts";

t.test("a node is valid until 80 % of its time to live after the last refresh began", async (t) => {
  const { presence, pass, shared, writesFail } = await presenceStage();
  t.equal(presence.validForMs(), VALID_MS);
  writesFail(true);
  await shared.advance(VALID_MS - 1);
  t.equal(presence.validForMs(), 1);
  t.ok(presence.valid());
  await shared.advance(1);
  t.equal(presence.validForMs(), 0);
  t.notOk(presence.valid(), "at the limit it is not valid any more");
  writesFail(false);
  await pass(REFRESH_MS);
  t.ok(presence.valid());
});

t.test("a refresh counts from when it was sent, not from when it was answered", async (t) => {
  const { presence, shared, writesTake } = await presenceStage();
  writesTake(REFRESH_MS - 1);
  await shared.advance(2 * REFRESH_MS - 1);
  t.equal(presence.validForMs(), VALID_MS - (REFRESH_MS - 1), "the server may have stored it at once");
});

t.test("an answer that arrives after that of a later refresh moves nothing back", async (t) => {
  const { presence, shared, states, writesFail } = await presenceStage();
  const first = Promise.withResolvers<void>();
  states.put = () => first.promise;
  await shared.advance(REFRESH_MS);
  states.put = async () => {};
  await shared.advance(REFRESH_MS);
  const valid = presence.validForMs();
  t.equal(valid, VALID_MS);
  writesFail(true);
  first.resolve();
  await shared.advance(0);
  t.equal(presence.validForMs(), valid);
});

t.test("a heartbeat does not wait for the answer to the last one", async (t) => {
  const { presence, shared, states, counts } = await presenceStage();
  const before = counts.puts;
  states.put = () => new Promise(() => {});
  await shared.advance(3 * REFRESH_MS);
  t.equal(counts.puts - before, 3);
  await presence.stop();
});

t.test(
  "presence that ran out and is regained is reported once, and before the node counts as valid",
  async (t) => {
    const { presence, counts, pass, writesFail } = await presenceStage();
    const { regained } = counts;
    t.equal(regained, 1, "also the first time");
    await pass(5000, true);
    t.equal(counts.regained, regained, "no heartbeat in time regains anything");
    writesFail(true);
    await pass(VALID_MS + REFRESH_MS, true);
    t.notOk(presence.valid());
    t.equal(counts.regained, regained, "not while it is lost");
    writesFail(false);
    await pass(2 * REFRESH_MS, true);
    t.equal(counts.regained, regained + 1);
  },
);

t.test("a node that is visible again and receives nothing yet does not judge by what it knew", async (t) => {
  const { pass, presence, setBlind, shared, writesFail } = await presenceStage();
  await pass(2000, true);
  writesFail(true);
  setBlind(true);
  await pass(VALID_MS + REFRESH_MS);
  writesFail(false);
  await pass(REFRESH_MS);
  t.ok(presence.valid());
  t.ok(shared.monotonic() - presence.liveness().since <= REFRESH_MS);
});

t.test("after its presence ran out a node gives every peer a full time to live", async (t) => {
  const { counts, pass, presence, setBlind, twoIsThere, writesFail } = await presenceStage();
  await pass(2000, true);
  writesFail(true);
  setBlind(true);
  await pass(VALID_MS + REFRESH_MS);
  setBlind(false);
  writesFail(false);
  const { regained } = counts;
  await pass(REFRESH_MS);
  t.equal(counts.regained, regained + 1);
  t.ok(presence.liveness().since > 2000 + VALID_MS, "and suspects none before it has seen it again");
  await pass(TTL_MS - 2 * REFRESH_MS);
  t.ok(twoIsThere());
});

t.test("a peer is gone exactly one time to live after its heartbeat, and not a moment before", async (t) => {
  const { presence, heard, shared } = await presenceStage();
  heard(entryOf("two"));
  await shared.advance(TTL_MS - 1);
  t.ok(presence.isAlive("two", "boot-two"));
  t.same(presence.present(), ["one", "two"]);
  t.equal(presence.entries().length, 2);
  await shared.advance(1);
  t.notOk(presence.isAlive("two", "boot-two"));
  t.same(presence.present(), ["one"]);
  t.same(presence.peers(), []);
  t.equal(presence.entries().length, 1);
});

t.test("an unknown node counts as alive for one time to live, and then as gone", async (t) => {
  const { presence, shared } = await presenceStage();
  await shared.advance(TTL_MS - 1);
  t.ok(presence.isAlive("three", "unheard-of"));
  await shared.advance(1);
  t.notOk(presence.isAlive("three", "unheard-of"));
});

t.test("an entry that has expired does not revive with the next interruption", async (t) => {
  const { presence, heard, pass } = await presenceStage();
  heard(entryOf("two"));
  await pass(TTL_MS + REFRESH_MS);
  presence.reconnected();
  t.notOk(presence.present().includes("two"));
  t.same(presence.peers(), []);
});

t.test("an earlier process of a node is gone as soon as the next one is seen", async (t) => {
  const { presence, counts, heard } = await presenceStage();
  heard(entryOf("two"));
  const { changes } = counts;
  heard(entryOf("two"));
  t.equal(counts.changes, changes, "a heartbeat changes nothing");
  heard(entryOf("two", { boot: "boot-two-again" }));
  t.equal(counts.changes, changes + 1);
  t.notOk(presence.isAlive("two", "boot-two"));
  t.ok(presence.isAlive("two", "boot-two-again"));
});

t.test("a node that leaves is present for locks and absent for the assignment", async (t) => {
  const { presence, counts, heard } = await presenceStage();
  heard(entryOf("two"));
  const { changes } = counts;
  heard(entryOf("two", { leaving: true }));
  t.equal(counts.changes, changes + 1, "its share goes to the others now");
  t.same(presence.present(), ["one"]);
  t.ok(presence.isAlive("two", "boot-two"), "it still holds its locks");
  t.match(presence.peers(), [{ id: "two" }]);
  await presence.leave();
  t.same(presence.present(), [], "this node itself too");
});

t.test("a deleted entry is gone at once, and an unreadable one changes nothing", async (t) => {
  const { presence, change, counts, heard } = await presenceStage();
  heard(entryOf("two"));
  const { changes } = counts;
  for (const value of ["", "{", "[]", '{"id":"two"}', '{"boot":"x"}']) change("two", value);
  t.equal(counts.changes, changes);
  t.ok(presence.isAlive("two", "boot-two"));
  change("two", undefined);
  t.equal(counts.changes, changes + 1);
  t.same(presence.present(), ["one"]);
});

t.test("a process that was declared dead is gone until its next heartbeat", async (t) => {
  const { presence, counts, heard } = await presenceStage();
  heard(entryOf("two"));
  const { changes } = counts;
  presence.declareDead("two", "an-earlier-boot");
  presence.declareDead("three", "boot-three");
  t.same(presence.present(), ["one", "two"], "another process of it is not meant");
  t.equal(counts.changes, changes);
  presence.declareDead("two", "boot-two");
  t.same(presence.present(), ["one"]);
  t.equal(counts.changes, changes + 1, "its locks are free now");
  heard(entryOf("two"));
  t.same(presence.present(), ["one", "two"]);
  t.equal(counts.changes, changes + 2);
});

t.test("a peer that had expired and is back is a change, because its share returns", async (t) => {
  const { presence, counts, heard, shared } = await presenceStage();
  await shared.advance(100);
  heard(entryOf("two"));
  // Its time has just ended, and this node has sent no heartbeat since.
  await shared.advance(TTL_MS + 100);
  t.same(presence.present(), ["one"]);
  const { changes } = counts;
  heard(entryOf("two"));
  t.equal(counts.changes, changes + 1);
});

t.test("one more heartbeat is sent at a time when the failure detector needs it", async (t) => {
  const { presence, counts, shared, states } = await presenceStage();
  const before = counts.puts;
  const slow = Promise.withResolvers<void>();
  states.put = () => slow.promise;
  presence.refreshSoon();
  presence.refreshSoon();
  t.equal(counts.puts - before, 1);
  slow.reject(new Error("no answer"));
  await shared.advance(0);
  presence.refreshSoon();
  t.equal(counts.puts - before, 2, "a failure does not end it");
});

t.test("resources that a present node cannot host are known by node, until the node is gone", async (t) => {
  const { presence, heard, shared } = await presenceStage();
  await shared.advance(100);
  heard(entryOf("two", { unfit: ["partition.3"] }));
  heard(entryOf("three", { unfit: [] }));
  t.same([...presence.incompatible()], [["two", ["partition.3"]]]);
  await shared.advance(TTL_MS + 100);
  t.same([...presence.incompatible()], []);
});

t.test("a node that stops sends no more heartbeats and deletes its entry, even if that fails", async (t) => {
  const { presence, counts, shared } = await presenceStage();
  await presence.stop();
  const { puts } = counts;
  await shared.advance(5 * REFRESH_MS);
  t.equal(counts.puts, puts);
  t.same([counts.deleted, counts.stopped], [1, 1]);
});

/** Which nodes count as present, as one node sees it: no peer is judged while it receives nothing. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { Bucket } from "../../../../src/runtime/ports.ts";
import { type NodeEntry, Presence } from "../../../../src/runtime/cluster/presence.ts";
import { silent } from "../commit/relay-stage.ts";

const TTL_MS = 3000;
const REFRESH_MS = 500;
const STEP_MS = 100;

type Change = Parameters<Parameters<Bucket["watch"]>[0]>[0];

/** The presence of one node on a bucket whose changes can be delayed, while writes to it succeed. */
async function stage() {
  const clock = new VirtualClock();
  let tell: ((change: Change) => void) | undefined;
  let blind = false;
  let revision = 0;
  const heard = (entry: NodeEntry): void => {
    if (!blind) tell?.({ key: entry.id, value: JSON.stringify(entry), revision: ++revision });
  };
  const presence = new Presence({
    node: "one",
    nodes: {
      put: async (_key, value) => {
        heard(JSON.parse(value) as NodeEntry);
        return revision;
      },
      watch: async (onChange) => {
        tell = onChange;
        return { stop: async () => {} };
      },
    } as Bucket,
    clock,
    log: silent,
    ttlMs: TTL_MS,
    refreshMs: REFRESH_MS,
    entry: () => ({ id: "one", boot: "boot-one", startedAt: 0 }),
    onChange: () => {},
    onRegained: () => {},
  });
  await presence.start();
  const announced = presence.announce();
  await clock.advance(0);
  await announced;
  /** Time passes, and `two` sends its heartbeats while it is alive. */
  const pass = async (ms: number, twoLives: boolean): Promise<void> => {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      if (twoLives && passed % REFRESH_MS === 0) heard({ id: "two", boot: "boot-two", startedAt: 0 });
      await clock.advance(STEP_MS);
    }
  };
  const twoIsThere = (): boolean => presence.isAlive("two", "boot-two") && presence.present().includes("two");
  return {
    presence,
    pass,
    twoIsThere,
    setBlind: (value: boolean) => {
      blind = value;
    },
  };
}

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

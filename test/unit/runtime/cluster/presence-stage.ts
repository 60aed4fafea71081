/** The presence of one node on a bucket whose changes can be delayed, while writes to it succeed or fail. */
import { UnreadableEntries } from "../../../../src/runtime/unreadable.ts";
import { type ProcessClock, VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { type Bucket, Unavailable } from "../../../../src/runtime/ports.ts";
import { type NodeEntry, Presence } from "../../../../src/runtime/cluster/presence.ts";
import { silent } from "../commit/relay-stage.ts";
import { unclaimedEntry } from "./unclaimed-entry.ts";

export const TTL_MS = 3000;
export const REFRESH_MS = 500;
/** After this time without a refresh the node does not act as an owner. */
export const VALID_MS = 2400;
export const STEP_MS = 100;

type Change = Parameters<Parameters<Bucket["watch"]>[0]>[0];

export const entryOf = (id: string, more: Partial<NodeEntry> = {}): NodeEntry => ({
  id,
  boot: `boot-${id}`,
  startedAt: 0,
  ...more,
});

/** Node `one`, announced. `pass` lets time pass while `two` sends its heartbeats or not. */
export async function presenceStage() {
  const shared = new VirtualClock();
  const clock: ProcessClock = shared.process();
  let report: ((change: Change) => void) | undefined;
  let blind = false;
  let revision = 0;
  const counts = { changes: 0, regained: 0, deleted: 0, stopped: 0, puts: 0 };
  const states: { ownEntry: NodeEntry; put: () => Promise<void> } = {
    ownEntry: entryOf("one"),
    put: async () => {},
  };
  const change = (key: string, value: string | undefined): void => {
    if (!blind) report?.({ key, value, revision: ++revision });
  };
  const heard = (entry: NodeEntry): void => change(entry.id, JSON.stringify(entry));
  const nodes: Pick<Bucket, "put" | "watch" | "delete"> = {
    put: async (_key, value) => {
      counts.puts++;
      await states.put();
      heard(JSON.parse(value) as NodeEntry);
      return revision;
    },
    watch: async (onChange) => {
      report = onChange;
      return { stop: async () => void counts.stopped++ };
    },
    delete: async () => {
      counts.deleted++;
      throw new Unavailable("no answer");
    },
  };
  const presence = new Presence({
    node: "one",
    nodes,
    identity: unclaimedEntry("one", nodes),
    clock,
    log: silent,
    unreadable: new UnreadableEntries(silent),
    ttlMs: TTL_MS,
    refreshMs: REFRESH_MS,
    entry: () => states.ownEntry,
    onChange: () => void counts.changes++,
    onRegained: () => void counts.regained++,
  });
  await presence.start();
  const announced = presence.announce();
  await shared.advance(0);
  await announced;
  return {
    presence,
    clock,
    shared,
    counts,
    states,
    heard,
    change,
    /** Time passes, and `two` sends its heartbeats while it is alive. */
    pass: async (ms: number, twoLives = false): Promise<void> => {
      for (let passed = 0; passed < ms; passed += STEP_MS) {
        if (twoLives && passed % REFRESH_MS === 0) heard(entryOf("two"));
        await shared.advance(STEP_MS);
      }
    },
    twoIsThere: (): boolean => presence.isAlive("two", "boot-two") && presence.present().includes("two"),
    setBlind: (value: boolean) => {
      blind = value;
    },
    /** Writes of the own entry are answered after `ms`, or never arrive. */
    writesTake: (ms: number) => {
      states.put = () => shared.sleep(ms);
    },
    writesFail: (fail: boolean) => {
      states.put = () => (fail ? Promise.reject(new Unavailable("no answer")) : Promise.resolve());
    },
  };
}

/** Drills on nodes of a local cluster. */
import { setTimeout as pause } from "node:timers/promises";
import t from "tap";
import type { Child } from "../../../../nodes/local/child.ts";
import { Drills } from "../../../../nodes/local/drills.ts";
import { waitUntil } from "../../../support/wait-until.ts";

function stage(freezeMs = 60_000, fails = false) {
  const signals: string[] = [];
  const state = { runs: true };
  const childOf = (pid: number): Child => ({
    name: "node-1",
    pid,
    log: "",
    url: "http://127.0.0.1:1",
    running: () => state.runs,
    stop: async () => {},
  });
  const drills = new Drills({
    signal: (pid, signal) => {
      signals.push(`${signal} ${pid}`);
      if (signal === "SIGKILL") state.runs = false;
    },
    now: () => 0,
    freezeMs,
    start: async () => {
      if (fails) throw new Error("no port");
      state.runs = true;
      return childOf(2);
    },
  });
  drills.add(childOf(1));
  return { drills, signals, state };
}

const sent = (signals: readonly string[], count: number) =>
  waitUntil(`${count} signals are sent`, () => signals.length >= count);

t.test("a node is killed after the answer, and started again", async (t) => {
  const { drills, signals } = stage();
  t.match(await drills.run("node-1", "kill"), { status: "done", state: "ended", until: null });
  t.strictSame(signals, [], "the answer leaves first");
  t.match(await drills.run("node-1", "kill"), { status: "refused", state: "ended" });
  await sent(signals, 1);
  t.match(await drills.run("node-1", "freeze"), { status: "refused", state: "ended" });
  t.match(await drills.run("node-1", "start"), { status: "done", state: "running" });
  t.match(await drills.run("node-1", "start"), { status: "refused", state: "running" });
  t.match(await drills.run("node-1", "kill"), { status: "done" });
  await sent(signals, 2);
  t.strictSame(signals, ["SIGKILL 1", "SIGKILL 2"], "of the process that runs now");
});

t.test("a frozen node goes on when it is asked, by itself, and before the cluster stops", async (t) => {
  const asked = stage();
  const frozen = { status: "done", state: "frozen", until: "1970-01-01T00:01:00.000Z" };
  t.match(await asked.drills.run("node-1", "freeze"), frozen);
  await sent(asked.signals, 1);
  t.match(await asked.drills.run("node-1", "freeze"), { status: "refused", state: "frozen" });
  t.match(await asked.drills.run("node-1", "resume"), { status: "done", state: "running", until: null });
  t.match(await asked.drills.run("node-1", "resume"), { status: "refused", state: "running" });
  t.strictSame(asked.signals, ["SIGSTOP 1", "SIGCONT 1"]);

  const alone = stage(200);
  await alone.drills.run("node-1", "freeze");
  await sent(alone.signals, 2);
  t.strictSame(alone.signals, ["SIGSTOP 1", "SIGCONT 1"]);

  const stopping = stage();
  await stopping.drills.run("node-1", "freeze");
  stopping.drills.thawAll();
  await pause(200);
  t.strictSame(stopping.signals, ["SIGCONT 1"], "and is not frozen later");
});

t.test(
  "a process that has ended by itself gets no signal, and one that does not start is reported",
  async (t) => {
    const { drills, signals, state } = stage(60_000, true);
    t.match(await drills.run("node-9", "kill"), { status: "node_not_found" });
    await drills.run("node-1", "freeze");
    state.runs = false;
    await pause(200);
    drills.thawAll();
    t.strictSame(signals, []);
    t.match(await drills.run("node-1", "start"), { status: "failed" });
    t.match(await drills.run("node-1", "start"), { status: "failed" }, "and may be tried again");
  },
);

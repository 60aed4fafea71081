/** Gates that lock again by a timer, on nodes in memory: what fires the timer, and when. */
import { turnstile } from "../../../examples/turnstile/turnstile.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { type ClusterNode, type ClusterOptions, memoryCluster } from "./memory-cluster.ts";
import { NOW } from "./tenure/tenure-stage.ts";

/** Of a schedule on this server, and round trips. */
export const LATE_MS = 200;
/** A takeover is over by then, and the grace. */
const LONG_MS = 20_000;
export const HOUR_MS = 3_600_000;
export const gates = turnstile(async (key) => ({ receipt: key }));

/** @param lockAfterMs when a gate's timer is due after its arming */
export async function timerStage(lockAfterMs: number, options: Partial<ClusterOptions> = {}) {
  const cluster = memoryCluster({ partitions: 1, ...options });
  const one = await cluster.start("one", gates);
  await cluster.settled();
  const log = cluster.logOf(0);
  const records = (gate = "g") => cluster.records(0, gate).filter(({ input }) => input.startsWith("timer:"));
  return {
    ...cluster,
    one,
    /** Opens a gate, whose timer is armed then. @returns the time at which it is due, and its schedule */
    async open(gate = "g", dueAfterMs = lockAfterMs, node: ClusterNode = one) {
      cluster.ok(await cluster.done(node.actors.start(gate, { lockAfterMs: dueAfterMs }, NOW)));
      const coin = { commandId: "coin", waitMs: 1000 };
      cluster.ok(await cluster.done(node.actors.command(gate, "turnstile", { type: "coin" }, coin)));
      const [timer] = cluster.records(0, gate).at(-1)?.snapshot.timers ?? [];
      if (!timer) throw new Error("no timer is armed");
      const { dueAt, generation, id, machine } = timer;
      return { dueAt, schedule: subjects.timer(0, gate, machine, id, generation) };
    },
    /** Timers that the server has fired. */
    messages: (gate = "g"): number => log.all(subjects.inbox(0, gate)).length,
    /** Records of a fired timer. */
    records,
    recordsOf: (gate: string) => cluster.records(0, gate),
    /** When the timer's record was stored, by the server's clock. */
    firedAt: async (gate = "g"): Promise<number> => {
      await cluster.until("the timer acts", () => records(gate).length > 0, 2 * HOUR_MS);
      return log.last(subjects.record(0, gate))?.at ?? 0;
    },
    isStored: (subject: string): boolean => log.last(subject) !== undefined,
    /** Nothing fires later. */
    async ends(): Promise<void> {
      await cluster.clock.advance(LONG_MS);
      for (const node of cluster.running) node.kill();
    },
  };
}

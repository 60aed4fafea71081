/**
 * Three nodes under a random schedule of faults, seed by seed. `CHAOS_SEED=7` runs that one alone; `CHAOS_SEEDS=500`
 * runs more of them, until `CHAOS_MS` have passed.
 */
import t from "tap";
import { chaos } from "./cluster-chaos.ts";
import { replayHint } from "../../support/replay-command.ts";

const only = process.env["CHAOS_SEED"];
const seeds =
  only === undefined
    ? Array.from({ length: Number(process.env["CHAOS_SEEDS"] ?? 25) }, (_, i) => i + 1)
    : [Number(only)];
const limitMs = Number(process.env["CHAOS_MS"] ?? 20_000);
const STEPS = 60;
const replay = (seed: number): string => replayHint({ CHAOS_SEED: seed });
t.setTimeout(limitMs + 60_000);

t.test(
  "each gate has one history under any faults, and no acknowledged input is lost or applied twice",
  async (t) => {
    t.setTimeout(limitMs + 30_000);
    const begun = performance.now();
    for (const seed of seeds) {
      if (performance.now() - begun > limitMs) break;
      const run = await chaos(seed, STEPS);
      t.same(
        run.faults,
        [],
        `seed ${seed}: ${run.acknowledged} acknowledged, ${run.records} records, ${run.takeovers} locks; ${replay(seed)}`,
      );
      t.ok(run.acknowledged > 0, `seed ${seed}: callers are answered; ${replay(seed)}`);
      if (run.faults.length > 0) break;
    }
  },
);

t.test(
  "each gate has one history under any faults also when the partitions are divided over two streams",
  async (t) => {
    for (const seed of seeds.slice(0, 6)) {
      const run = await chaos(seed, STEPS, 2);
      t.same(run.faults, [], `seed ${seed}: ${run.records} records, ${run.takeovers} locks; ${replay(seed)}`);
    }
  },
);

t.test("the same seed gives the same run", async (t) => {
  t.same(await chaos(3, 10), await chaos(3, 10));
});

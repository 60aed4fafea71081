/**
 * Orders, payments and inventory under a random schedule of faults, seed by seed. `CHAOS_SEED=7` runs only that seed;
 * `CHAOS_SEEDS=500` runs more of them, within `CHAOS_MS`.
 */
import t from "tap";
import { orderChaos } from "./order-chaos.ts";
import { replayHint } from "../../../support/replay-command.ts";

const only = process.env["CHAOS_SEED"];
const seeds =
  only === undefined
    ? Array.from({ length: Number(process.env["CHAOS_SEEDS"] ?? 25) }, (_, i) => i + 1)
    : [Number(only)];
const limitMs = Number(process.env["CHAOS_MS"] ?? 25_000);
const STEPS = 60;
const replay = (seed: number): string => replayHint({ CHAOS_SEED: seed });
t.setTimeout(limitMs + 120_000);

t.test(
  "under random faults goods, money and stock agree, and every order reaches one end, which its callers got as the answer",
  async (t) => {
    t.setTimeout(limitMs + 30_000);
    const begun = performance.now();
    for (const seed of seeds) {
      if (performance.now() - begun > limitMs) break;
      const run = await orderChaos(seed, STEPS);
      t.same(
        run.faults,
        [],
        `seed ${seed}: ${JSON.stringify(run.ends)}, inventory changed hands ${run.takeovers} times; ${replay(seed)}`,
      );
      t.ok((run.ends["completed"] ?? 0) > 0, `seed ${seed}: orders are completed; ${replay(seed)}`);
      if (run.faults.length > 0) break;
    }
  },
);

t.test("the same holds when the inventory is in another stream than most orders", async (t) => {
  for (const seed of seeds.slice(0, 3)) {
    const run = await orderChaos(seed, STEPS, 3);
    t.same(run.faults, [], `seed ${seed}: ${JSON.stringify(run.ends)}; ${replay(seed)}`);
  }
});

t.test("the same seed gives the same run", async (t) => {
  t.same(await orderChaos(3, 10), await orderChaos(3, 10));
});

/** Effects of one tenure: what it has started is forgotten with it, and nothing of it is delivered later. */
import t from "tap";
import type { EffectRun, EffectRunner } from "../../../../src/runtime/effects/effect-runner.ts";
import { TenureEffects } from "../../../../src/runtime/tenure/tenure-effects.ts";
import { openEffect } from "./activation-stage.ts";

function stage() {
  const runs: EffectRun[] = [];
  const forgotten: string[] = [];
  const runner = {
    start: (run: EffectRun) => void runs.push(run),
    forget: (key: string) => void forgotten.push(key),
  } as unknown as EffectRunner;
  return { runs, forgotten, effects: new TenureEffects(runner) };
}

t.test("an effect runs under its key, with its input, and says whether it was resumed", async (t) => {
  const { runs, effects } = stage();
  effects.start("a", openEffect, false, () => {});
  effects.start("a", { ...openEffect, generation: 8, input: 9 }, true, () => {});
  t.match(runs, [
    { actor: "a", src: "job", key: "a:m.job:7", input: 0, resumed: false },
    { actor: "a", src: "job", key: "a:m.job:8", input: 9, resumed: true },
  ]);
});

t.test("the close forgets the effects whose outcome is not known, and no others", async (t) => {
  const { runs, forgotten, effects } = stage();
  const outcomes: unknown[] = [];
  for (const generation of [7, 8]) {
    effects.start("a", { ...openEffect, generation }, false, (outcome) => void outcomes.push(outcome));
  }
  runs[0]?.done({ output: 1 });
  t.same(outcomes, [{ output: 1 }]);
  effects.close();
  t.same(forgotten, ["a:m.job:8"]);
  effects.close();
  t.same(forgotten, ["a:m.job:8"], "once");
});

t.test("no effect starts after the close", async (t) => {
  const { runs, effects } = stage();
  effects.close();
  effects.start("a", openEffect, false, () => {});
  t.same(runs, []);
});

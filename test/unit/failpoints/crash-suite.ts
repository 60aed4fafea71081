/** One test for each crash point, before and after, at its first and at a later hit. */
import type { Test } from "tap";
import { failpointNames } from "../../../src/runtime/failpoints.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";
import { replayHint } from "../../support/replay-command.ts";
import { audit } from "./crash-audit.ts";
import { tellStory } from "./crash-story.ts";

/** `CRASH_POINT=relay.append` runs that one alone. */
const only = process.env["CRASH_POINT"];

/** What each test file takes, by the first word of the points. */
const suites = {
  commit: ["relay", "ownership", "presence"],
  takeover: ["partition", "checkpoint", "loader", "parking"],
  outside: ["effect", "router", "inbox", "inventory"],
  workers: ["worker", "processed"],
  documents: ["invoice", "credit"],
  numbers: ["allocation"],
} as const satisfies Record<string, readonly string[]>;
/** Is of the real mail worker, which no story has: test/fault/failpoints.test.ts gets there. */
const ELSEWHERE = ["email"];

const wordOf = (point: string): string => point.split(".", 1)[0]!;

/** Points of the other suites are left to them. */
export async function crashEverywhere(t: Test, suite: keyof typeof suites): Promise<void> {
  const taken: readonly string[] = [...Object.values(suites).flat(), ...ELSEWHERE];
  t.same(
    failpointNames.filter((point) => !taken.includes(wordOf(point))),
    [],
    "every point is in a suite",
  );
  const own: readonly string[] = suites[suite];
  const undisturbed = await tellStory(undefined, quietLog);
  t.same(await audit(undisturbed), [], "without a crash all is well");
  const { hits } = undisturbed.world;
  for (const point of failpointNames) {
    if (!own.includes(wordOf(point)) || (only !== undefined && only !== point)) continue;
    for (const when of ["before", "after"] as const) {
      const count = hits.get(`${point} ${when}`) ?? 0;
      await t.test(`a process that dies ${when} ${point} leaves nothing half done`, async (t) => {
        t.setTimeout(240_000);
        const replay = replayHint({ CRASH_POINT: point });
        t.ok(count >= 2, `the story gets there ${count} times; ${replay}`);
        for (const hit of new Set([1, Math.max(2, Math.ceil(count / 2))])) {
          const story = await tellStory({ point, when, hit }, quietLog);
          t.ok(story.world.crashed, `a process died at hit ${hit}; ${replay}`);
          t.same(
            await audit(story),
            [],
            `${story.world.crashed?.name} died at hit ${hit} of ${count}; ${replay}`,
          );
        }
      });
    }
  }
}

/** One test for each failpoint, before and after, at its first and at a later hit. */
import type { Test } from "tap";
import { failpointNames } from "../../../src/runtime/failpoints.ts";
import { quietLog } from "../../support/logs/quiet-log.ts";
import { replayHint } from "../../support/replay-command.ts";
import { audit } from "./crash-audit.ts";
import { runStory } from "./crash-story.ts";

/** `CRASH_POINT=relay.append` runs that failpoint alone. */
const only = process.env["CRASH_POINT"];

/** The failpoints of each test file, by their first word. */
const suites = {
  commit: ["relay", "ownership", "presence", "identity", "settings", "clock", "definitions"],
  takeover: ["partition", "checkpoint", "loader", "parking"],
  outside: ["effect", "router", "inbox", "unmatched", "inventory"],
  workers: ["worker", "processed"],
  documents: ["invoice", "credit"],
  keys: ["personal"],
  numbers: ["allocation"],
} as const satisfies Record<string, readonly string[]>;
/** Belongs to the real mail worker, which no story has: test/fault/failpoints.test.ts reaches it. */
const ELSEWHERE = ["email"];

const wordOf = (point: string): string => point.split(".", 1)[0]!;

/** Runs the failpoints of one suite. */
export async function crashEverywhere(t: Test, suite: keyof typeof suites): Promise<void> {
  const taken: readonly string[] = [...Object.values(suites).flat(), ...ELSEWHERE];
  t.same(
    failpointNames.filter((point) => !taken.includes(wordOf(point))),
    [],
    "every failpoint is in a suite",
  );
  const own: readonly string[] = suites[suite];
  const undisturbed = await runStory(undefined, quietLog);
  t.same(await audit(undisturbed), [], "the audit finds no fault without a crash");
  const { hits } = undisturbed.world;
  for (const point of failpointNames) {
    if (!own.includes(wordOf(point)) || (only !== undefined && only !== point)) continue;
    for (const when of ["before", "after"] as const) {
      const count = hits.get(`${point} ${when}`) ?? 0;
      await t.test(`a process that dies ${when} ${point} leaves nothing half done`, async (t) => {
        t.setTimeout(240_000);
        const replay = replayHint({ CRASH_POINT: point });
        t.ok(count >= 2, `the story reaches it ${count} times; ${replay}`);
        for (const hit of new Set([1, Math.max(2, Math.ceil(count / 2))])) {
          const story = await runStory({ point, when, hit }, quietLog);
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

/** Planted bugs of a tenure as a whole, and of its catch-ups. */
import type { Mutant } from "./mutant.ts";

const CATCH_UP = "src/runtime/tenure/catch-up.ts";
const CATCH_UP_TEST = "test/unit/runtime/tenure/catch-up.test.ts";
const TENURE = "src/runtime/tenure/tenure.ts";
const READS_TEST = "test/unit/runtime/tenure/reads.test.ts";
const OPERATOR_ACTIONS_TEST = "test/unit/runtime/tenure/operator-actions.test.ts";
const NEWER_TEST = "test/unit/runtime/tenure/newer.test.ts";
const IDLE_TEST = "test/unit/runtime/tenure/idle.test.ts";
const WRITE_SET_OUTCOMES_TEST = "test/unit/runtime/tenure/write-set-outcomes.test.ts";

export const tenureMutants: readonly Mutant[] = [
  {
    id: "tenure-catch-up-done-early",
    does: "A catch-up ends when the inbox is read, not when its inputs are acknowledged.",
    file: CATCH_UP,
    find: `if (waiting.size === 0) this.finish(actor);
  }`,
    replace: `this.finish(actor);
  }`,
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-done-with-first",
    does: "A catch-up ends with the first of its inputs.",
    file: CATCH_UP,
    find: "if (counted && waiting.size === 0) this.finish(actor);",
    replace: "if (counted) this.finish(actor);",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-any-reading",
    does: "A reading of the inbox that lacks its last message is taken.",
    file: CATCH_UP,
    find: ">= Math.max(newest, last?.sequence ?? 0)",
    replace: ">= Math.max(newest, Math.min(last?.sequence ?? 0, 0))",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-ignores-newest",
    does: "A reading of the inbox that lacks an input which was released is taken.",
    file: CATCH_UP,
    find: ">= Math.max(newest, last?.sequence ?? 0)",
    replace: ">= Math.max(Math.min(newest, 0), last?.sequence ?? 0)",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-handed-over-before",
    does: "A catch-up does not wait for an input that the consumer had handed over before.",
    file: CATCH_UP,
    find: `      waiting.add(sequence);
      if (!fresh) continue;
`,
    replace: `      if (!fresh) continue;
      waiting.add(sequence);
`,
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-parked-let-go",
    does: "A catch-up of an actor that was parked meanwhile leaves its inputs counted for ever.",
    file: CATCH_UP,
    find: `if (quarantined) parked.letGo(quarantined, sequence);
      else activation?.enqueue`,
    replace: "if (!quarantined) activation?.enqueue",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-begins-late",
    does: "An actor counts as lagging although its catch-up could not begin.",
    file: CATCH_UP,
    find: `      this.options.activations.activation(actor).beginCatchUp();
      this.lagging.set(actor, []);`,
    replace: `      this.lagging.set(actor, []);
      this.options.activations.activation(actor).beginCatchUp();`,
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-no-load",
    does: "After a catch-up the actor is not loaded.",
    file: CATCH_UP,
    find: "if (activation) await loader.load(activation);",
    replace: "if (activation && inbox.length === 0) await loader.load(activation);",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-fails-once",
    does: "An inbox that cannot be read once is taken for an empty one.",
    file: CATCH_UP,
    find: `      await clock.sleep(RETRY_MS);
    }
    return [];`,
    replace: `      await clock.sleep(RETRY_MS);
      return [];
    }
    return [];`,
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-end-releases-none",
    does: "The end of the tenure leaves an operator waiting for a catch-up.",
    file: CATCH_UP,
    find: "for (const actor of this.lagging.keys()) this.finish(actor);",
    replace: "for (const actor of this.lagging.keys()) this.lagging.delete(actor);",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-after-end",
    does: "A catch-up that ends after the tenure decides what it has read.",
    file: CATCH_UP,
    find: `    if (this.options.ended()) return;
    // A read`,
    replace: "    // A read",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-catch-up-releases-one",
    does: "Only the first of those that wait for a catch-up is released.",
    file: CATCH_UP,
    find: "for (const resolve of waiting) resolve();",
    replace: "waiting[0]?.();",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-take-up-any-reading",
    does: "A new owner resumes effects from a reading that is older than its replay.",
    file: TENURE,
    find: "await this.read(actor, atLeast);",
    replace: "await this.read(actor, atLeast === undefined ? 0 : Math.min(atLeast, 0));",
    tests: [READS_TEST],
  },
  {
    id: "tenure-catch-up-parked",
    does: "The inbox of a parked actor is decided by a new owner.",
    file: TENURE,
    find: "if (!this.parked.get(actor)) void this.catchUps.start(actor, 0);",
    replace: "void this.catchUps.start(actor, 0);",
    tests: [READS_TEST],
  },
  {
    id: "tenure-checkpoint-forgets-storing",
    does: "The checkpoint does not list an actor whose parking is not stored.",
    file: TENURE,
    find: "const open = [...this.parked.storing()];",
    replace: "const open = [...this.parked.storing()].slice(1);",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "tenure-checkpoint-forgets-newer",
    does: "The checkpoint does not list an actor that a newer machine has written.",
    file: TENURE,
    find: "for (const { actor } of this.parked.unreadable()) lagging.add(actor);",
    replace: "",
    tests: [NEWER_TEST],
  },
  {
    id: "tenure-checkpoint-forgets-lagging",
    does: "The checkpoint does not list an actor that still catches up.",
    file: TENURE,
    find: "const lagging = new Set(this.catchUps.actors());",
    replace: "const lagging = new Set<string>();",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-idle-runs-effects",
    does: "A tenure that is handed over goes on with its effects.",
    file: TENURE,
    find: `    this.effects.close();
    if (this.ended || this.isIdle())`,
    replace: `    if (!this.isIdle()) this.effects.close();
    if (this.ended || this.isIdle())`,
    tests: [IDLE_TEST],
  },
  {
    id: "tenure-idle-first-only",
    does: "Only the first of those that wait for the tenure to be idle is released.",
    file: TENURE,
    find: "for (const wake of waiters) wake();",
    replace: "waiters[0]?.();",
    tests: [IDLE_TEST],
  },
  {
    id: "tenure-idle-ignores-parkings",
    does: "A tenure is idle although a parking is not stored.",
    file: TENURE,
    find: `    if (!this.parked.isIdle()) return false;
`,
    replace: "",
    tests: [IDLE_TEST],
  },
  {
    id: "tenure-end-callers-wait",
    does: "Callers in a mailbox get no reply when the tenure ends.",
    file: TENURE,
    find: "for (const pending of activation.takeMailbox()) pending.reply(notOwner);",
    replace:
      "if (activation.isLoaded()) for (const pending of activation.takeMailbox()) pending.reply(notOwner);",
    tests: [READS_TEST],
  },
  {
    id: "tenure-end-idle-waits",
    does: "A hand-over waits for a tenure that has ended.",
    file: TENURE,
    find: `    this.catchUps.end();
    this.wakeIdle();`,
    replace: `    this.catchUps.end();
    this.wakeIfIdle();`,
    tests: [IDLE_TEST],
  },
  {
    id: "tenure-end-effects",
    does: "Effects of a tenure that has lost its lock go on.",
    file: TENURE,
    find: `    this.effects.close();
    this.catchUps.end();`,
    replace: "    this.catchUps.end();",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "tenure-end-operators",
    does: "An operator waits for a catch-up of a tenure that has ended.",
    file: TENURE,
    find: `    this.effects.close();
    this.catchUps.end();`,
    replace: "    this.effects.close();",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "tenure-operators-after-end",
    does: "An operator's resume after the end of a tenure reaches its actors.",
    file: TENURE,
    find: "return this.ended ? Promise.resolve(notOwner) : this.operatorActions.resume(actor, how);",
    replace: "return this.operatorActions.resume(actor, how);",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "tenure-skip-after-end",
    does: "An operator's skip after the end of a tenure reaches its actors.",
    file: TENURE,
    find: "return this.ended ? Promise.resolve(notOwner) : this.operatorActions.skip(actor, parking, how);",
    replace: "return this.operatorActions.skip(actor, parking, how);",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "tenure-progress-from-zero",
    does: "The progress of a tenure begins at 0 instead of its lock entry.",
    file: TENURE,
    find: "this.progress = new InboxProgress(epoch);",
    replace: "this.progress = new InboxProgress(0);",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
];

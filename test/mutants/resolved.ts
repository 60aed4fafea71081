/** Planted bugs of what becomes of a decision with every outcome of its write set. */
import type { Mutant } from "./mutant.ts";

const INPUT_PROCESSOR = "src/runtime/tenure/input-processor.ts";
const WRITE_SET_OUTCOMES_TEST = "test/unit/runtime/tenure/write-set-outcomes.test.ts";
const MAILBOX_ORDER_TEST = "test/unit/runtime/tenure/mailbox-order.test.ts";
const READS_TEST = "test/unit/runtime/tenure/reads.test.ts";
const TENURE_TEST = "test/unit/runtime/tenure/tenure.test.ts";

export const resolvedMutants: readonly Mutant[] = [
  {
    id: "resolved-dropped-current",
    does: "An activation whose write set was dropped goes on with its head.",
    file: INPUT_PROCESSOR,
    find: `      if (current) this.discard(activation);
      if (outcome`,
    replace: `      if (current && outcome.status === "refused") this.discard(activation);
      if (outcome`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-refused-current",
    does: "An activation whose write set was refused goes on with its head.",
    file: INPUT_PROCESSOR,
    find: `      if (current) this.discard(activation);
      if (outcome`,
    replace: `      if (current && outcome.status === "dropped") this.discard(activation);
      if (outcome`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-refused-forgets-dependents",
    does: "What waited for a write set that the server refuses is not decided again.",
    file: INPUT_PROCESSOR,
    find: `        for (const dependent of dependents) this.again(activation.actor, dependent.pending, "decided again");
`,
    replace: "",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-refused-dependents-refused",
    does: "What waited for a write set that the server refuses is refused with it.",
    file: INPUT_PROCESSOR,
    find: 'this.again(activation.actor, dependent.pending, "decided again");',
    replace: "this.refused(activation, dependent.pending, new Error(refused));",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-resolved-no-idle",
    does: "The end of the last write set does not report that the tenure may be idle.",
    file: INPUT_PROCESSOR,
    find: `    if (!current) this.predecessorResolved(activation);
    this.options.mayBeIdle();`,
    replace: "    if (!current) this.predecessorResolved(activation);",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-predecessor-forgotten",
    does: "The replacement of an activation is never read when a commit of its predecessor ends.",
    file: INPUT_PROCESSOR,
    find: "if (!current) this.predecessorResolved(activation);",
    replace: 'if (!current && outcome.status === "stored") this.predecessorResolved(activation);',
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-stored-not-done",
    does: "An inbox input whose record is stored stays under way.",
    file: INPUT_PROCESSOR,
    find: `    progress.done(pending.inbox);
    if (current) {`,
    replace: `    if (current) progress.done(pending.inbox);
    if (current) {`,
    tests: [MAILBOX_ORDER_TEST],
  },
  {
    id: "resolved-no-effects",
    does: "Effects start only when no other write set of the actor is pending.",
    file: INPUT_PROCESSOR,
    find: `    if (current) {
      for (const effect`,
    replace: `    if (current && activation.isIdle()) {
      for (const effect`,
    tests: [READS_TEST],
  },
  {
    id: "resolved-waiters-asleep",
    does: "Callers that wait for an actor to settle are not woken by its records.",
    file: INPUT_PROCESSOR,
    find: `    for (const { confirmed } of dependents) confirmed();
    activation.wakeWaiters();`,
    replace: "    for (const { confirmed } of dependents) confirmed();",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-dependents-forgotten",
    does: "What was decided on a state is not confirmed when the state is stored.",
    file: INPUT_PROCESSOR,
    find: `    for (const { confirmed } of dependents) confirmed();
    activation`,
    replace: `    if (current) for (const { confirmed } of dependents) confirmed();
    activation`,
    tests: [TENURE_TEST],
  },
  {
    id: "resolved-surprise-kept",
    does: "An activation after whose record another owner has written goes on.",
    file: INPUT_PROCESSOR,
    find: "if (current && sequence === undefined) this.discard(activation);",
    replace: "if (!current && sequence === undefined) this.discard(activation);",
    tests: [READS_TEST],
  },
  {
    id: "resolved-dropped-forgets-dependents",
    does: "What waited for a write set that is dropped is not decided again.",
    file: INPUT_PROCESSOR,
    find: "[pending, ...dependents.map((dependent) => dependent.pending)]",
    replace: "[pending, ...dependents.map((dependent) => dependent.pending).filter(hasCaller)]",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-store-drops-inbox",
    does: "An inbox input that the outbox refuses is answered and lost.",
    file: INPUT_PROCESSOR,
    find: 'if (why === "store_unavailable" && hasCaller(input)) input.reply(storeRefuses);',
    replace: 'if (why === "store_unavailable") input.reply(storeRefuses);',
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-store-repeats-callers",
    does: "Callers whose write set the outbox refuses are not answered but decided again.",
    file: INPUT_PROCESSOR,
    find: 'if (why === "store_unavailable" && hasCaller(input)) input.reply(storeRefuses);',
    replace: 'if (why !== "fenced" && why !== "lock_moved" && input.inbox > 0) input.reply(storeRefuses);',
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-discard-not-read",
    does: "An activation that replaces another one is read only when an input comes.",
    file: INPUT_PROCESSOR,
    find: `    const next = activations.replace(activation);
    clock.after(0, () => void this.loader.load(next));`,
    replace: `    const next = activations.replace(activation);
    clock.after(0, () => void (next.isIdle() ? undefined : this.loader.load(next)));`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "resolved-again-after-end",
    does: "An input that is decided again after the end of the tenure gets no reply.",
    file: INPUT_PROCESSOR,
    find: `    if (ended()) {
      pending.reply(notOwner);
      return;
    }
    const next`,
    replace: `    if (ended()) return;
    const next`,
    tests: [MAILBOX_ORDER_TEST],
  },
  {
    id: "resolved-attempts-not-counted",
    does: "A caller's command is decided again without end.",
    file: INPUT_PROCESSOR,
    find: "attempts: pending.attempts + 1,",
    replace: "attempts: Math.min(pending.attempts + 1, 2),",
    tests: [MAILBOX_ORDER_TEST],
  },
  {
    id: "resolved-inbox-abandoned",
    does: "An inbox input is abandoned after eight tries.",
    file: INPUT_PROCESSOR,
    find: "if (hasCaller(pending) && next.attempts >= MAX_ATTEMPTS)",
    replace: "if (next.attempts >= MAX_ATTEMPTS)",
    tests: [MAILBOX_ORDER_TEST],
  },
  {
    id: "resolved-no-pause",
    does: "Decisions that are made again are made without a pause.",
    file: INPUT_PROCESSOR,
    find: "if (next.attempts > 1) this.loader.loadAfterPause(activation);",
    replace: "if (next.attempts > 100) this.loader.loadAfterPause(activation);",
    tests: [MAILBOX_ORDER_TEST],
  },
];

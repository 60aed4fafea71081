/** Planted bugs of single decisions and their ends: recognized inputs, progress, replies, effects of a tenure. */
import type { Mutant } from "./mutant.ts";

const DECISION = "src/runtime/tenure/decision.ts";
const DECISION_TEST = "test/unit/runtime/tenure/decision.test.ts";
const INBOX_PROGRESS = "src/runtime/tenure/inbox-progress.ts";
const INBOX_PROGRESS_TEST = "test/unit/runtime/tenure/inbox-progress.test.ts";
const REPLIES = "src/runtime/tenure/replies.ts";
const REPLIES_TEST = "test/unit/runtime/tenure/replies.test.ts";
const TENURE_EFFECTS = "src/runtime/tenure/tenure-effects.ts";
const TENURE_EFFECTS_TEST = "test/unit/runtime/tenure/tenure-effects.test.ts";

export const decisionsMutants: readonly Mutant[] = [
  {
    id: "decisions-mark-exclusive",
    does: "The input exactly at the inbox offset is decided a second time.",
    file: DECISION,
    find: "pending.inbox <= before.inbox",
    replace: "pending.inbox < before.inbox",
    tests: [DECISION_TEST],
  },
  {
    id: "decisions-mark-for-all",
    does: "Inputs that are not of the inbox are compared with the inbox offset.",
    file: DECISION,
    find: "if (before && pending.inbox > 0 && pending.inbox <= before.inbox)",
    replace: 'if (before && pending.inbox <= before.inbox && input.kind !== "start")',
    tests: [DECISION_TEST],
  },
  {
    id: "decisions-event-id-ignored",
    does: "The id of an outside event is not compared: a repeated webhook is applied again.",
    file: DECISION,
    find: 'input.kind === "command" ? input.commandId : input.kind === "event" ? input.id : undefined;',
    replace: 'input.kind === "command" ? input.commandId : undefined;',
    tests: [DECISION_TEST],
  },
  {
    id: "decisions-command-id-ignored",
    does: "The id of a command is not compared.",
    file: DECISION,
    find: 'input.kind === "command" ? input.commandId : input.kind === "event" ? input.id : undefined;',
    replace: 'input.kind === "event" ? input.id : undefined;',
    tests: [DECISION_TEST],
  },
  {
    id: "decisions-partition-memory-ignored",
    does: "A command that the partition remembers is applied again once the record has forgotten its id.",
    file: DECISION,
    find: "pending.repeated === true || (id",
    replace: "(pending.repeated === true && id === undefined) || (id",
    tests: [DECISION_TEST],
  },
  {
    id: "decisions-repeat-of-none",
    does: "A repeated command of an actor that does not exist counts as applied.",
    file: DECISION,
    find: 'if (before && known) return { kind: "repeated" };',
    replace: 'if (known) return { kind: "repeated" };',
    tests: [DECISION_TEST],
  },
  {
    id: "decisions-inbox-lost",
    does: "A record does not state the inbox sequence of its input.",
    file: DECISION,
    find: `inbox: pending.inbox,
      join`,
    replace: `inbox: before?.inbox ?? pending.inbox,
      join`,
    tests: [DECISION_TEST],
  },
  {
    id: "decisions-first-always",
    does: "A joined resource is always asked as by a new actor.",
    file: DECISION,
    find: "first: before === undefined,",
    replace: "first: before?.version !== 0,",
    tests: [DECISION_TEST],
  },
  {
    id: "decisions-progress-passes-pending",
    does: "The checkpoint may state the sequence of an input that is not done.",
    file: INBOX_PROGRESS,
    find: "through = Math.min(through, sequence - 1);",
    replace: "through = Math.min(through, sequence);",
    tests: [INBOX_PROGRESS_TEST],
  },
  {
    id: "decisions-progress-first-only",
    does: "Only the first input under way holds the checkpoint back.",
    file: INBOX_PROGRESS,
    find: "for (const sequence of this.pending) through = Math.min(through, sequence - 1);",
    replace: "for (const sequence of this.pending) return Math.min(through, sequence - 1);",
    tests: [INBOX_PROGRESS_TEST],
  },
  {
    id: "decisions-progress-ignores-relay",
    does: "The checkpoint passes what the relay has not resolved.",
    file: INBOX_PROGRESS,
    find: "let through = Math.min(this.seen, resolvedThrough);",
    replace: "let through = Math.max(this.seen, Math.min(this.seen, resolvedThrough));",
    tests: [INBOX_PROGRESS_TEST],
  },
  {
    id: "decisions-progress-seen-goes-back",
    does: "What the consumer has seen goes back.",
    file: INBOX_PROGRESS,
    find: "this.seen = Math.max(this.seen, sequence);",
    replace: "this.seen = sequence;",
    tests: [INBOX_PROGRESS_TEST],
  },
  {
    id: "decisions-progress-backlog-without-late",
    does: "Inputs of a catch-up do not count in the backlog.",
    file: INBOX_PROGRESS,
    find: "return this.pending.size + this.late.size;",
    replace: "return this.pending.size;",
    tests: [INBOX_PROGRESS_TEST],
  },
  {
    id: "decisions-progress-late-twice",
    does: "A late input that is begun again holds the checkpoint for ever.",
    file: INBOX_PROGRESS,
    find: "if (sequence > 0 && !this.late.has(sequence)) this.pending.add(sequence);",
    replace: "if (sequence > 0) this.pending.add(sequence);",
    tests: [INBOX_PROGRESS_TEST],
  },
  {
    id: "decisions-progress-counts-calls",
    does: "Inputs that are not of the inbox hold the checkpoint at 0.",
    file: INBOX_PROGRESS,
    find: "if (sequence > 0 && !this.late.has(sequence))",
    replace: "if (!this.late.has(sequence))",
    tests: [INBOX_PROGRESS_TEST],
  },
  {
    id: "decisions-progress-late-under-way",
    does: "A late input that is under way already is begun a second time.",
    file: INBOX_PROGRESS,
    find: "if (this.pending.has(sequence) || this.late.has(sequence)) return false;",
    replace: "if (this.late.has(sequence)) return false;",
    tests: [INBOX_PROGRESS_TEST],
  },
  {
    id: "decisions-progress-late-not-reported",
    does: "The end of a late input is not reported to its catch-up.",
    file: INBOX_PROGRESS,
    find: `    late?.();
`,
    replace: `    if (this.pending.size > 0) late?.();
`,
    tests: [INBOX_PROGRESS_TEST],
  },
  {
    id: "decisions-replies-mismatch-served",
    does: "A start with another body is answered as a repeat.",
    file: REPLIES,
    find: "if (acked.request !== input.request) {",
    replace: "if (input.request === undefined && acked.request !== input.request) {",
    tests: [REPLIES_TEST],
  },
  {
    id: "decisions-replies-repeat-as-first",
    does: "The repeat of a start is answered as if it created the actor.",
    file: REPLIES,
    find: "this.answer(activation, pending, true);",
    replace: "this.answer(activation, pending, false);",
    tests: [REPLIES_TEST],
  },
  {
    id: "decisions-replies-at-once",
    does: "A caller that waits gets the state before the actor has settled.",
    file: REPLIES,
    find: "if (settled || pending.waitMs <= 0 || activation.isRetired()) {",
    replace: "if (settled || pending.waitMs >= 0 || activation.isRetired()) {",
    tests: [REPLIES_TEST],
  },
  {
    id: "decisions-replies-first-change",
    does: "A caller is answered with the next state, settled or not.",
    file: REPLIES,
    find: "if (!activation.isRetired() && !timedOut && !this.definition.settled(now.machines)) return;",
    replace: "if (!activation.isRetired() && !timedOut && this.definition.settled(state.machines)) return;",
    tests: [REPLIES_TEST],
  },
  {
    id: "decisions-replies-old-state",
    does: "A caller whose wait is over gets the state with which its wait began.",
    file: REPLIES,
    find: "const now = activation.acked ?? state;",
    replace: "const now = timedOut ? state : (activation.acked ?? state);",
    tests: [REPLIES_TEST],
  },
  {
    id: "decisions-replies-limit-kept",
    does: "The time limit of a caller that was answered is not cancelled.",
    file: REPLIES,
    find: `      cancel();
      activation.removeWaiter(finish);`,
    replace: `      if (timedOut) cancel();
      activation.removeWaiter(finish);`,
    tests: [REPLIES_TEST],
  },
  {
    id: "decisions-replies-waiter-kept",
    does: "A caller that was answered keeps its actor in memory.",
    file: REPLIES,
    find: `      cancel();
      activation.removeWaiter(finish);`,
    replace: `      cancel();
      if (timedOut) activation.removeWaiter(finish);`,
    tests: [REPLIES_TEST],
  },
  {
    id: "decisions-replies-retired-waits",
    does: "A caller whose activation was replaced waits for its whole time.",
    file: REPLIES,
    find: "if (!activation.isRetired() && !timedOut && !this",
    replace: "if (!timedOut && !this",
    tests: [REPLIES_TEST],
  },
  {
    id: "decisions-replies-wait-forever",
    does: "A caller waits without a limit for an actor that does not settle.",
    file: REPLIES,
    find: `      timedOut = true;
      finish();`,
    replace: `      timedOut = true;
      if (activation.isRetired()) finish();`,
    tests: [REPLIES_TEST],
  },
  {
    id: "decisions-replies-settled-always",
    does: "A reply says that the actor has settled although it has not.",
    file: REPLIES,
    find: 'return { status: "ok", snapshot, settled, repeated };',
    replace: 'return { status: "ok", snapshot, settled: settled || repeated, repeated };',
    tests: [REPLIES_TEST],
  },
  {
    id: "decisions-effects-start-after-close",
    does: "A tenure that is handed over starts effects.",
    file: TENURE_EFFECTS,
    find: `    if (this.closed) return;
`,
    replace: `    if (this.closed && resumed) return;
`,
    tests: [TENURE_EFFECTS_TEST],
  },
  {
    id: "decisions-effects-not-forgotten",
    does: "Effects of a tenure that has ended go on and deliver their outcomes.",
    file: TENURE_EFFECTS,
    find: "for (const key of this.started) this.effects.forget(key);",
    replace: "for (const key of this.started) if (this.started.size > 1) this.effects.forget(key);",
    tests: [TENURE_EFFECTS_TEST],
  },
  {
    id: "decisions-effects-ended-forgotten",
    does: "The end of a tenure forgets effects that have ended, which the next tenure of the node runs.",
    file: TENURE_EFFECTS,
    find: `        this.started.delete(key);
        done`,
    replace: "        done",
    tests: [TENURE_EFFECTS_TEST],
  },
  {
    id: "decisions-effects-resumed-lost",
    does: "An effect that an earlier owner may have started runs as a new one.",
    file: TENURE_EFFECTS,
    find: `      resumed,
      done`,
    replace: `      resumed: resumed && this.closed,
      done`,
    tests: [TENURE_EFFECTS_TEST],
  },
];

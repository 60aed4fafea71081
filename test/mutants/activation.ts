/** Planted bugs of an actor in memory: its phases, its mailbox, its commits and its waiters. */
import type { Mutant } from "./mutant.ts";

const ACTIVATION = "src/runtime/tenure/activation.ts";
const ACTIVATION_EVENTS_TEST = "test/unit/runtime/tenure/activation-events.test.ts";
const ACKNOWLEDGED_REPLIES_TEST = "test/unit/runtime/tenure/acknowledged-replies.test.ts";
const ACTIVATION_TEST = "test/unit/runtime/tenure/activation.test.ts";
const WRITE_SET_OUTCOMES_TEST = "test/unit/runtime/tenure/write-set-outcomes.test.ts";
const CATCH_UP_TEST = "test/unit/runtime/tenure/catch-up.test.ts";
const READS_TEST = "test/unit/runtime/tenure/reads.test.ts";

export const activationMutants: readonly Mutant[] = [
  {
    id: "activation-take-older",
    does: "An activation takes a state that is older than the record it knows of.",
    file: ACTIVATION,
    find: '(this.now === "absent" || this.now === "loading") && sequence >= this.at',
    replace: 'this.now === "absent" || (this.now === "loading" && sequence >= 0)',
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-take-exclusive",
    does: "An activation does not take the very record that it knows of.",
    file: ACTIVATION,
    find: "&& sequence >= this.at",
    replace: "&& sequence > this.at",
    tests: [ACKNOWLEDGED_REPLIES_TEST],
  },
  {
    id: "activation-overtakes-mailbox",
    does: "An input is decided at once although others wait in the mailbox.",
    file: ACTIVATION,
    find: 'return this.now === "ready" && this.mailbox.length === 0;',
    replace: 'return this.now === "ready";',
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-blank-while-required",
    does: "An activation that has to be loaded for its open effects counts as blank, and a start introduces it.",
    file: ACTIVATION,
    find: "!this.postponed && !this.required && this.mailbox.length === 0",
    replace: "!this.postponed && this.mailbox.length === 0",
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-evict-with-waiter",
    does: "An actor leaves memory while a caller waits for it to settle.",
    file: ACTIVATION,
    find: "this.isIdle() && this.waiters.size === 0 && !this.hasOpenWork()",
    replace: "this.isIdle() && !this.hasOpenWork()",
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-evict-with-effects",
    does: "An actor with open effects leaves memory, and the checkpoint does not list it.",
    file: ACTIVATION,
    find: "this.isIdle() && this.waiters.size === 0 && !this.hasOpenWork()",
    replace: "this.isIdle() && this.waiters.size === 0",
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-idle-ignores-predecessor",
    does: "Commits of a replaced activation do not count as under way.",
    file: ACTIVATION,
    find: "this.commits === 0 && this.predecessorCommits === 0 && this.mailbox.length === 0",
    replace: "this.commits === 0 && this.mailbox.length === 0",
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-idle-ignores-mailbox",
    does: "Inputs in the mailbox do not count as under way.",
    file: ACTIVATION,
    find: "this.commits === 0 && this.predecessorCommits === 0 && this.mailbox.length === 0",
    replace: "this.commits === 0 && this.predecessorCommits === 0",
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-required-not-open",
    does: "An activation that was replaced and not read again is not listed as open.",
    file: ACTIVATION,
    find: "return this.required || (this.acknowledged !== undefined && isOpen(this.acknowledged));",
    replace: "return this.acknowledged !== undefined && isOpen(this.acknowledged);",
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-expects-after-pending",
    does: "A write set after one that is pending expects the last acknowledged sequence and is refused.",
    file: ACTIVATION,
    find: "return this.commits > 0 ? undefined : this.at;",
    replace: "return this.commits > 1 ? undefined : this.at;",
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-resumes-known-outcome",
    does: "An effect whose outcome waits in the mailbox is run again after a load.",
    file: ACTIVATION,
    find: "return (this.acknowledged?.effects ?? []).filter((effect) => !isKnown(effect));",
    replace:
      "return (this.acknowledged?.effects ?? []).filter((effect) => !isKnown(effect) || !effect.abandoned);",
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-outcome-of-other-generation",
    does: "An outcome of an earlier generation in the mailbox keeps an open effect from being resumed.",
    file: ACTIVATION,
    find: 'input.kind === "effect" && input.id === id && input.generation === generation,',
    replace: 'input.kind === "effect" && input.id === id && input.generation <= generation,',
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-take-keeps-requirement",
    does: "An activation that was read still counts as one that has to be read, and never leaves memory.",
    file: ACTIVATION,
    find: `    this.required = false;
    this.postponed = false;`,
    replace: "    this.postponed = false;",
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-take-acknowledges-nothing",
    does: "The state that was read is not the acknowledged state.",
    file: ACTIVATION,
    find: `    this.acknowledged = head?.snapshot;
    this.at = sequence;`,
    replace: "    this.at = sequence;",
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-take-forgets-sequence",
    does: "The sequence of the record that was read is not kept.",
    file: ACTIVATION,
    find: `    this.at = sequence;
    this.becomeReady();`,
    replace: "    this.becomeReady();",
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-predecessor-first",
    does: "The replacement is read after the first commit of its predecessor, not after the last.",
    file: ACTIVATION,
    find: 'if (--this.predecessorCommits === 0) this.now = "absent";',
    replace: `this.predecessorCommits--;
    this.now = "absent";`,
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-predecessor-sequence",
    does: "The sequence of the predecessor's last record is not passed to the replacement.",
    file: ACTIVATION,
    find: "this.at = Math.max(this.at, sequence);",
    replace: "this.at = Math.max(this.at, 0 * sequence);",
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-replace-forgets-sequence",
    does: "The replacement does not know the last record of its predecessor.",
    file: ACTIVATION,
    find: "next.at = predecessor.at;",
    replace: "next.at = 0;",
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-replace-not-required",
    does: "The replacement of an activation is read only when an input comes.",
    file: ACTIVATION,
    find: `next.required = true;
    next.at`,
    replace: `next.required = predecessor.acknowledged === undefined;
    next.at`,
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-replace-waits-not",
    does: "The replacement is read before the commits of its predecessor are resolved.",
    file: ACTIVATION,
    find: 'if (next.predecessorCommits > 0) next.now = "replacing";',
    replace: 'if (next.predecessorCommits > 1) next.now = "replacing";',
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-mailbox-unordered",
    does: "An inbox input that is decided again goes to the end of the mailbox, after later ones.",
    file: ACTIVATION,
    find: "const at = pending.inbox > 0 ? mailbox.findIndex(isLater) : -1;",
    replace: "const at = pending.inbox > 0 && pending.attempts === 0 ? mailbox.findIndex(isLater) : -1;",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "activation-catch-up-after-commands",
    does: "A command that comes while the inbox is read is decided before what the inbox holds.",
    file: ACTIVATION,
    find: "inbox > pending.inbox || (first && inbox === 0)",
    replace: "inbox > pending.inbox || (!first && inbox < 0)",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "activation-next-while-blocked",
    does: "Inputs after a poisonous one are decided while it waits.",
    file: ACTIVATION,
    find: 'return this.now === "ready" ? this.mailbox.shift() : undefined;',
    replace: 'return this.now === "ready" || this.now === "blocked" ? this.mailbox.shift() : undefined;',
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-callers-reversed",
    does: "A failed load keeps the callers and drops the inputs that no caller repeats.",
    file: ACTIVATION,
    find: "this.mailbox = this.mailbox.filter((pending) => !hasCaller(pending));",
    replace: "this.mailbox = callers;",
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-submit-keeps-dependents",
    does: "Decisions on a new head are added to the dependents of the write set before it.",
    file: ACTIVATION,
    find: `this.commits++;
    this.dependents = dependents;`,
    replace: `this.commits++;
    if (this.commits === 1) this.dependents = dependents;`,
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-pass-over-nothing",
    does: "An inbox input that changed nothing does not move the inbox offset.",
    file: ACTIVATION,
    find: "{ ...newest, snapshot: { ...newest.snapshot, inbox } }",
    replace:
      "{ ...newest, snapshot: { ...newest.snapshot, inbox: newest.snapshot.inbox, version: inbox > 0 ? newest.snapshot.version : 0 } }",
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-follow-at-once",
    does: "What changes nothing is answered at once, although the state it was decided on is not acknowledged.",
    file: ACTIVATION,
    find: `if (this.commits > 0) this.dependents.push({ pending, confirmed });
    else confirmed();`,
    replace: `if (this.commits > 0 && pending.inbox > 0) this.dependents.push({ pending, confirmed });
    else confirmed();`,
    tests: [ACKNOWLEDGED_REPLIES_TEST],
  },
  {
    id: "activation-stored-acknowledges-head",
    does: "An acknowledgement makes the newest decided state the acknowledged one.",
    file: ACTIVATION,
    find: `this.acknowledged = snapshot;
    if (sequence`,
    replace: `this.acknowledged = this.newest?.snapshot ?? snapshot;
    if (sequence`,
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-stored-keeps-sequence",
    does: "The sequence of an acknowledged record is not kept.",
    file: ACTIVATION,
    find: "if (sequence !== undefined) this.at = sequence;",
    replace: "if (sequence !== undefined && this.at === 0) this.at = sequence;",
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-retire-wakes-none",
    does: "Callers that wait for an actor to settle are not answered when it leaves memory.",
    file: ACTIVATION,
    find: `    this.now = "retired";
    this.wakeWaiters();`,
    replace: '    this.now = "retired";',
    tests: [ACTIVATION_EVENTS_TEST],
  },
  {
    id: "activation-end-load-stays-loading",
    does: "A load that failed is never repeated.",
    file: ACTIVATION,
    find: 'if (this.now === "loading") this.now = "absent";',
    replace: 'if (this.now === "loading" && this.mailbox.length === 0) this.now = "absent";',
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-postponed-load",
    does: "A load begins although it was put off.",
    file: ACTIVATION,
    find: 'return this.now === "absent" && !this.postponed;',
    replace: 'return this.now === "absent";',
    tests: [ACTIVATION_TEST],
  },
  {
    id: "activation-catch-up-not-required",
    does: "After a catch-up of an empty inbox the actor's open effects are not resumed.",
    file: ACTIVATION,
    find: `this.required = true;
    if (this.now === "catching-up")`,
    replace: 'if (this.now === "catching-up")',
    tests: [READS_TEST],
  },
];

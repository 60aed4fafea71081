/** Planted bugs of deciding inputs: what is taken, introduced, set apart, refused and parked. */
import type { Mutant } from "./mutant.ts";

const INPUT_PROCESSOR = "src/runtime/tenure/input-processor.ts";
const READS_TEST = "test/unit/runtime/tenure/reads.test.ts";
const WRITE_SET_OUTCOMES_TEST = "test/unit/runtime/tenure/write-set-outcomes.test.ts";
const MAILBOX_ORDER_TEST = "test/unit/runtime/tenure/mailbox-order.test.ts";
const IDLE_TEST = "test/unit/runtime/tenure/idle.test.ts";
const OPERATOR_ACTIONS_TEST = "test/unit/runtime/tenure/operator-actions.test.ts";
const CATCH_UP_TEST = "test/unit/runtime/tenure/catch-up.test.ts";
const JOINED_PARTS_TEST = "test/unit/runtime/tenure/joined-parts.test.ts";

export const processorMutants: readonly Mutant[] = [
  {
    id: "processor-takes-after-end",
    does: "A tenure that has ended takes inputs.",
    file: INPUT_PROCESSOR,
    find: `    if (ended()) return pending.reply(notOwner);
    progress`,
    replace: `    if (ended() && pending.inbox > 0) return pending.reply(notOwner);
    progress`,
    tests: [READS_TEST],
  },
  {
    id: "processor-not-counted",
    does: "Only inputs that are decided at once count as under way.",
    file: INPUT_PROCESSOR,
    find: `    progress.begin(pending.inbox);
    const quarantined`,
    replace: `    if (activations.peek(actor)?.canProcess()) progress.begin(pending.inbox);
    const quarantined`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-parked-served",
    does: "An input reaches an actor whose parking is stored.",
    file: INPUT_PROCESSOR,
    find: `    if (quarantined) {
      parked.letGo`,
    replace: `    if (quarantined && quarantined.state !== "parked") {
      parked.letGo`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-parked-silent",
    does: "The caller of a parked actor gets no reply.",
    file: INPUT_PROCESSOR,
    find: `      pending.reply(parked.reply(quarantined));
      return;
    }
    const activation`,
    replace: `      if (pending.inbox > 0) pending.reply(parked.reply(quarantined));
      return;
    }
    const activation`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-introduces-existing",
    does: "A start that may be of an existing actor is decided without a read.",
    file: INPUT_PROCESSOR,
    find: '!pending.mayExist && pending.input.kind === "start"',
    replace: 'pending.input.kind === "start"',
    tests: [READS_TEST],
  },
  {
    id: "processor-enqueues-without-load",
    does: "An input that waits does not have its actor read.",
    file: INPUT_PROCESSOR,
    find: `      activation.enqueue(pending);
      void this.loader.load(activation);`,
    replace: `      activation.enqueue(pending);
      if (hasCaller(pending)) void this.loader.load(activation);`,
    tests: [MAILBOX_ORDER_TEST],
  },
  {
    id: "processor-drains-one",
    does: "One input is decided after a load, the others stay.",
    file: INPUT_PROCESSOR,
    find: `for (let pending = activation.next(); pending; pending = activation.next()) {
      this.process(activation, pending);
    }`,
    replace: `const pending = activation.next();
    if (pending) this.process(activation, pending);`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-load-end-no-idle",
    does: "The end of a load does not report that the tenure may be idle.",
    file: INPUT_PROCESSOR,
    find: `    this.drainMailbox(activation);
    this.options.mayBeIdle();`,
    replace: "    this.drainMailbox(activation);",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-load-failed-no-idle",
    does: "A load that failed does not report that the tenure may be idle.",
    file: INPUT_PROCESSOR,
    find: `  loadFailed(): void {
    this.options.mayBeIdle();`,
    replace: `  loadFailed(): void {
    if (this.options.activations.size > 0) this.options.mayBeIdle();`,
    tests: [IDLE_TEST],
  },
  {
    id: "processor-unreadable-no-idle",
    does: "An actor that is set apart does not report that the tenure may be idle.",
    file: INPUT_PROCESSOR,
    find: `    this.remove(activation);
    this.options.mayBeIdle();`,
    replace: "    this.remove(activation);",
    tests: [IDLE_TEST],
  },
  {
    id: "processor-newer-parked",
    does: "An actor that a newer machine has written is parked.",
    file: INPUT_PROCESSOR,
    find: "    parked.quarantine(actor, error);\n",
    replace:
      "    const what = { actor, reason: error.message, version: 0, record: 0 };\n" +
      '    parked.park(what, { input: { kind: "skip", skipped: { kind: "event", id: "x" }, name: "x" }, inbox: 0 });\n',
    tests: [IDLE_TEST],
  },
  {
    id: "processor-newer-silent",
    does: "A newer machine's actor is not reported to the node.",
    file: INPUT_PROCESSOR,
    find: "    onUnreadable();\n",
    replace: "    if (parked.counts().newer > 1) onUnreadable();\n",
    tests: [IDLE_TEST],
  },
  {
    id: "processor-ignored-not-passed",
    does: "An inbox input that nothing takes does not move the head's inbox offset.",
    file: INPUT_PROCESSOR,
    find: 'if (decision.kind === "ignored" && pending.inbox > 0) activation.passOver(pending.inbox);',
    replace: 'if (decision.kind === "repeated" && pending.inbox > 0) activation.passOver(pending.inbox);',
    tests: [READS_TEST],
  },
  {
    id: "processor-follow-not-done",
    does: "An inbox input that wrote nothing stays under way.",
    file: INPUT_PROCESSOR,
    find: `    activation.follow(pending, () => {
      progress.done(pending.inbox);
      if`,
    replace: `    activation.follow(pending, () => {
      if (decision.kind !== "evaluated") progress.done(pending.inbox);
      if`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-illegal-head",
    does: "An illegal command is answered with the newest decided state.",
    file: INPUT_PROCESSOR,
    find: 'pending.reply({ status: "illegal", snapshot: activation.acked });',
    replace: 'pending.reply({ status: "illegal", snapshot: activation.head?.snapshot ?? activation.acked });',
    tests: [READS_TEST],
  },
  {
    id: "processor-not-found-silent",
    does: "An input for an actor that does not exist gets no reply.",
    file: INPUT_PROCESSOR,
    find: 'else if (decision.kind === "not_found") pending.reply(notFound);',
    replace: 'else if (decision.kind === "not_found" && activation.acked) pending.reply(notFound);',
    tests: [READS_TEST],
  },
  {
    id: "processor-repeat-not-repeated",
    does: "The repeat of a command is answered as if it were the first.",
    file: INPUT_PROCESSOR,
    find: "replies.answer(activation, pending, true);",
    replace: "replies.answer(activation, pending, pending.repeated === true);",
    tests: [READS_TEST],
  },
  {
    id: "processor-joined-kept",
    does: "A joined decision whose write set is too large keeps its allocation.",
    file: INPUT_PROCESSOR,
    find: `      for (const part of result.joined) part.resolved(false);
`,
    replace: "",
    tests: [READS_TEST],
  },
  {
    id: "processor-poison-no-block",
    does: "Inputs after a poisonous one are decided before it is certain, and move the inbox offset past it.",
    file: INPUT_PROCESSOR,
    find: "if (!hasCaller(pending)) activation.block();",
    replace: "if (hasCaller(pending)) activation.block();",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-poison-at-once",
    does: "A poisonous input parks its actor although the head that it was decided on may be dropped.",
    file: INPUT_PROCESSOR,
    find: "activation.follow(pending, () => this.refused(activation, pending, error));",
    replace: "this.refused(activation, pending, error);",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-caller-parks",
    does: "A command that cannot be applied parks its actor.",
    file: INPUT_PROCESSOR,
    find: `if (hasCaller(pending)) pending.reply({ status: "refused", code: "input_refused", reason });
    else`,
    replace: `if (hasCaller(pending)) pending.reply({ status: "refused", code: "input_refused", reason });
    if (kind !== "start")`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-park-forgets-input",
    does: "A parking does not name the input that caused it.",
    file: INPUT_PROCESSOR,
    find: "parked.park({ actor, reason, version, record: sequence }, pending);",
    replace:
      "parked.park({ actor, reason, version, record: sequence }, pending.inbox > 0 ? { ...pending, inbox: 0 } : pending);",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-park-record",
    does: "A parking does not state the sequence of the last good record.",
    file: INPUT_PROCESSOR,
    find: "parked.park({ actor, reason, version, record: sequence }, pending);",
    replace: "parked.park({ actor, reason, version, record: 0 * sequence }, pending);",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "processor-park-leaves-mailbox",
    does: "Inputs that wait for a poisonous one are lost when it parks the actor.",
    file: INPUT_PROCESSOR,
    find: "for (const pending of activation.takeMailbox()) this.dispatch(activation.actor, pending);",
    replace:
      "for (const pending of activation.takeMailbox()) if (hasCaller(pending)) this.dispatch(activation.actor, pending);",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-park-keeps-replacement",
    does: "An actor that is parked by a refused record stays in memory as its replacement.",
    file: INPUT_PROCESSOR,
    find: "this.remove(activations.peek(actor) ?? activation);",
    replace: "if (!activations.peek(actor)) this.remove(activation);",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "processor-outcome-of-other-generation",
    does: "An outcome names the effect's id and no generation of its own.",
    file: INPUT_PROCESSOR,
    find: "const { generation, id } = effect;",
    replace: "const { id, generation } = { ...effect, generation: effect.generation - (resumed ? 1 : 0) };",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "processor-parts-of-too-large-write-set-kept",
    does: "What joined a write set that is too large is never released.",
    file: INPUT_PROCESSOR,
    find: "      for (const part of result.joined) part.resolved(false);\n",
    replace: "",
    tests: [JOINED_PARTS_TEST],
  },
];

/** Planted bugs of dry runs: what they change, and what they say that is not so. */
import type { Mutant } from "./mutant.ts";

const DRY_RUN = "src/runtime/actor/dry-run.ts";
const GUARDS = "src/runtime/actor/guards.ts";
const NEXT_STEPS = "src/runtime/actor/next-steps.ts";
const TENURE = "src/runtime/tenure/tenure.ts";
const ROUTED = "src/runtime/routing/dry-runs.ts";
const PREDICTIONS = "src/services/orders/order-predictor.ts";
const ROUTED_TEST = "test/unit/runtime/routing/dry-runs.test.ts";
const GUARDS_TEST = "test/unit/runtime/actor/guards.test.ts";
const NEXT_STEPS_TEST = "test/unit/runtime/actor/next-steps.test.ts";
const PREDICTED_TEST = "test/unit/services/orders/predicted.test.ts";
const PREDICTIONS_TEST = "test/unit/services/orders/order-predictor.test.ts";
const CONDITIONAL_TEST = "test/unit/runtime/tenure/conditional-commands.test.ts";
const NODES_TEST = "test/integration/nodes/dry-runs.test.ts";

export const dryRunMutants: readonly Mutant[] = [
  {
    id: "dryrun-writes",
    does: "A dry run of a command is dispatched as well, so that it is written.",
    file: TENURE,
    find: '    const before = reply.status === "ok" ? reply.snapshot : undefined;',
    replace: `    const before = reply.status === "ok" ? reply.snapshot : undefined;
    if (input.kind === "command")
      this.dispatch(actor, fireAndForget({ ...input, kind: "command", commandId: "dry" }));`,
    tests: [ROUTED_TEST],
  },
  {
    id: "dryrun-uses-a-version",
    does: "What a dry run has predicted is the state of the next one.",
    file: DRY_RUN,
    find: "  const head = before && restore(observed, before, before.facts);",
    replace: `  const head = before && restore(observed, { ...before, version: before.version + 1 }, before.facts);`,
    tests: [PREDICTED_TEST, ROUTED_TEST],
  },
  {
    id: "dryrun-inverted-verdict",
    does: "A condition that says no is shown as one that said yes.",
    file: GUARDS,
    find: "guard, verdict });",
    replace: "guard, verdict: !verdict });",
    tests: [GUARDS_TEST],
  },
  {
    id: "dryrun-outermost-condition-first",
    does: "A condition is shown in an outer state that has one of the same name.",
    file: GUARDS,
    find: ".toSorted((a, b) => b.source.length - a.source.length)",
    replace: "",
    tests: [GUARDS_TEST],
  },
  {
    id: "dryrun-observes-the-real-machine",
    does: "A dry run steps the machines themselves, and sees no condition.",
    file: GUARDS,
    find: "machine: copyOf(name, entry.machine)",
    replace: `machine: name === "" ? copyOf(name, entry.machine) : entry.machine`,
    tests: [GUARDS_TEST],
  },
  {
    id: "dryrun-joins-for-good",
    does: "A dry run of a cancellation lets the inventory of its own node release the stock.",
    file: TENURE,
    find: "return definition.effects[src]?.join?.predict?.({ actor, key, input: asked, facts, first });",
    replace: "return definition.effects[src]?.join?.decide({ actor, key, input: asked, facts, first });",
    tests: [NODES_TEST],
  },
  {
    id: "dryrun-parked-as-free",
    does: "A parked actor is predicted as if its inputs were applied.",
    file: TENURE,
    find: "    if (quarantined) return refusalOf(this.parked.reply(quarantined));\n    const isNew",
    replace: "    const isNew",
    tests: [ROUTED_TEST],
  },
  {
    id: "dryrun-simulation-without-end",
    does: "A simulation goes on although its time is up.",
    file: "src/runtime/actor/simulation.ts",
    find: "    if (!goesOn()) return;",
    replace: "    goesOn();",
    tests: ["test/unit/runtime/actor/simulation.test.ts"],
  },
  {
    id: "dryrun-simulated-time-stands-still",
    does: "A simulated timer fires without the time going on to its due time.",
    file: "src/runtime/actor/simulation.ts",
    find: "this.now = Math.max(this.now, dueAt);",
    replace: "this.now = Math.min(this.now, dueAt);",
    tests: ["test/unit/runtime/actor/simulation.test.ts"],
  },
  {
    id: "dryrun-chart-without-actions",
    does: "A chart shows the actions of the first transition for every one of its event.",
    file: "src/runtime/actor/chart.ts",
    find: "siblings?.[edge.index]?.actions",
    replace: "siblings?.[0]?.actions",
    tests: ["test/unit/runtime/actor/chart.test.ts"],
  },
  {
    id: "dryrun-condition-ignored",
    does: "A command is applied whatever version it is for.",
    file: "src/runtime/tenure/decision.ts",
    find: "if (before && pending.ifVersions?.includes(before.version) === false)",
    replace: "if (before && pending.ifVersions?.includes(-1))",
    tests: [CONDITIONAL_TEST],
  },
  {
    id: "dryrun-condition-before-repetition",
    does: "The repetition of a command for one version is refused, because the command itself has made another one.",
    file: "src/runtime/tenure/decision.ts",
    find: `  if (before && known) return { kind: "repeated" };`,
    replace: `  if (before && known && !pending.ifVersions) return { kind: "repeated" };`,
    tests: [CONDITIONAL_TEST],
  },
  {
    id: "dryrun-key-of-another-command",
    does: "A command under the key of another one is applied.",
    file: "src/runtime/actor/input.ts",
    find: "return end > 0 && id !== known &&",
    replace: "return end < 0 && id !== known &&",
    tests: [CONDITIONAL_TEST],
  },
  {
    id: "dryrun-key-forgotten-after-sixteen",
    does: "A key is known only as long as the actor remembers its latest commands.",
    file: "src/services/orders/orders.ts",
    find: "hasPassed || version > limits.recentCommands",
    replace: "hasPassed || version < limits.recentCommands",
    tests: ["test/unit/services/orders/command-keys.test.ts"],
  },
  {
    id: "dryrun-waits-for-an-owner",
    does: "Without an owner that knows dry runs there is no answer.",
    file: ROUTED,
    find: `  return reply.status === "unavailable" && reply.unreadable === undefined ? undefined : reply;`,
    replace: "  return reply;",
    tests: [ROUTED_TEST],
  },
  {
    id: "dryrun-of-the-first-reservation",
    does: "A repetition of a request is predicted as a new order.",
    file: DRY_RUN,
    find: `  if (before && input.kind === "start") {`,
    replace: `  if (before && input.kind === "start" && input.request === "none") {`,
    tests: [ROUTED_TEST],
  },
  {
    id: "dryrun-shows-inputs-whole",
    does: "Secrets and personal data in the inputs of calls are shown.",
    file: "src/services/orders/masking.ts",
    find: "hidden.has(field) ? MASKED : masked(one)",
    replace: `hidden.has(field) && field === "" ? MASKED : masked(one)`,
    tests: [PREDICTIONS_TEST],
  },
  {
    id: "dryrun-sends-the-customer",
    does: "A dry run of a new order takes the customer's data to the owner, unsealed.",
    file: PREDICTIONS,
    find: "orderInput(id, maskedOrder(order), ",
    replace: "orderInput(id, { ...maskedOrder(order), ...order }, ",
    tests: [PREDICTIONS_TEST],
  },
  {
    id: "dryrun-retry-of-the-payment-only",
    does: "A retry of a failed label is predicted as refused.",
    file: PREDICTIONS,
    find: "if (right.machine !== to.machine) {",
    replace: `if (right.machine === "order") {`,
    tests: [PREDICTIONS_TEST],
  },
  {
    id: "dryrun-next-answers-unread",
    does: "What a condition answers for an event that has not happened is shown as if it had.",
    file: NEXT_STEPS,
    find: "    return event.wasRead ? null : answer;",
    replace: "    return answer;",
    tests: [NEXT_STEPS_TEST],
  },
  {
    id: "dryrun-next-ignores-order",
    does: "A transition is shown as possible although one before it takes its event.",
    file: NEXT_STEPS,
    find: "before === true ? false : answerOf",
    replace: "answerOf",
    tests: [NEXT_STEPS_TEST],
  },
];

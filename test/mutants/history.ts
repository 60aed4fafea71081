/** Planted bugs of what records say about their commits: edges, who asked and why, how long calls took. */
import type { Mutant } from "./mutant.ts";

const MACHINE = "src/runtime/actor/machine.ts";
const EDGES = "src/runtime/actor/edges.ts";
const CHANGES = "src/runtime/actor/record-changes.ts";
const CASCADE = "src/runtime/actor/cascade.ts";
const ITEM = "src/services/orders/history.ts";
const EDGES_TEST = "test/unit/runtime/actor/edges.test.ts";
const CHANGES_TEST = "test/unit/runtime/actor/record-changes.test.ts";
const CASCADE_TEST = "test/unit/runtime/actor/cascade.test.ts";
const EFFECTS_TEST = "test/unit/runtime/effects/effect-runner.test.ts";
const ASKED_TEST = "test/unit/runtime/asked.test.ts";
const ITEM_TEST = "test/unit/services/orders/history.test.ts";
const ORDERS_TEST = "test/unit/services/orders/orders.test.ts";
const WALK_TEST = "test/unit/machines/walk.test.ts";
const CODEC_TEST = "test/unit/runtime/routing/request-codec.test.ts";
const COMMANDS_TEST = "test/integration/http/commands.test.ts";

export const historyMutants: readonly Mutant[] = [
  {
    id: "history-edges-of-the-step-before",
    does: "A step also names the edges of the step before it.",
    file: MACHINE,
    find: "  taken = [];\n",
    replace: "",
    tests: [EDGES_TEST],
  },
  {
    id: "history-first-edge-only",
    does: "What follows an event's transition by itself is not named.",
    file: MACHINE,
    find: "for (const transition of event._transitions) taken.push",
    replace: "if (taken.length === 0) for (const transition of event._transitions) taken.push",
    tests: [EDGES_TEST, WALK_TEST],
  },
  {
    id: "history-edge-of-another-alternative",
    does: "Every alternative of an event has the id of the first one.",
    file: EDGES,
    find: "siblings?.indexOf(transition) ?? -1",
    replace: "siblings?.indexOf(siblings[0] ?? transition) ?? -1",
    tests: [EDGES_TEST],
  },
  {
    id: "history-edges-of-the-outer-states-only",
    does: "A chart lacks the edges of nested states.",
    file: EDGES,
    find: "for (const child of Object.values(node.states)) visit(child);",
    replace: "if (node.parent === undefined) for (const child of Object.values(node.states)) visit(child);",
    tests: [EDGES_TEST, WALK_TEST],
  },
  {
    id: "history-event-of-a-wildcard-lost",
    does: "A step that an edge for any event took does not say which event it was.",
    file: EDGES,
    find: "event === implied ? {} : { event }",
    replace: "implied === event || edges.length > 0 ? {} : { event }",
    tests: [EDGES_TEST],
  },
  {
    id: "history-staying-step-not-recorded",
    does: "A transition that stays in its state is not in the record.",
    file: CASCADE,
    find: "step.edges.length > 0 || !sameValue",
    replace: "!sameValue",
    tests: [EDGES_TEST, CASCADE_TEST],
  },
  {
    id: "history-sent-the-other-way",
    does: "The record names the receiver of an emitted event as its sender.",
    file: CASCADE,
    find: "this.sent.push([machine, listener, ",
    replace: "this.sent.push([listener, machine, ",
    tests: [CASCADE_TEST],
  },
  {
    id: "history-empty-lists-stored",
    does: "Every record has the lists that are empty.",
    file: CHANGES,
    find: "return list.length > 0 ?",
    replace: "return list.length >= 0 ?",
    tests: [CHANGES_TEST],
  },
  {
    id: "history-last-step-of-the-record-only",
    does: "Only the last step of all machines leaves its state to the snapshot.",
    file: CHANGES,
    find: "later > place && machine === step.machine",
    replace: "later > place && machine !== ''",
    tests: [CHANGES_TEST],
  },
  {
    id: "history-asker-not-recorded",
    does: "A record does not say who asked.",
    file: CHANGES,
    find: `...(input.kind === "start" || input.kind === "command" || input.kind === "skip" ? askedOf(input) : {}),`,
    replace: "",
    tests: [CHANGES_TEST, ASKED_TEST],
  },
  {
    id: "history-asker-lost-at-the-owner",
    does: "The owner drops who asked for a command.",
    file: "src/runtime/partition/partition.ts",
    find: "const asked = askedOf(request);",
    replace: "const asked = askedOf({});",
    tests: [ASKED_TEST],
  },
  {
    id: "history-any-asker",
    does: "A request is accepted whatever it names as the one who asked.",
    file: "src/runtime/actor/input.ts",
    find: `isObject(by) && typeof by["kind"] === "string" &&`,
    replace: "isObject(by) &&",
    tests: [CODEC_TEST, CHANGES_TEST],
  },
  {
    id: "history-duration-of-the-last-try",
    does: "Only the last call counts for how long a run took.",
    file: "src/runtime/effects/effect-runner.ts",
    find: "timed.begunAt ??= ",
    replace: "timed.begunAt = ",
    tests: [EFFECTS_TEST],
  },
  {
    id: "history-duration-of-a-resumed-call",
    does: "A call that an earlier owner began counts from the takeover.",
    file: "src/runtime/effects/effect-runner.ts",
    find: "if (begunAt === undefined || run.resumed) return run.done(outcome);",
    replace: "if (begunAt === undefined) return run.done(outcome);",
    tests: [EFFECTS_TEST, ASKED_TEST],
  },
  {
    id: "history-duration-lost",
    does: "The record of an outcome does not say how long the call took.",
    file: CHANGES,
    find: "...(durationMs === undefined ? {} : { durationMs }),\n    transitions: transitions.map(w",
    replace: "transitions: transitions.map(w",
    tests: [CHANGES_TEST, ASKED_TEST],
  },
  {
    id: "history-reason-not-passed-on",
    does: "The reason of a command is not in its record.",
    file: "src/services/orders/orders.ts",
    find: `      ...(reason === undefined ? {} : { reason }),\n`,
    replace: "",
    tests: [ORDERS_TEST],
  },
  {
    id: "history-caller-not-passed-on",
    does: "The HTTP API does not say who sends a command.",
    file: "src/http/orders/order-commands.ts",
    find: "{ by: requesterOf(request), ...how }",
    replace: "{ ...(requesterOf(request) && {}), ...how }",
    tests: [COMMANDS_TEST],
  },
  {
    id: "history-worker-as-provider",
    does: "The invoice worker counts as an outside system.",
    file: ITEM,
    find: `kind: sender === INVOICE_WORKER ? "worker" : "provider"`,
    replace: `kind: "provider"`,
    tests: [ITEM_TEST],
  },
  {
    id: "history-page-begins-with-the-last-item",
    does: "A page begins with the item that ended the page before.",
    file: ITEM,
    find: "({ version }) => version > after",
    replace: "({ version }) => after === 0 || version >= after",
    tests: [ITEM_TEST],
  },
  {
    id: "history-last-page-not-known",
    does: "A full page that is the last one names a next one.",
    file: ITEM,
    find: "nextAfter: rest.length > page.length ?",
    replace: "nextAfter: page.length >= limit ?",
    tests: [ITEM_TEST],
  },
  {
    id: "history-edge-of-the-end",
    does: "A step shows its last edge as the one that took the event.",
    file: ITEM,
    find: "const [edge] = edges;",
    replace: "const edge = edges.at(-1);",
    tests: [ITEM_TEST],
  },
];

/** Planted bugs of facts: what is stored once beside the records. */
import type { Mutant } from "./mutant.ts";

const CASCADE = "src/runtime/actor/cascade.ts";
const RESTORE = "src/runtime/actor/restore.ts";
const LOADER = "src/runtime/tenure/loader.ts";
const PROCESSOR = "src/runtime/tenure/input-processor.ts";
const ORDER_FACTS = "src/services/orders/facts.ts";
const READER = "src/services/orders/facts-reader.ts";
const TEST = "test/unit/runtime/tenure/facts.test.ts";
const ORDERS_TEST = "test/unit/services/orders/facts.test.ts";

export const factsMutants: readonly Mutant[] = [
  {
    id: "facts-stored-with-every-record",
    does: "Every record stores the facts again.",
    file: CASCADE,
    find: "return before && version > 0 && data === this.facts ?",
    replace: "return before && version < 0 && data === this.facts ?",
    tests: [TEST],
  },
  {
    id: "facts-of-an-earlier-definition-never-stored",
    does: "The facts of an order of an earlier definition are lost with its next record.",
    file: CASCADE,
    find: "return before && version > 0 && data === this.facts ?",
    replace: "return before && data === this.facts ?",
    tests: [TEST],
  },
  {
    id: "facts-unchanged-by-events",
    does: "An order keeps the lines without prices.",
    file: CASCADE,
    find: "if (change && this.facts) this.facts = change(this.facts, event);",
    replace: "if (change && this.facts) change(this.facts, event);",
    tests: [TEST],
  },
  {
    id: "facts-of-another-version-believed",
    does: "A record is read with facts that are not its own.",
    file: RESTORE,
    find: "if (stored?.version === named.version) return stored;",
    replace: "if (stored) return stored;",
    tests: [TEST],
  },
  {
    id: "facts-not-read",
    does: "An order is loaded without its facts.",
    file: LOADER,
    find: "const facts = definition.facts ? [subjects.factsOf(partition, actor)] : [];",
    replace: "const facts = definition.facts ? [subjects.facts(partition, actor, actor)] : [];",
    tests: [TEST],
  },
  {
    id: "facts-in-every-record",
    does: "A record repeats the facts.",
    file: "src/runtime/actor/record-encoding.ts",
    find: 'if (snapshot.facts !== undefined) short["facts"] = snapshot.facts.version;',
    replace: 'if (snapshot.facts !== undefined) short["facts"] = snapshot.facts;',
    tests: [TEST],
  },
  {
    id: "facts-missing-in-a-resumed-effect",
    does: "A label that a new owner requests has no address.",
    file: PROCESSOR,
    find: "this.run(activation, effect, activation.acked?.facts, true);",
    replace: "this.run(activation, effect, undefined, true);",
    tests: [TEST],
  },
  {
    id: "facts-old-reading-believed",
    does: "A mail is refused because a replica had the lines without prices.",
    file: READER,
    find: "if (newest === undefined || newest.version < version)",
    replace: "if (newest === undefined)",
    tests: [ORDERS_TEST],
  },
  {
    id: "facts-person-in-every-event",
    does: "Events carry names and addresses.",
    file: ORDER_FACTS,
    find: "const customer = facts.wide ? customerOf(openFacts(facts)) : facts.customer;",
    replace: "const customer = customerOf(openFacts(facts));",
    tests: [ORDERS_TEST],
  },
  {
    id: "facts-thin-events-for-an-earlier-node",
    does: "A worker of 0.1.0 refuses the events of orders that it should mail about.",
    file: ORDER_FACTS,
    find: "if (facts.wide && !isRefund)",
    replace: "if (facts.wide && isRefund)",
    tests: [ORDERS_TEST],
  },
];

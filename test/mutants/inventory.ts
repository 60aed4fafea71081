/** Planted bugs of the inventory: holds, the owner's tenure, write sets in flight, the client. */
import type { Mutant } from "./mutant.ts";

const SRC = "src/services/inventory";
const TESTS = "test/unit/services/inventory";
const HOLDS_TEST = `${TESTS}/shard-holds.test.ts`;
const JOINS_TEST = `${TESTS}/shard-joins.test.ts`;
const REFUSALS_TEST = `${TESTS}/shard-refusals.test.ts`;
const PUTS_TEST = `${TESTS}/shard-puts.test.ts`;
const OWNERSHIP_TEST = `${TESTS}/shard-ownership.test.ts`;
const CLIENT_TEST = `${TESTS}/client.test.ts`;
const SERVICE_TEST = `${TESTS}/service.test.ts`;
const QUEUE_TEST = `${TESTS}/keyed-queue.test.ts`;

export const inventoryMutants: readonly Mutant[] = [
  {
    id: "inventory-closed-hold-reserves-again",
    does: "A reservation that arrives after the release takes stock for an order that has ended.",
    file: `${SRC}/hold-decisions.ts`,
    find: `if (hold.state !== "none") return { output: { outcome: "closed", as: hold.state } };`,
    replace: `if (hold.state === "shipped") return { output: { outcome: "closed", as: hold.state } };`,
    tests: [HOLDS_TEST],
  },
  {
    id: "inventory-refused-hold-decided-again",
    does: "A repeated reservation that was refused is decided again.",
    file: `${SRC}/hold-decisions.ts`,
    find: `  if (hold.state === "refused") return { output: refusalOf(hold.stored) };
  if (hold.state !== "none") return`,
    replace: `  if (hold.state === "refused" && hold.stored.refusal === undefined) return { output: refusalOf(hold.stored) };
  if (hold.state === "released" || hold.state === "shipped") return`,
    tests: [REFUSALS_TEST],
  },
  {
    id: "inventory-refusal-not-stored",
    does: "A refusal leaves no tombstone, so a late try of the same reservation takes stock.",
    file: `${SRC}/hold-decisions.ts`,
    find: `    return {
      output,
      write: write({ orderId, state: "refused", lines: [], total: null, refusal: output }, 0),
    };`,
    replace: "    return { output };",
    tests: [REFUSALS_TEST],
  },
  {
    id: "inventory-release-without-tombstone",
    does: "A release without a hold stores nothing, so a reservation in flight takes stock afterward.",
    file: `${SRC}/hold-decisions.ts`,
    find: `      ? { output, write: write({ orderId, state: as, lines: [], total: null }, 0) }`,
    replace: `      ? { output }`,
    tests: [HOLDS_TEST],
  },
  {
    id: "inventory-hold-ends-as-asked",
    does: "A hold that was shipped is answered as released when a release comes later.",
    file: `${SRC}/hold-decisions.ts`,
    find: `return { output: { outcome: hold.state } };`,
    replace: `return { output: { outcome: as } };`,
    tests: [HOLDS_TEST],
  },
  {
    id: "inventory-end-without-precondition",
    does: "The end of a hold is written under the precondition of an order without a hold.",
    file: `${SRC}/hold-decisions.ts`,
    find: "write({ orderId, state: as, lines, total }, hold.sequence, { kind, orderId, lines })",
    replace: "write({ orderId, state: as, lines, total }, 0, { kind, orderId, lines })",
    tests: [HOLDS_TEST],
  },
  {
    id: "inventory-joins-into-busy-order",
    does: "A decision joins while another one about the same order is in flight.",
    file: `${SRC}/shard-tenure.ts`,
    find: "return this.open && !this.queue.busy(orderId) && this.pending",
    replace: "return this.open && !this.queue.busy(`hold.${orderId}`) && this.pending",
    tests: [JOINS_TEST],
  },
  {
    id: "inventory-draining-shard-joins",
    does: "A shard that is being handed over still joins decisions.",
    file: `${SRC}/shard-tenure.ts`,
    find: "return this.open && !this.queue.busy(orderId)",
    replace: `return this.state !== "closed" && !this.queue.busy(orderId)`,
    tests: [OWNERSHIP_TEST],
  },
  {
    id: "inventory-dropped-hold-remembered",
    does: "A hold whose write was dropped is remembered as stored.",
    file: `${SRC}/shard-tenure.ts`,
    find: `    this.remember(orderId, undefined, undefined);
    return fate.status`,
    replace: `    this.remember(orderId, write, write.expected);
    return fate.status`,
    tests: [HOLDS_TEST],
  },
  {
    id: "inventory-dropped-join-remembered",
    does: "A joined hold whose commit was dropped is remembered as stored.",
    file: `${SRC}/shard-tenure.ts`,
    find: "this.remember(orderId, committed ? write : undefined, sequences?.get(write.message.subject));",
    replace:
      "this.remember(orderId, write, committed ? sequences?.get(write.message.subject) : write.expected);",
    tests: [JOINS_TEST],
  },
  {
    id: "inventory-unread-hold-is-none",
    does: "A hold that may be stored counts as none when the order says that it is new.",
    file: `${SRC}/shard-tenure.ts`,
    find: "if (fresh && recent === undefined) return NO_HOLD;",
    replace: "if (fresh) return NO_HOLD;",
    tests: [REFUSALS_TEST],
  },
  {
    id: "inventory-later-refusal-joins-unwritten",
    does: "A refusal in a later record of an order is not stored with it.",
    file: `${SRC}/shard-tenure.ts`,
    find: `first && output.outcome !== "reserved" ? { output }`,
    replace: `(first || output.outcome !== "reserved") && write?.change === undefined ? { output }`,
    tests: [REFUSALS_TEST],
  },
  {
    id: "inventory-drain-ignores-joined",
    does: "A hand-over does not wait for joined decisions that are in flight.",
    file: `${SRC}/shard-tenure.ts`,
    find: "if (this.active === 0 && this.pending.unresolved === 0) this.idle?.();",
    replace: "if (this.active === 0) this.idle?.();",
    tests: [OWNERSHIP_TEST],
  },
  {
    id: "inventory-waiter-decides-after-loss",
    does: "A caller that waited in the queue is decided after the shard was lost.",
    file: `${SRC}/shard-tenure.ts`,
    find: `        if (!this.open) return { status: "not_owner" };
        const answer`,
    replace: "        const answer",
    tests: [OWNERSHIP_TEST],
  },
  {
    id: "inventory-bound-passed-by-one",
    does: "One decision more than the bound is in flight.",
    file: `${SRC}/shard-tenure.ts`,
    find: "if (this.pending.unresolved >= this.limits.unresolved) return",
    replace: "if (this.pending.unresolved > this.limits.unresolved) return",
    tests: [HOLDS_TEST],
  },
  {
    id: "inventory-one-attempt-too-many",
    does: "A decision that is overtaken is tried once more than the bound.",
    file: `${SRC}/shard-tenure.ts`,
    find: "number <= this.limits.attempts",
    replace: "number <= this.limits.attempts + 1",
    tests: [HOLDS_TEST],
  },
  {
    id: "inventory-dropped-put-keeps-sequence",
    does: "After a dropped put the next one uses the sequence of before, and does not read the entry.",
    file: `${SRC}/stock-operations.ts`,
    find: `    this.stock.placeItem(sku, undefined);
`,
    replace: "",
    tests: [PUTS_TEST],
  },
  {
    id: "inventory-repeated-put-counted",
    does: "A repeated put sets the stock again, although pieces were shipped since.",
    file: `${SRC}/stock-operations.ts`,
    find: "if (this.stock.beforePut(sku).put === command) return",
    replace: "if (this.stock.beforePut(sku).put === command && !this.stock.knows(sku)) return",
    tests: [PUTS_TEST],
  },
  {
    id: "inventory-write-without-lock",
    does: "A decision is stored without the check of the shard's lock.",
    file: `${SRC}/pending-commits.ts`,
    find: "locks: [this.lock],",
    replace: "locks: [],",
    tests: [HOLDS_TEST],
  },
  {
    id: "inventory-join-without-hold-fence",
    does: "A joined hold is stored without its precondition.",
    file: `${SRC}/pending-commits.ts`,
    find: "messages: [{ ...message, fence: { subject: message.subject, sequence: expected } }],",
    replace:
      "messages: [expected === 0 ? message : { ...message, fence: { subject: message.subject, sequence: expected } }],",
    tests: [JOINS_TEST],
  },
  {
    id: "inventory-dropped-pieces-stay-held",
    does: "A dropped reservation stays counted as in flight, so its pieces are never sold.",
    file: `${SRC}/pending-commits.ts`,
    find: "if (change && !stored) this.stock.removePending(change);",
    replace: "if (change && stored) this.stock.addPending(change);",
    tests: [HOLDS_TEST],
  },
  {
    id: "inventory-waiting-callers-forgotten",
    does: "Callers that wait when the shard is lost are never answered, except the first.",
    file: `${SRC}/pending-commits.ts`,
    find: "const waiting = [...this.waiting];",
    replace: "const waiting = [...this.waiting].slice(0, 1);",
    tests: [OWNERSHIP_TEST],
  },
  {
    id: "inventory-answers-while-unverified",
    does: "A shard whose lock is unverified answers reads from memory.",
    file: `${SRC}/shard.ts`,
    find: "if (reason !== undefined) return Promise.resolve",
    replace: `if (reason !== undefined && request.op !== "get") return Promise.resolve`,
    tests: [OWNERSHIP_TEST],
  },
  {
    id: "inventory-late-load-opens",
    does: "A shard that was lost while it was loaded opens.",
    file: `${SRC}/shard.ts`,
    find: "if (generation !== this.generation) throw",
    replace: "if (generation > this.generation) throw",
    tests: [OWNERSHIP_TEST],
  },
  {
    id: "inventory-late-drain-revokes-newer",
    does: "A hand-over that ends late revokes the tenure that was acquired since.",
    file: `${SRC}/shard.ts`,
    find: "if (tenure === this.tenure) this.revoke();",
    replace: "if (tenure !== undefined) this.revoke();",
    tests: [OWNERSHIP_TEST],
  },
  {
    id: "inventory-fresh-on-every-request",
    does: "A repeated request still says that the order is new.",
    file: `${SRC}/client.ts`,
    find: "for (let request = first; ; request = repeat) {",
    replace: 'for (let request = first; ; request = repeat.op === "reserve" ? first : repeat) {',
    tests: [CLIENT_TEST],
  },
  {
    id: "inventory-unknown-sku-remembered",
    does: "A SKU that is unknown once counts as known afterward.",
    file: `${SRC}/client.ts`,
    find: "for (const sku of unchecked) if (!unknown.has(sku)) this.remember(sku);",
    replace: "for (const sku of unchecked) if (unknown.size <= skus.length) this.remember(sku);",
    tests: [CLIENT_TEST],
  },
  {
    id: "inventory-late-acquisition-revokes-newer",
    does: "An acquisition that fails late revokes what was acquired since.",
    file: `${SRC}/service.ts`,
    find: "if (generation === this.generation) this.shard.revoke();",
    replace: "this.shard.revoke();",
    tests: [SERVICE_TEST],
  },
  {
    id: "inventory-lost-service-keeps-serving",
    does: "An acquisition that was lost before it was done keeps its subscription.",
    file: `${SRC}/service.ts`,
    find: "      await subscription?.stop();\n",
    replace: "",
    tests: [SERVICE_TEST],
  },
  {
    id: "inventory-queue-wakes-newest",
    does: "The key passes to the caller that entered last.",
    file: `${SRC}/keyed-queue.ts`,
    find: "const next = this.waiting.get(key)?.shift();",
    replace: "const next = this.waiting.get(key)?.pop();",
    tests: [QUEUE_TEST],
  },
  {
    id: "inventory-queue-bound-passed-by-one",
    does: "One caller more than the bound waits.",
    file: `${SRC}/keyed-queue.ts`,
    find: "if (this.waiters >= this.capacity) return undefined;",
    replace: "if (this.waiters > this.capacity) return undefined;",
    tests: [QUEUE_TEST],
  },
  {
    id: "inventory-queue-counts-no-departures",
    does: "Callers that were woken still count as waiting, so that the queue is full in the end.",
    file: `${SRC}/keyed-queue.ts`,
    find: `    if (next) {
      this.waiters--;`,
    replace: `    if (next) {
      this.waiters = Math.max(this.waiters, 0);`,
    tests: [QUEUE_TEST],
  },
  {
    id: "inventory-abandon-keeps-count",
    does: "A queue that was abandoned counts its former waiters.",
    file: `${SRC}/keyed-queue.ts`,
    find: "    this.waiting.clear();\n    this.waiters = 0;",
    replace: "    this.waiting.clear();",
    tests: [QUEUE_TEST],
  },
];

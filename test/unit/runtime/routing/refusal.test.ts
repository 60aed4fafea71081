/** Why a node takes no request now: one answer for each condition, and none while there is nothing wrong. */
import t from "tap";
import {
  type NodeCondition,
  overloaded,
  refusal,
} from "../../../../src/runtime/routing/admission-control.ts";

const LOCK = "$KV.ORDERS.partition.0";

const condition = (change: Partial<NodeCondition> = {}): NodeCondition => ({
  isolation: () => undefined,
  unverified: () => undefined,
  relay: () => ({ depth: 0, storeRefuses: false, noRoom: undefined }),
  effects: () => 0,
  outboxLimit: 10,
  effectLimit: 10,
  ...change,
});

t.test("a node that is connected, with room everywhere, takes every request", async (t) => {
  for (const op of ["start", "command", "read", "resume", "skip"] as const) {
    t.equal(refusal(condition(), op, LOCK), undefined, op);
  }
});

t.test("an isolated node, and one with an unverified lock, refuse every request", async (t) => {
  const isolated = condition({ isolation: () => "isolated" });
  const unverified = condition({ unverified: (lock) => (lock === LOCK ? "unverified" : undefined) });
  // A repeated start, a repeated command and an illegal one are answered without a write that the server would check.
  for (const op of ["start", "command", "read", "resume", "skip"] as const) {
    t.strictSame(refusal(isolated, op, LOCK), { status: "unavailable", reason: "isolated" }, op);
    t.strictSame(refusal(unverified, op, LOCK), { status: "unavailable", reason: "unverified" }, op);
    t.equal(refusal(unverified, op, "another"), undefined, `${op} of another lock`);
  }
});

t.test("a full disk, a full journal and a full outbox refuse writes, and no reads", async (t) => {
  const relays = {
    disk: { depth: 0, storeRefuses: true, noRoom: undefined },
    journal: { depth: 0, storeRefuses: false, noRoom: "no space" },
    outbox: { depth: 10, storeRefuses: false, noRoom: undefined },
  };
  const answers = Object.values(relays).map((relay) =>
    refusal(condition({ relay: () => relay }), "command", LOCK),
  );
  t.match(answers, [
    { status: "storage_unavailable" },
    { status: "storage_unavailable", reason: /no room: no space/ },
    overloaded,
  ]);
  for (const relay of Object.values(relays))
    t.equal(refusal(condition({ relay: () => relay }), "read", LOCK), undefined);
});

t.test("too many effects refuse starts, and no commands", async (t) => {
  const busy = condition({ effects: () => 10 });
  t.strictSame(refusal(busy, "start", LOCK), overloaded);
  t.equal(refusal(busy, "command", LOCK), undefined);
});

const at = (depth: number, effects: number): NodeCondition =>
  condition({ relay: () => ({ depth, storeRefuses: false, noRoom: undefined }), effects: () => effects });

t.test("an outbox and effects refuse from exactly their limit on", async (t) => {
  t.equal(refusal(at(9, 9), "start", LOCK), undefined, "one less");
  t.equal(refusal(at(9, 9), "command", LOCK), undefined);
  t.strictSame(refusal(at(10, 0), "start", LOCK), overloaded);
  t.strictSame(refusal(at(10, 0), "command", LOCK), overloaded);
  t.strictSame(refusal(at(0, 10), "start", LOCK), overloaded);
});

t.test("what an operator does needs a connection and room, as a command does", async (t) => {
  for (const op of ["resume", "skip"] as const) {
    t.match(refusal(condition({ isolation: () => "isolated" }), op, LOCK), { status: "unavailable" }, op);
    const full = condition({ relay: () => ({ depth: 10, storeRefuses: false, noRoom: undefined }) });
    t.strictSame(refusal(full, op, LOCK), overloaded, op);
    t.equal(refusal(condition({ effects: () => 10 }), op, LOCK), undefined, op);
  }
});

const fullOfAll = () => ({ depth: 10, storeRefuses: true, noRoom: "no space" });

t.test(
  "isolation is the answer before any lack of room, and a refusing disk before a full outbox",
  async (t) => {
    const all = condition({ isolation: () => "isolated", relay: fullOfAll, effects: () => 10 });
    t.match(refusal(all, "start", LOCK), { status: "unavailable" });
    t.match(refusal(condition({ relay: fullOfAll }), "start", LOCK), { status: "storage_unavailable" });
  },
);

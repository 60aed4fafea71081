/** Replies about one actor: at once, when it has settled, when the caller's wait is over, or when it leaves memory. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import type { Snapshot } from "../../../../src/runtime/actor/snapshot.ts";
import { Activation } from "../../../../src/runtime/tenure/activation.ts";
import { fireAndForget } from "../../../../src/runtime/tenure/pending-input.ts";
import { Replies } from "../../../../src/runtime/tenure/replies.ts";
import { headOf, snapshot } from "./activation-stage.ts";

const WAIT_MS = 1000;
const SETTLED_AT = 5;
const input = { kind: "start", input: {}, request: "r" } as const;

const at = (number: number): Snapshot => ({
  ...snapshot(number),
  machines: { m: { value: number } } as unknown as Snapshot["machines"],
  request: "r",
});

/** The actor settles at version 5. */
function stage(version = 1) {
  const clock = new VirtualClock();
  const replies = new Replies(
    {
      machines: {},
      listens: {},
      effects: {},
      settled: (machines) => Number(machines["m"]?.value) >= SETTLED_AT,
    },
    clock,
  );
  const activation = new Activation("a");
  activation.take(version > 0 ? { ...headOf(version), snapshot: at(version) } : undefined, version);
  const given: ActorReply[] = [];
  return {
    clock,
    replies,
    activation,
    given,
    pending: (waitMs = WAIT_MS) => ({
      ...fireAndForget(input),
      waitMs,
      reply: (reply: ActorReply) => void given.push(reply),
    }),
    store: (number: number): void => {
      const next = at(number);
      activation.submit({ ...headOf(number), snapshot: next }, []);
      activation.stored(next, number);
      activation.wakeWaiters();
    },
  };
}
const seen = (given: readonly ActorReply[]): unknown[] =>
  given.map((reply) =>
    reply.status === "ok" ? [reply.snapshot.version, reply.settled, reply.repeated] : reply.status,
  );

t.test("a settled actor is answered at once", async (t) => {
  const { replies, activation, pending, given, clock } = stage(5);
  replies.answer(activation, pending(), false);
  t.same(seen(given), [[5, true, false]]);
  t.equal(clock.waiting(), 0);
});

t.test("a caller that does not wait is answered at once, with the state as it is", async (t) => {
  const { replies, activation, pending, given } = stage();
  replies.answer(activation, pending(0), true);
  t.same(seen(given), [[1, false, true]]);
});

t.test(
  "a caller waits over states that are not settled, and is answered once, with the settled one",
  async (t) => {
    const { replies, activation, pending, given, store, clock } = stage();
    replies.answer(activation, pending(), false);
    store(2);
    t.same(seen(given), []);
    store(5);
    t.same(seen(given), [[5, true, false]]);
    t.equal(clock.waiting(), 0, "the time limit is cancelled");
    store(6);
    await clock.advance(2 * WAIT_MS);
    t.equal(given.length, 1);
    t.ok(activation.canEvict(), "it waits for nothing any more");
  },
);

t.test("a caller whose wait is over gets the newest acknowledged state", async (t) => {
  const { replies, activation, pending, given, store, clock } = stage();
  replies.answer(activation, pending(), false);
  store(2);
  await clock.advance(WAIT_MS - 1);
  t.same(given, []);
  await clock.advance(1);
  t.same(seen(given), [[2, false, false]]);
  store(5);
  activation.retire();
  t.equal(given.length, 1);
});

t.test(
  "a caller that waits is answered when the activation is retired, one that comes later at once",
  async (t) => {
    const { replies, activation, pending, given, store } = stage();
    replies.answer(activation, pending(), false);
    store(2);
    activation.retire();
    t.same(seen(given), [[2, false, false]]);
    replies.answer(activation, pending(), true);
    t.same(seen(given), [
      [2, false, false],
      [2, false, true],
    ]);
  },
);

t.test("an actor without an acknowledged state is not found", async (t) => {
  const { replies, activation, pending, given } = stage(0);
  replies.answer(activation, pending(), false);
  replies.existing(activation, pending(), input);
  t.same(seen(given), ["not_found", "not_found"]);
});

t.test("a start of an actor that exists is a repeat only when the request is the same", async (t) => {
  const { replies, activation, pending, given } = stage(5);
  replies.existing(activation, pending(), input);
  replies.existing(activation, pending(), { ...input, request: "other" });
  replies.existing(activation, pending(), { kind: "start", input: {} });
  t.same(seen(given), [[5, true, true], "request_mismatch", "request_mismatch"]);
  t.match(given[1], { snapshot: { version: 5 } });
});

t.test("the repeat of a start waits for the actor to settle as the start itself does", async (t) => {
  const { replies, activation, pending, given, store } = stage();
  replies.existing(activation, pending(), input);
  t.same(given, []);
  store(5);
  t.same(seen(given), [[5, true, true]]);
});

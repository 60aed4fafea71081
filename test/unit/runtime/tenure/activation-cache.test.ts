/** Which activations leave memory, when, and what stays known of them. */
import t from "tap";
import { ActivationCache } from "../../../../src/runtime/tenure/activation-cache.ts";
import type { OpenTimer } from "../../../../src/runtime/actor/snapshot.ts";
import { Activation } from "../../../../src/runtime/tenure/activation.ts";
import { event, headOf, openEffect, snapshot } from "./activation-stage.ts";

/** More sequences of evicted actors than are kept. */
const FORGOTTEN_AFTER = 10_000;

const waitingFor = (open: OpenTimer): Activation => {
  const activation = new Activation("a");
  activation.take({ ...headOf(1), snapshot: { ...snapshot(1), timers: [open] } }, 10);
  return activation;
};
const names = (cache: ActivationCache): string[] => [...cache.values()].map(({ actor }) => actor);
const idle = (cache: ActivationCache, actor: string, sequence = 10): Activation => {
  const activation = cache.activation(actor);
  activation.take(headOf(1), sequence);
  return activation;
};

t.test("the actor that was used longest ago leaves memory first", async (t) => {
  const cache = new ActivationCache(3);
  for (const actor of ["a", "b", "c"]) idle(cache, actor);
  cache.activation("a");
  cache.activation("d");
  t.same(names(cache), ["c", "a", "d"]);
  t.equal(cache.size, 3);
});

t.test("a glance at an actor is no use of it, and creates nothing", async (t) => {
  const cache = new ActivationCache(2);
  const first = idle(cache, "a");
  idle(cache, "b");
  t.equal(cache.peek("a"), first);
  t.equal(cache.peek("none"), undefined);
  cache.activation("c");
  t.same(names(cache), ["b", "c"]);
});

t.test("an actor with work stays in memory, and does not keep idle ones there", async (t) => {
  const busy: Record<string, (activation: Activation) => void> = {
    "a commit": (a) => a.submit(headOf(2), []),
    "a waiter": (a) => a.addWaiter(() => {}),
    "a poisonous input": (a) => {
      a.submit(headOf(2), []);
      a.block();
    },
  };
  for (const [name, act] of Object.entries(busy)) {
    const cache = new ActivationCache(2);
    act(idle(cache, "busy"));
    idle(cache, "idle");
    cache.activation("new");
    t.same(names(cache).toSorted(), ["busy", "new"], name);
  }
  const cache = new ActivationCache(2);
  cache.activation("busy").take(headOf(1, [openEffect]), 10);
  idle(cache, "idle");
  cache.activation("loading").enqueue(event());
  cache.activation("other");
  t.same(names(cache).toSorted(), ["busy", "loading", "other"], "open effects, and an input in the mailbox");
});

t.test("a new activation is never evicted by its own entry, even with no room at all", async (t) => {
  const cache = new ActivationCache(0);
  const activation = cache.activation("a");
  t.equal(cache.peek("a"), activation);
  t.notOk(activation.isRetired());
});

t.test("many idle actors leave within a few uses, although busy ones are in the way", async (t) => {
  const cache = new ActivationCache(4);
  for (let i = 0; i < 20; i++) idle(cache, `busy${i}`).submit(headOf(2), []);
  for (let i = 0; i < 200; i++) idle(cache, `idle${i}`);
  t.ok(cache.size <= 24 + 4, `${cache.size} actors`);
});

t.test("an evicted activation is retired, and the sequence of its record stays known", async (t) => {
  const cache = new ActivationCache(1);
  const first = idle(cache, "a", 10);
  first.submit(headOf(2), []);
  first.stored(snapshot(2), 33);
  cache.activation("b");
  t.ok(first.isRetired());
  t.equal(cache.knownOf("a"), 33);
  const again = cache.activation("a");
  t.not(again, first);
  t.equal(cache.knownSequence(again), 33);
  t.equal(cache.knownSequence(cache.activation("new")), 0);
});

t.test("what is known of an actor never goes back", async (t) => {
  const cache = new ActivationCache(10);
  cache.knows("a", 30);
  cache.knows("a", 20);
  cache.knows("a", 0);
  t.equal(cache.knownOf("a"), 30);
  const activation = cache.activation("a");
  t.equal(cache.knownSequence(activation), 30);
  activation.take(headOf(1), 40);
  t.equal(cache.knownSequence(activation), 40, "the newer one of memory and of what is known");
});

t.test("what is forgotten is the oldest of what is known, and its position is kept", async (t) => {
  const cache = new ActivationCache(10);
  for (let i = 1; i <= FORGOTTEN_AFTER; i++) cache.knows(`a${i}`, 1000 + i);
  t.equal(cache.forgottenThrough(), 0, "all of them fit");
  // Written again: it is the newest now.
  cache.knows("a1", 50_000);
  t.equal(cache.forgottenThrough(), 0);
  cache.knows("b", 60_000);
  t.equal(cache.knownOf("a2"), 0, "the oldest one");
  t.equal(cache.knownOf("a1"), 50_000);
  t.equal(cache.forgottenThrough(), 1002);
  // The next ones, in the order in which they became known; an old sequence does not lower the position.
  cache.knows("old", 5);
  for (let i = 0; i < FORGOTTEN_AFTER; i++) cache.knows(`c${i}`, 100_000 + i);
  t.equal(cache.knownOf("old"), 0);
  t.equal(cache.forgottenThrough(), 60_000);
});

t.test("a replaced activation gives its mailbox and its place to the new one", async (t) => {
  const cache = new ActivationCache(10);
  const first = idle(cache, "a", 12);
  first.submit(headOf(2), []);
  first.block();
  first.enqueue(event(5));
  const next = cache.replace(first);
  t.ok(first.isRetired());
  t.equal(cache.peek("a"), next);
  t.equal(next.phase, "replacing");
  t.notOk(next.isIdle());
  t.equal(cache.knownSequence(next), 12);
});

t.test("the end of the tenure retires every activation", async (t) => {
  const cache = new ActivationCache(10);
  const all = [idle(cache, "a"), cache.activation("b")];
  cache.clear();
  t.ok(all.every((activation) => activation.isRetired()));
  t.equal(cache.size, 0);
});

t.test(
  "an actor whose timer has no schedule stays in memory, and has to be loaded by the next owner",
  async (t) => {
    const timer: OpenTimer = { id: "t", machine: "m", event: { type: "t" }, generation: 9, dueAt: 5 };
    const [scheduled, bare] = [waitingFor(timer), waitingFor({ ...timer, unscheduled: true })];
    t.same([scheduled.canEvict(), scheduled.hasOpenWork()], [true, false]);
    t.same([bare.canEvict(), bare.hasOpenWork()], [false, true]);
  },
);

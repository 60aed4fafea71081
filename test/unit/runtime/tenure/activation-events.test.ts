/** What the events of an activation do to its state, its mailbox, its commits and its waiters. */
import t from "tap";
import { Activation, ActivationFault } from "../../../../src/runtime/tenure/activation.ts";
import {
  blocked,
  command,
  event,
  headOf,
  openEffect,
  outcome,
  ready,
  replacing,
  retired,
  snapshot,
} from "./activation-stage.ts";

t.test("a fault names the actor, the event and the phase", async (t) => {
  t.throws(() => ready().beginLoad(), { name: "ActivationFault", message: /^beginLoad .* actor a: ready,/ });
});

t.test("an activation takes no state that is older than the record it knows of", async (t) => {
  const next = replacing(1);
  next.predecessorResolved(30);
  t.notOk(next.canTake(29));
  t.throws(() => next.take(headOf(1), 29), ActivationFault);
  next.take(headOf(3), 30);
  t.equal(next.sequence, 30);
});

t.test("a read that loads the activation ends its postponement and its requirement", async (t) => {
  const activation = replacing(0);
  activation.enqueue(event());
  activation.postpone();
  t.notOk(activation.canLoad());
  activation.take(headOf(3), 20);
  t.equal(activation.phase, "ready");
  t.notOk(activation.hasOpenWork(), "it is not required any more");
  activation.endPostponement();
  t.equal(activation.phase, "ready", "the timer that fires later changes nothing");
});

t.test(
  "a postponed load begins only after the postponement has ended, in every phase that allows one",
  async (t) => {
    const activation = replacing(1);
    activation.postpone();
    activation.predecessorResolved(20);
    t.notOk(activation.canLoad(), "the predecessor is resolved, the pause is not over");
    activation.endPostponement();
    t.ok(activation.canLoad());
    const other = replacing(1);
    other.postpone();
    other.endPostponement();
    t.notOk(other.canLoad(), "the pause is over, the predecessor is not resolved");
    other.predecessorResolved(20);
    t.ok(other.canLoad());
  },
);

t.test("a load that ends after another read has brought the state changes nothing", async (t) => {
  const activation = new Activation("a");
  activation.beginLoad();
  activation.take(headOf(1), 10);
  activation.block();
  activation.endLoad();
  t.equal(activation.phase, "blocked");
});

t.test(
  "a replacement takes the mailbox in order, the sequence and the commits of its predecessor",
  async (t) => {
    const activation = blocked();
    for (const inbox of [12, 14, 0, 13]) activation.enqueue(event(inbox));
    activation.retire();
    const next = Activation.replace(activation);
    t.equal(next.phase, "replacing");
    t.equal(next.sequence, 10);
    t.ok(next.hasOpenWork(), "it has to be loaded although no input may wait");
    t.same(activation.takeMailbox(), []);
    next.predecessorResolved(11);
    t.equal(next.sequence, 11);
    next.take(headOf(2), 11);
    t.same(drained(next), [12, 13, 14, 0], "inputs of the inbox are in its order");
  },
);

t.test("the mailbox yields inputs only while the activation is ready", async (t) => {
  const activation = new Activation("a");
  for (const inbox of [5, 3, 0, 4]) activation.enqueue(event(inbox));
  t.equal(activation.next(), undefined, "absent");
  activation.take(headOf(1), 10);
  t.equal(activation.next()?.inbox, 3);
  activation.block();
  t.equal(activation.next(), undefined, "blocked");
  t.notOk(activation.isIdle());
});

t.test(
  "a failed load takes the callers out of the mailbox and leaves the other inputs in order",
  async (t) => {
    const activation = new Activation("a");
    for (const pending of [event(1), command, event(2), command]) activation.enqueue(pending);
    t.same(activation.takeCallers(), [command, command]);
    activation.take(undefined, 0);
    t.same(drained(activation), [1, 2]);
  },
);

t.test(
  "a decision without a write is confirmed with the newest commit, or at once without one",
  async (t) => {
    const activation = ready();
    const confirmed: string[] = [];
    activation.follow(event(), () => confirmed.push("at once"));
    const first: Parameters<Activation["submit"]>[1] = [];
    const second: Parameters<Activation["submit"]>[1] = [];
    activation.submit(headOf(2), first);
    activation.follow(event(1), () => confirmed.push("first"));
    activation.submit(headOf(3), second);
    activation.follow(event(2), () => confirmed.push("second"));
    t.same(confirmed, ["at once"]);
    t.same(
      [first, second].map((dependents) => dependents.map(({ pending }) => pending.inbox)),
      [[1], [2]],
    );
  },
);

t.test(
  "a write expects the last acknowledged record, and none after a commit that is not resolved",
  async (t) => {
    const activation = ready();
    t.equal(activation.expectedSequence(), 10);
    activation.submit(headOf(2), []);
    t.equal(activation.expectedSequence(), undefined);
    t.equal(activation.acked?.version, 1, "callers see the acknowledged state");
    t.equal(activation.head?.snapshot.version, 2);
    activation.stored(snapshot(2), 11);
    t.equal(activation.expectedSequence(), 11);
    t.equal(activation.acked?.version, 2);
    activation.submit(headOf(3), []);
    activation.stored(snapshot(3), undefined);
    t.equal(activation.sequence, 11, "another owner has written after it: the sequence is not known");
  },
);

t.test("a retired activation still counts its commits, and hands on what it knows", async (t) => {
  const activation = retired(2);
  activation.stored(snapshot(2), 11);
  t.equal(activation.sequence, 11);
  t.equal(activation.acked?.version, 2);
  t.notOk(activation.isIdle());
  activation.notStored();
  t.ok(activation.isIdle());
  t.throws(() => activation.notStored(), ActivationFault, "no commit is left");
});

t.test("an input that changes nothing moves the inbox offset of the head, and of nothing else", async (t) => {
  const activation = ready();
  activation.passOver(40);
  t.equal(activation.head?.snapshot.inbox, 40);
  t.equal(activation.acked?.inbox, 0);
});

t.test("waiters wake on request and when the activation is retired", async (t) => {
  const activation = ready();
  const woken: string[] = [];
  const second = (): void => void woken.push("second");
  activation.addWaiter(() => void woken.push("first"));
  activation.addWaiter(second);
  activation.wakeWaiters();
  activation.removeWaiter(second);
  activation.retire();
  t.same(woken, ["first", "second", "first"]);
});

t.test("an open effect whose outcome waits in the mailbox is not resumed", async (t) => {
  t.same(ready([openEffect]).effectsToResume(), [openEffect]);
  const activation = new Activation("a");
  activation.enqueue(outcome);
  activation.take(headOf(1, [openEffect, { ...openEffect, generation: 8 }]), 10);
  t.same(
    activation.effectsToResume().map(({ generation }) => generation),
    [8],
  );
});

function drained(activation: Activation): number[] {
  const inboxes: number[] = [];
  for (let pending = activation.next(); pending; pending = activation.next()) inboxes.push(pending.inbox);
  return inboxes;
}

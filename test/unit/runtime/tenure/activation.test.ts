/**
 * The state machine of an actor in memory: every phase meets every event. A legal one ends in the phase of the table, an
 * illegal one throws and changes nothing. The rules are checked in every phase.
 */
import t from "tap";
import type { Head } from "../../../../src/runtime/actor/cascade.ts";
import type { OpenEffect, Snapshot } from "../../../../src/runtime/actor/snapshot.ts";
import { Activation, ActivationFault, type Phase } from "../../../../src/runtime/tenure/activation.ts";
import { fireAndForget, type PendingInput } from "../../../../src/runtime/tenure/pending-input.ts";

const snapshot = (version: number, effects: readonly OpenEffect[] = []): Snapshot => ({
  machines: {},
  version,
  inbox: 0,
  commands: [],
  effects,
  timers: [],
  createdAt: 0,
  updatedAt: 0,
});
const headOf = (version: number, effects?: readonly OpenEffect[]): Head => ({
  snapshot: snapshot(version, effects),
  live: new Map(),
});
const openEffect: OpenEffect = {
  id: "m.job",
  machine: "m",
  invocation: "job",
  src: "job",
  input: 0,
  generation: 7,
};
const event = (inbox = 0): PendingInput =>
  fireAndForget({ kind: "event", machine: "m", event: { type: "e" }, id: `e${inbox}` }, inbox);
const outcome = fireAndForget({ kind: "effect", id: "m.job", generation: 7, outcome: { output: 1 } });
const command: PendingInput = {
  ...fireAndForget({ kind: "command", machine: "m", event: { type: "c" }, commandId: "c" }),
  reply: () => {},
};

const ready = (effects?: readonly OpenEffect[]): Activation => {
  const activation = new Activation("a");
  activation.take(headOf(1, effects), 10);
  return activation;
};
const blocked = (): Activation => {
  const activation = ready();
  activation.submit(headOf(2), []);
  activation.block();
  return activation;
};
/** Replaces an activation with this number of commits that are not resolved. */
const replacing = (commits: number): Activation => {
  const activation = ready();
  for (let i = 0; i < commits; i++) activation.submit(headOf(2 + i), []);
  activation.retire();
  return Activation.replace(activation);
};
const retired = (commits = 0): Activation => {
  const activation = ready();
  for (let i = 0; i < commits; i++) activation.submit(headOf(2 + i), []);
  activation.retire();
  return activation;
};
const after = <T>(subject: T, act: (subject: T) => void): T => {
  act(subject);
  return subject;
};

type Rule =
  | "canLoad"
  | "canPostpone"
  | "canProcess"
  | "canEvict"
  | "isBlank"
  | "isIdle"
  | "hasOpenEffects"
  | "isLoaded"
  | "isRetired";
const RULES: readonly Rule[] = [
  "canLoad",
  "canPostpone",
  "canProcess",
  "canEvict",
  "isBlank",
  "isIdle",
  "hasOpenEffects",
  "isLoaded",
  "isRetired",
];

/** Every situation in which an activation can be, by phase; with the rules that hold there. */
const situations: Record<string, { phase: Phase; make: () => Activation; rules: readonly Rule[] }> = {
  "a new one": {
    phase: "absent",
    make: () => new Activation("a"),
    rules: ["canLoad", "canPostpone", "isBlank", "isIdle"],
  },
  "absent with an input": {
    phase: "absent",
    make: () => after(new Activation("a"), (a) => a.enqueue(event())),
    rules: ["canLoad", "canPostpone"],
  },
  "absent and required": {
    phase: "absent",
    make: () => replacing(0),
    rules: ["canLoad", "canPostpone", "isIdle", "hasOpenEffects"],
  },
  "absent and postponed": {
    phase: "absent",
    make: () =>
      after(new Activation("a"), (a) => {
        a.enqueue(event());
        a.postpone();
      }),
    rules: [],
  },
  loading: {
    phase: "loading",
    make: () =>
      after(new Activation("a"), (a) => {
        a.enqueue(event());
        a.beginLoad();
      }),
    rules: [],
  },
  "catching up": {
    phase: "catching-up",
    make: () => after(new Activation("a"), (a) => a.beginCatchUp()),
    rules: ["canPostpone", "isIdle"],
  },
  replacing: {
    phase: "replacing",
    make: () => replacing(1),
    rules: ["canPostpone", "hasOpenEffects"],
  },
  "replacing with two commits": {
    phase: "replacing",
    make: () => replacing(2),
    rules: ["canPostpone", "hasOpenEffects"],
  },
  "replacing and postponed": {
    phase: "replacing",
    make: () => after(replacing(1), (a) => a.postpone()),
    rules: ["hasOpenEffects"],
  },
  ready: {
    phase: "ready",
    make: () => ready(),
    rules: ["canProcess", "canEvict", "isIdle", "isLoaded"],
  },
  "ready without a record": {
    phase: "ready",
    make: () => after(new Activation("a"), (a) => a.introduce()),
    rules: ["canProcess", "canEvict", "isIdle", "isLoaded"],
  },
  "ready with open effects": {
    phase: "ready",
    make: () => ready([openEffect]),
    rules: ["canProcess", "isIdle", "hasOpenEffects", "isLoaded"],
  },
  "ready with a waiter": {
    phase: "ready",
    make: () => after(ready(), (a) => a.addWaiter(() => {})),
    rules: ["canProcess", "isIdle", "isLoaded"],
  },
  "ready with a commit": {
    phase: "ready",
    make: () => after(ready(), (a) => a.submit(headOf(2), [])),
    rules: ["canProcess", "isLoaded"],
  },
  "ready with an input": {
    phase: "ready",
    make: () =>
      after(new Activation("a"), (a) => {
        a.enqueue(event());
        a.take(headOf(1), 10);
      }),
    rules: ["isLoaded"],
  },
  blocked: { phase: "blocked", make: blocked, rules: ["isLoaded"] },
  retired: { phase: "retired", make: () => retired(), rules: ["isIdle", "isLoaded", "isRetired"] },
  "retired with a commit": { phase: "retired", make: () => retired(1), rules: ["isLoaded", "isRetired"] },
  "retired before it was loaded": {
    phase: "retired",
    make: () => after(new Activation("a"), (a) => a.retire()),
    rules: ["isIdle", "isRetired"],
  },
};

type Event = (activation: Activation) => unknown;
/** Every method that changes an activation. */
const events: Record<string, Event> = {
  beginLoad: (a) => a.beginLoad(),
  endLoad: (a) => a.endLoad(),
  take: (a) => a.take(headOf(3), 20),
  introduce: (a) => a.introduce(),
  postpone: (a) => a.postpone(),
  endPostponement: (a) => a.endPostponement(),
  beginCatchUp: (a) => a.beginCatchUp(),
  endCatchUp: (a) => a.endCatchUp(),
  predecessorResolved: (a) => a.predecessorResolved(30),
  enqueue: (a) => a.enqueue(event()),
  next: (a) => a.next(),
  takeCallers: (a) => a.takeCallers(),
  takeMailbox: (a) => a.takeMailbox(),
  submit: (a) => a.submit(headOf(4), []),
  passOver: (a) => a.passOver(40),
  follow: (a) => a.follow(event(), () => {}),
  block: (a) => a.block(),
  stored: (a) => a.stored(snapshot(5), 50),
  notStored: (a) => a.notStored(),
  addWaiter: (a) => a.addWaiter(() => {}),
  removeWaiter: (a) => a.removeWaiter(() => {}),
  wakeWaiters: (a) => a.wakeWaiters(),
  retire: (a) => a.retire(),
  replace: (a) => Activation.replace(a),
};

/** Allowed in every phase, and none of them changes it. */
const anywhere = {
  endPostponement: "same",
  next: "same",
  removeWaiter: "same",
  wakeWaiters: "same",
} as const;
const absent = {
  ...anywhere,
  beginLoad: "loading",
  take: "ready",
  postpone: "same",
  endCatchUp: "same",
  enqueue: "same",
  takeCallers: "same",
  retire: "retired",
} as const;
const isReady = {
  ...anywhere,
  endLoad: "same",
  submit: "same",
  passOver: "same",
  follow: "same",
  block: "blocked",
  addWaiter: "same",
  retire: "retired",
} as const;
const isReplacing = { ...anywhere, postpone: "same", enqueue: "same", retire: "retired" } as const;
const isRetired = { ...anywhere, endLoad: "same", takeMailbox: "same", replace: "same" } as const;
const commits = { stored: "same", notStored: "same" } as const;

/** By situation: the legal events, and the phase in which each ends. Every other event throws. */
const legal: Record<string, Readonly<Record<string, Phase | "same">>> = {
  "a new one": { ...absent, introduce: "ready", beginCatchUp: "catching-up" },
  "absent with an input": absent,
  "absent and required": absent,
  "absent and postponed": without(absent, "beginLoad", "postpone"),
  loading: {
    ...anywhere,
    endLoad: "absent",
    take: "ready",
    endCatchUp: "same",
    enqueue: "same",
    retire: "retired",
  },
  "catching up": {
    ...anywhere,
    postpone: "same",
    endCatchUp: "absent",
    enqueue: "same",
    retire: "retired",
  },
  replacing: { ...isReplacing, predecessorResolved: "absent" },
  "replacing with two commits": { ...isReplacing, predecessorResolved: "same" },
  "replacing and postponed": { ...without(isReplacing, "postpone"), predecessorResolved: "absent" },
  ready: isReady,
  "ready without a record": isReady,
  "ready with open effects": isReady,
  "ready with a waiter": isReady,
  "ready with a commit": { ...isReady, ...commits },
  "ready with an input": { ...isReady, enqueue: "same" },
  blocked: {
    ...anywhere,
    ...commits,
    endLoad: "same",
    enqueue: "same",
    follow: "same",
    addWaiter: "same",
    retire: "retired",
  },
  retired: isRetired,
  "retired with a commit": { ...isRetired, ...commits },
  "retired before it was loaded": isRetired,
};

function without<T extends object>(
  table: T,
  ...names: readonly (keyof T & string)[]
): Record<string, Phase | "same"> {
  return Object.fromEntries(
    Object.entries(table).filter(([name]) => !names.includes(name as keyof T & string)),
  );
}

/** All that can be seen of an activation from outside, and its private fields. */
const seen = (activation: Activation): unknown => structuredClone(Object.entries(activation).filter(isData));
const isData = ([, value]: [string, unknown]): boolean =>
  !(value instanceof Set) && !(value instanceof Array) && !isHead(value);
const isHead = (value: unknown): boolean => typeof value === "object" && value !== null && "live" in value;

t.test(
  "every phase meets every event: a legal one moves the activation, an illegal one throws",
  async (t) => {
    t.same(Object.keys(legal), Object.keys(situations), "every situation has its row");
    for (const [situation, { phase, make }] of Object.entries(situations)) {
      for (const [name, act] of Object.entries(events)) {
        const activation = make();
        t.equal(activation.phase, phase, situation);
        const ends = legal[situation]?.[name];
        if (ends !== undefined) {
          act(activation);
          t.equal(activation.phase, ends === "same" ? phase : ends, `${name}: ${situation}`);
          continue;
        }
        const before = seen(activation);
        t.throws(() => act(activation), ActivationFault, `${name}: ${situation}`);
        t.same(seen(activation), before, `${name} changes nothing: ${situation}`);
      }
    }
  },
);

t.test("every transition between two phases is taken", async (t) => {
  const taken = new Set<string>();
  for (const [situation, { phase }] of Object.entries(situations)) {
    for (const [name, ends] of Object.entries(legal[situation] ?? {})) {
      if (ends !== "same") taken.add(`${phase} ${name} ${ends}`);
    }
  }
  t.same([...taken].toSorted(), [
    "absent beginCatchUp catching-up",
    "absent beginLoad loading",
    "absent introduce ready",
    "absent retire retired",
    "absent take ready",
    "blocked retire retired",
    "catching-up endCatchUp absent",
    "catching-up retire retired",
    "loading endLoad absent",
    "loading retire retired",
    "loading take ready",
    "ready block blocked",
    "ready retire retired",
    "replacing predecessorResolved absent",
    "replacing retire retired",
  ]);
});

t.test("the rules hold exactly where the table says", async (t) => {
  for (const [situation, { make, rules }] of Object.entries(situations)) {
    const activation = make();
    t.same(
      RULES.filter((rule) => activation[rule]()),
      RULES.filter((rule) => rules.includes(rule)),
      situation,
    );
  }
});

t.test("a fault names the actor, the event and the phase", async (t) => {
  t.throws(() => ready().beginLoad(), { name: "ActivationFault", message: /^beginLoad .* actor a: ready,/ });
});

t.test(
  "only an absent or loading activation takes a state, and never one older than it knows of",
  async (t) => {
    for (const [situation, { phase, make }] of Object.entries(situations)) {
      t.equal(make().canTake(20), phase === "absent" || phase === "loading", situation);
    }
    const next = replacing(1);
    next.predecessorResolved(30);
    t.notOk(next.canTake(29));
    t.throws(() => next.take(headOf(1), 29), ActivationFault);
    next.take(headOf(3), 30);
    t.equal(next.sequence, 30);
  },
);

t.test("a read that loads the activation ends its postponement and its requirement", async (t) => {
  const activation = replacing(0);
  activation.enqueue(event());
  activation.postpone();
  t.notOk(activation.canLoad());
  activation.take(headOf(3), 20);
  t.equal(activation.phase, "ready");
  t.notOk(activation.hasOpenEffects(), "it is not required any more");
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
    t.ok(next.hasOpenEffects(), "it has to be loaded although no input may wait");
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

/**
 * The state machine of an actor in memory: every phase meets every event. A legal event ends in the phase of the table,
 * an illegal one throws and changes nothing. The rules are checked in every situation.
 */
import t from "tap";
import { Activation, ActivationFault, type Phase } from "../../../../src/runtime/tenure/activation.ts";
import {
  after,
  blocked,
  event,
  headOf,
  openEffect,
  ready,
  replacing,
  retired,
  snapshot,
} from "./activation-stage.ts";

type Rule =
  | "canLoad"
  | "canPostpone"
  | "canProcess"
  | "canEvict"
  | "isBlank"
  | "isIdle"
  | "hasOpenWork"
  | "isLoaded"
  | "isRetired";
const RULES: readonly Rule[] = [
  "canLoad",
  "canPostpone",
  "canProcess",
  "canEvict",
  "isBlank",
  "isIdle",
  "hasOpenWork",
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
    rules: ["canLoad", "canPostpone", "isIdle", "hasOpenWork"],
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
    rules: ["canPostpone", "hasOpenWork"],
  },
  "replacing with two commits": {
    phase: "replacing",
    make: () => replacing(2),
    rules: ["canPostpone", "hasOpenWork"],
  },
  "replacing and postponed": {
    phase: "replacing",
    make: () => after(replacing(1), (a) => a.postpone()),
    rules: ["hasOpenWork"],
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
    rules: ["canProcess", "isIdle", "hasOpenWork", "isLoaded"],
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
  !(value instanceof Set) && !Array.isArray(value) && !isHead(value);
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

t.test("only an absent or loading activation takes a state", async (t) => {
  for (const [situation, { phase, make }] of Object.entries(situations)) {
    t.equal(make().canTake(20), phase === "absent" || phase === "loading", situation);
  }
});

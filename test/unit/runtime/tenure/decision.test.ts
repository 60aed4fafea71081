/** What one input results in, by what recognizes it: inbox offset, ids, generations; each without the others. */
import t from "tap";
import { restore } from "../../../../src/runtime/actor/restore.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import type { OpenEffect, OpenTimer, Snapshot } from "../../../../src/runtime/actor/snapshot.ts";
import { Activation } from "../../../../src/runtime/tenure/activation.ts";
import { decide } from "../../../../src/runtime/tenure/decision.ts";
import { fireAndForget, hasCaller } from "../../../../src/runtime/tenure/pending-input.ts";
import { turnstile } from "../../../../examples/turnstile/turnstile.ts";
import { diary } from "./tenure-stage.ts";

const NOW = 1_000_000;
const job: OpenEffect = {
  id: "diary.job",
  machine: "diary",
  invocation: "job",
  src: "job",
  input: "x",
  generation: 3000,
};
const base: Snapshot = {
  machines: {
    diary: { value: "idle", context: { notes: [], done: [] }, status: "active", version: 1 },
  } as unknown as Snapshot["machines"],
  definition: 1,
  version: 5,
  inbox: 40,
  commands: [],
  effects: [],
  timers: [],
  createdAt: 1,
  updatedAt: 1,
};

const activationOf = (snapshot: Snapshot | undefined, definition = diary()): Activation => {
  const activation = new Activation("d");
  activation.take(snapshot && restore(definition, snapshot), snapshot ? 10 : 0);
  return activation;
};
const decided = (
  snapshot: Snapshot | undefined,
  input: Input,
  { inbox = 0, repeated = false } = {},
  definition = diary(),
) =>
  decide(definition, activationOf(snapshot, definition), { ...fireAndForget(input, inbox), repeated }, NOW);
const event = (type: string, id: string): Input => ({ kind: "event", machine: "diary", event: { type }, id });
const command = (type: string, commandId: string): Input => ({
  kind: "command",
  machine: "diary",
  event: { type },
  commandId,
});
const start: Input = { kind: "start", input: {} };

t.test(
  "the inbox offset alone recognizes an input whose id is forgotten, exactly up to the offset",
  async (t) => {
    const table: readonly (readonly [number, string])[] = [
      [1, "evaluated"],
      [39, "evaluated"],
      [40, "evaluated"],
      [41, "cascade"],
    ];
    for (const [inbox, kind] of table) {
      t.equal(decided(base, event("note.1", "forgotten"), { inbox }).kind, kind, `at ${inbox}`);
    }
    const timer: Input = { kind: "timer", machine: "diary", timer: "t", generation: 1 };
    t.equal(decided(base, timer, { inbox: 40 }).kind, "evaluated", "a timer too, which has no id");
  },
);

t.test("an id alone recognizes an input that the offset does not cover", async (t) => {
  const known = { ...base, inbox: 0, commands: ["other", "e1"] };
  t.equal(decided(known, event("note.1", "e1"), { inbox: 99 }).kind, "repeated");
  t.equal(decided(known, event("note.1", "e2"), { inbox: 99 }).kind, "cascade");
  t.equal(decided(known, command("note.1", "e1")).kind, "repeated");
  t.equal(decided(known, command("note.1", "e3")).kind, "cascade");
});

t.test("an input from elsewhere is not compared with the inbox offset", async (t) => {
  t.equal(decided(base, command("note.1", "c")).kind, "cascade");
  const closed = {
    ...base,
    machines: { diary: { ...base.machines["diary"], value: "working" } },
    effects: [job],
  } as typeof base;
  const outcome: Input = { kind: "effect", id: job.id, generation: 3000, outcome: { output: "o" } };
  t.equal(decided(closed, outcome).kind, "cascade");
});

t.test("the partition's memory alone recognizes a command, of an actor that exists", async (t) => {
  t.equal(decided(base, command("note.1", "c"), { repeated: true }).kind, "repeated");
  t.equal(decided(undefined, command("note.1", "c"), { repeated: true }).kind, "not_found");
});

t.test("an actor that does not exist takes a start only, and no offset hides it", async (t) => {
  t.equal(decided(undefined, start).kind, "cascade");
  t.equal(decided(base, start).kind, "existing");
  t.equal(decided({ ...base, commands: ["c"] }, start, { repeated: true }).kind, "existing");
  for (const input of [command("note.1", "c"), event("note.1", "e")]) {
    t.equal(decided(undefined, input, { inbox: 7 }).kind, "not_found");
  }
});

t.test("an outcome is taken for the generation that is open, and for no other", async (t) => {
  const open = {
    ...base,
    machines: { diary: { ...base.machines["diary"], value: "working" } },
    effects: [job],
  };
  const outcome = (generation: number, id = job.id): Input => ({
    kind: "effect",
    id,
    generation,
    outcome: { output: "o" },
  });
  const snapshot = open as unknown as Snapshot;
  t.equal(decided(snapshot, outcome(3000)).kind, "cascade");
  for (const generation of [2000, 2999, 3001, 0]) {
    t.equal(decided(snapshot, outcome(generation)).kind, "ignored", `generation ${generation}`);
  }
  t.equal(decided(snapshot, outcome(3000, "diary.other")).kind, "ignored", "another effect");
  t.equal(decided(base, outcome(3000)).kind, "ignored", "closed");
});

t.test("a timer is taken for the generation that is armed, and for no other", async (t) => {
  const definition = turnstile(() => Promise.resolve({ receipt: "r" }));
  const fresh = decide(
    definition,
    activationOf(undefined, definition),
    fireAndForget({ kind: "start", input: { lockAfterMs: 10 } }),
    NOW,
  );
  if (fresh.kind !== "cascade") throw new Error("not started");
  const { snapshot } = fresh.result.head;
  const armed: OpenTimer = {
    id: "xstate.after.lockAgain.turnstile.unlocked",
    machine: "turnstile",
    event: { type: "xstate.after.lockAgain.turnstile.unlocked" },
    generation: 4000,
    dueAt: NOW,
  };
  const state: Snapshot = {
    ...snapshot,
    machines: {
      ...snapshot.machines,
      turnstile: { ...snapshot.machines["turnstile"], value: "unlocked" },
    } as Snapshot["machines"],
    timers: [armed],
  };
  const fired = (generation: number, machine = "turnstile", timer = armed.id): string =>
    decided(state, { kind: "timer", machine, timer, generation }, { inbox: 50 }, definition).kind;
  t.equal(fired(4000), "cascade");
  t.equal(fired(3000), "ignored", "an earlier arming");
  t.equal(fired(5000), "ignored");
  t.equal(fired(4000, "counter"), "ignored", "another machine");
  t.equal(fired(4000, "turnstile", "other"), "ignored", "another timer");
});

t.test("a decision carries the inbox sequence and the time of its input", async (t) => {
  const decision = decided(base, event("note.1", "e"), { inbox: 77 });
  if (decision.kind !== "cascade") throw new Error(decision.kind);
  const { snapshot } = decision.result.head;
  t.match(snapshot, { inbox: 77, version: 6, commands: ["e"], updatedAt: NOW, createdAt: 1 });
});

t.test("a cascade that throws is poisonous, with its error", async (t) => {
  t.match(decided(base, event("poison", "e")), { kind: "poisonous", error: /poison/ });
  t.match(decided({ ...base, commands: ["e"] }, event("poison", "e")), { kind: "repeated" });
});

t.test(
  "a joined resource is asked with the actor, its key, the input, and whether the actor is new",
  async (t) => {
    const asked: unknown[] = [];
    const definition = {
      ...diary(),
      effects: {
        job: {
          ...diary().effects["job"],
          join: {
            decide: (request: unknown) => {
              asked.push(request);
              return undefined;
            },
          },
        },
      },
    } as unknown as ReturnType<typeof diary>;
    const decision = decided(base, command("work", "c"), {}, definition);
    t.equal(decision.kind, "cascade");
    t.match(asked, [{ actor: "d", key: "d:diary.job:6000", input: "x", first: false }]);
  },
);

t.test("commands and starts have a caller, what comes from elsewhere has none", async (t) => {
  const effect: Input = { kind: "effect", id: "i", generation: 1, outcome: { output: 1 } };
  const timer: Input = { kind: "timer", machine: "m", timer: "t", generation: 1 };
  t.same(
    [command("note.1", "c"), start, event("e", "e"), effect, timer].map((input) =>
      hasCaller(fireAndForget(input)),
    ),
    [true, true, false, false, false],
  );
  t.match(fireAndForget(start), { inbox: 0, waitMs: 0, mayExist: true, attempts: 0 });
});

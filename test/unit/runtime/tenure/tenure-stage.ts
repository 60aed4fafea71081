/** A diary as an actor, and a tenure whose write sets a test resolves by hand. */
import { assign as assignContext, emit, fromPromise, setup } from "xstate";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { MemoryServer } from "../../../../src/adapters/memory/server.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import { EffectRunner } from "../../../../src/runtime/effects/effect-runner.ts";
import { Tenure } from "../../../../src/runtime/tenure/tenure.ts";
import type { PendingInput } from "../../../../src/runtime/tenure/pending-input.ts";
import type { WriteSet } from "../../../../src/runtime/commit/write-set.ts";
import { silent } from "../commit/relay-stage.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import type { ActorDefinition, EffectHandler } from "../../../../src/runtime/definition.ts";

/** Keeps every note in order; `work` starts an effect. The outcome `poison` throws when it is `strict`. */
const diaryOf = (noted: readonly string[], strict: boolean, idle = "idle", working = "working") =>
  setup({
    types: {
      context: {} as { notes: string[]; done: string[] },
      events: {} as { type: string },
    },
    actors: { job: fromPromise<string, string>(() => Promise.reject(new Error("run by the runtime"))) },
  }).createMachine({
    id: "diary",
    context: { notes: [], done: [] },
    initial: idle,
    on: {
      poison: {
        actions: assignContext(() => {
          throw new Error("poison");
        }),
      },
      ...Object.fromEntries(
        noted.map((type) => [
          type,
          {
            actions: assignContext({
              notes: ({ context, event }: { context: Diary; event: { type: string } }) => [
                ...context.notes,
                event.type,
              ],
            }),
          },
        ]),
      ),
    },
    states: {
      [idle]: { on: { work: working } },
      [working]: {
        on: { stop: idle },
        invoke: {
          id: "job",
          src: "job",
          input: "x",
          onDone: {
            target: idle,
            actions: [
              assignContext({
                done: ({ context, event }) => {
                  if (strict && event.output === "poison") throw new Error("poison");
                  return [...context.done, event.output];
                },
              }),
              emit({ type: "diary.worked" }),
            ],
          },
          onError: idle,
        },
      },
    },
  });

/** `poison` throws, as an event and as the outcome of the effect. */
export const diaryMachine = diaryOf(["note.*"], true);

/** An actor with one diary. @param run the call of its effect */
export function diary(run: EffectHandler["run"] = ({ key }) => Promise.resolve(key)): ActorDefinition {
  return {
    machines: { diary: { machine: diaryMachine, version: 1 } },
    listens: {},
    effects: { job: { provider: "jobs", timeoutMs: 60_000, maxAttempts: 3, backoffMs: 10, run } },
    settled: () => true,
  };
}

/** The same diary after a repair: it takes `poison` as a note, and any outcome. */
export function fixedDiary(run: EffectHandler["run"] = ({ key }) => Promise.resolve(key)): ActorDefinition {
  const definition = diary(run);
  return {
    ...definition,
    machines: { diary: { machine: diaryOf(["note.*", "poison"], false), version: 1 } },
  };
}

/** The same diary with its states renamed, although its version is not raised. */
export function renamed(): ActorDefinition {
  const machine = diaryOf(["note.*"], true, "resting", "busy");
  return { ...diary(), machines: { diary: { machine, version: 1 } } };
}

export type Diary = { readonly notes: string[]; readonly done: string[] };
export type States = { readonly machines: Readonly<Record<string, { readonly context: unknown }>> };
export const notes = ({ machines }: States): string[] =>
  (machines["diary"] as { context: Diary }).context.notes;
export const worked = ({ machines }: States): string[] =>
  (machines["diary"] as { context: Diary }).context.done;

export const NOW = { waitMs: 0, mayExist: false } as const;
export const record = (actor: string): string => subjects.record(0, actor);
export const pendingInput = (input: Input, inbox: number): PendingInput => ({
  input,
  inbox,
  waitMs: 0,
  mayExist: input.kind !== "start",
  reply: () => {},
  attempts: 0,
});

/** A tenure whose write sets a test resolves by hand. */
export async function byHand(run?: EffectHandler["run"]) {
  const clock = new VirtualClock();
  const { journal } = memoryNode(new MemoryServer({ subjects, clock }), "one");
  const definition = diary(run);
  const writeSets: WriteSet[] = [];
  let ids = 0;
  const effects = new EffectRunner({ handlers: definition.effects, clock, log: silent });
  const tenure = new Tenure(
    {
      subjects,
      definition,
      lock: subjects.lock("partition.0"),
      journal,
      sink: { submit: (writeSet) => void writeSets.push(writeSet) },
      effects,
      clock,
      ids: { next: () => `id${++ids}` },
      log: silent,
      node: "one",
      idleActors: 10,
    },
    0,
    1,
  );
  return {
    clock,
    tenure,
    writeSets,
    start: () => tenure.dispatch("d", pendingInput({ kind: "start", input: {} }, 0)),
    send: (type: string, inbox = 0) =>
      tenure.dispatch(
        "d",
        pendingInput({ kind: "event", machine: "diary", event: { type }, id: `${type}!` }, inbox),
      ),
    /** The oldest write set becomes the last record of the actor. */
    store: async (): Promise<void> => {
      const writeSet = writeSets.shift();
      if (!writeSet) throw new Error("no write set");
      const [message] = writeSet.messages;
      if (!message) throw new Error("an empty write set");
      let at = 0;
      void journal.append([message], 100).then((result) => {
        at = result.status === "stored" ? result.lastSequence : -1;
        return at;
      });
      await clock.advanceUntil(() => at !== 0, 100);
      writeSet.resolved({ status: "stored", sequences: new Map([[record("d"), at]]), lastSequence: at });
    },
    drop: (): void => {
      writeSets.pop()?.resolved({ status: "dropped", why: "store_unavailable" });
    },
  };
}

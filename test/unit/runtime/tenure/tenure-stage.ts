/** A diary that is kept by a tenure, and a tenure whose units are settled by hand. */
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
import { subjects } from "../../../../src/runtime/subjects.ts";
import type { ActorDefinition, EffectHandler } from "../../../../src/runtime/definition.ts";

/** Remembers every note in order; `work` starts an effect. The outcome `poison` throws when it is `strict`. */
const diaryOf = (noted: readonly string[], strict: boolean) =>
  setup({
    types: {
      context: {} as { notes: string[]; done: string[] },
      events: {} as { type: string },
    },
    actors: { job: fromPromise<string, string>(() => Promise.reject(new Error("run by the runtime"))) },
  }).createMachine({
    id: "diary",
    context: { notes: [], done: [] },
    initial: "idle",
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
      idle: { on: { work: "working" } },
      working: {
        on: { stop: "idle" },
        invoke: {
          id: "job",
          src: "job",
          input: "x",
          onDone: {
            target: "idle",
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
          onError: "idle",
        },
      },
    },
  });

/** `poison` throws, whether it is told or comes of the effect. */
export const diaryMachine = diaryOf(["note.*"], true);

export function diary(run: EffectHandler["run"] = ({ key }) => Promise.resolve(key)): ActorDefinition {
  return {
    machines: { diary: { machine: diaryMachine, version: 1 } },
    listens: {},
    effects: { job: { provider: "jobs", timeoutMs: 60_000, maxAttempts: 3, backoffMs: 10, run } },
    settled: () => true,
  };
}

/** The same diary after a repair: takes `poison` for a note, and any outcome. */
export function fixedDiary(run: EffectHandler["run"] = ({ key }) => Promise.resolve(key)): ActorDefinition {
  const definition = diary(run);
  return {
    ...definition,
    machines: { diary: { machine: diaryOf(["note.*", "poison"], false), version: 1 } },
  };
}

export type Diary = { readonly notes: string[]; readonly done: string[] };
export type States = { readonly machines: Readonly<Record<string, { readonly context: unknown }>> };
export const notes = ({ machines }: States): string[] =>
  (machines["diary"] as { context: Diary }).context.notes;
export const worked = ({ machines }: States): string[] =>
  (machines["diary"] as { context: Diary }).context.done;

export const NOW = { waitMs: 0, mayExist: false } as const;
export const record = (actor: string): string => subjects.record(0, actor);
export const work = (input: Input, inbox: number): PendingInput => ({
  input,
  inbox,
  waitMs: 0,
  mayExist: input.kind !== "start",
  reply: () => {},
  attempts: 0,
});

/** A tenure whose units are settled by hand. */
export async function byHand(run?: EffectHandler["run"]) {
  const clock = new VirtualClock();
  const { journal } = memoryNode(new MemoryServer({ clock }), "one");
  const definition = diary(run);
  const units: WriteSet[] = [];
  let ids = 0;
  const effects = new EffectRunner({ handlers: definition.effects, clock, log: silent });
  const tenure = new Tenure(
    {
      definition,
      lock: subjects.lock("partition.0"),
      journal,
      sink: { submit: (unit) => void units.push(unit) },
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
    units,
    start: () => tenure.dispatch("d", work({ kind: "start", input: {} }, 0)),
    send: (type: string, inbox = 0) =>
      tenure.dispatch("d", work({ kind: "event", machine: "diary", event: { type }, id: `${type}!` }, inbox)),
    /** The oldest unit becomes the last record of the actor. */
    store: async (): Promise<void> => {
      const unit = units.shift();
      if (!unit) throw new Error("no unit");
      const [message] = unit.messages;
      if (!message) throw new Error("an empty unit");
      let at = 0;
      void journal.append([message], 100).then((result) => {
        at = result.status === "stored" ? result.lastSequence : -1;
        return at;
      });
      await clock.advanceUntil(() => at !== 0, 100);
      unit.resolved({ status: "stored", sequences: new Map([[record("d"), at]]), lastSequence: at });
    },
    drop: (): void => {
      units.pop()?.resolved({ status: "dropped", why: "store_unavailable" });
    },
  };
}

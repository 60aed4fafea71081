/**
 * The only file that runs XState: machines are pure functions, and their actions are read as data.
 * No XState actor is ever started. Children are stubs that only carry their id: an `invoke` becomes a durable
 * effect, an `after` a durable timer.
 */
import {
  type AnyActorRef,
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type EventObject,
  type InspectionEvent,
} from "xstate";
import type { ActorDefinition, MachineEntry, MachineState, MachineStates } from "../definition.ts";
import { edgeId } from "./edges.ts";

/** The state of a machine in memory. Immutable. */
export type Live = AnyMachineSnapshot;

/** One thing that a step requires from the runtime. */
export type MachineRequest =
  | { readonly kind: "emit"; readonly event: EventObject }
  | { readonly kind: "invoke"; readonly id: string; readonly src: string; readonly input: unknown }
  | { readonly kind: "stop"; readonly id: string }
  | { readonly kind: "delay"; readonly id: string; readonly event: EventObject; readonly delayMs: number }
  | { readonly kind: "cancel"; readonly id: string };

/** The result of a step: the next state, and its requests in the order of the machine's actions. */
export type Step = {
  readonly live: Live;
  readonly requests: readonly MachineRequest[];
  /** Ids of the transitions taken, in order: that of the event, then those that followed by themselves. */
  readonly edges: readonly string[];
};

/** The machine cannot be hosted, or it has failed permanently. Not retryable. */
export class MachineFault extends Error {
  override readonly name: string = "MachineFault";
}

/** A newer program wrote the state; a node that runs that program can read it. Not retryable on this node. */
export class NewerMachine extends MachineFault {
  override readonly name = "NewerMachine";
}

/** Runs the machine's first transition. @throws MachineFault */
export function startMachine(machine: AnyStateMachine, input: unknown): Step {
  const actions: RawAction[] = [];
  const scope = scopeOf(machine, input, actions);
  begin(undefined);
  const live = pure(machine, () => machine.getInitialSnapshot(scope, input));
  return finish(machine, live, actions, taken);
}

/**
 * Applies one event. When no transition takes the event, the result is the same `live` object without requests; a
 * transition that only emits also keeps the object, but has requests.
 * @throws MachineFault when the machine ends in its error status
 */
export function stepMachine(machine: AnyStateMachine, live: Live, event: EventObject): Step {
  if (live.status !== "active") return { live, requests: [], edges: [] };
  const actions: RawAction[] = [];
  const scope = scopeOf(machine, undefined, actions);
  begin(live);
  const next = pure(machine, () => machine.transition(live, event, scope));
  return finish(machine, next, actions, taken);
}

/** What a condition or an action of the machine throws becomes a fault of the machine. */
function pure<T>(machine: AnyStateMachine, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new MachineFault(`machine ${machine.id} failed: ${cause}`, { cause: error });
  } finally {
    selecting = undefined;
  }
}

/** Whether a transition takes the event in this state, XState guards included. @throws MachineFault */
export function accepts(entry: MachineEntry, state: MachineState, event: EventObject): boolean {
  return restoreMachine(entry, state, []).can(event);
}

/** The durable form of a machine's state. */
export function toState(live: Live, version: number): MachineState {
  return { status: live.status as MachineState["status"], value: live.value, context: live.context, version };
}

/**
 * Makes a stored state ready to step.
 * @param openInvocations ids of the machine's open effects; without them, leaving their state would go unnoticed
 * @throws MachineFault when the state does not exist in the machine
 */
export function restoreMachine(
  entry: MachineEntry,
  state: MachineState,
  openInvocations: readonly string[],
): Live {
  const live = pure(entry.machine, () =>
    entry.machine.resolveState({
      status: state.status,
      value: state.value as never,
      context: state.context,
    }),
  );
  const children: Record<string, unknown> = live.children;
  for (const id of openInvocations) children[id] = { id, src: id };
  return live;
}

/**
 * Brings a stored state to the current version of its machine.
 * @param machines all stored machines of the actor, which a migration may read
 * @throws MachineFault when a migration is missing or throws; NewerMachine when the state has a later version
 */
export function migrate(
  name: string,
  entry: MachineEntry,
  stored: MachineState,
  machines: MachineStates,
): MachineState {
  let state = stored;
  while (state.version < entry.version) {
    const { version } = state;
    const step = entry.migrations?.[version];
    if (!step) throw new MachineFault(`machine ${name}: no migration from version ${version}`);
    try {
      state = { ...step(state, machines), version: version + 1 };
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      throw new MachineFault(`machine ${name}: the migration from version ${version} failed: ${cause}`, {
        cause: error,
      });
    }
  }
  if (state.version > entry.version) {
    throw new NewerMachine(
      `machine ${name}: stored by version ${state.version}, this node runs ${entry.version}`,
    );
  }
  return state;
}

/**
 * The state of a machine that the definition gained after its actor was stored.
 * @throws MachineFault when the machine has no `initialInput`, when that throws, or when the start makes requests
 */
export function initialState(name: string, entry: MachineEntry, others: MachineStates): MachineState {
  const { initialInput, machine, version } = entry;
  if (!initialInput)
    throw new MachineFault(`machine ${name} is missing in the stored state, and has no initial input`);
  const { live, requests } = startMachine(
    machine,
    pure(machine, () => initialInput(others)),
  );
  if (requests.length > 0) {
    const kinds = requests.map(({ kind }) => kind).join(", ");
    throw new MachineFault(`machine ${name} is added to a stored actor and does not start at rest: ${kinds}`);
  }
  return toState(live, version);
}

/**
 * Rejects a machine that pure hosting cannot carry out. Called once, when a definition is loaded.
 * @param effects names of the effect handlers
 * @throws MachineFault
 */
export function checkMachine(name: string, machine: AnyStateMachine, effects: Iterable<string>): void {
  const known = new Set(effects);
  for (const node of statesOf(machine.root)) {
    if (node.type === "history")
      throw new MachineFault(`machine ${name}: history states are not stored (${node.id})`);
    for (const invoke of node.invoke) {
      const src = typeof invoke.src === "string" ? invoke.src : invoke.id;
      if (!known.has(src))
        throw new MachineFault(
          `machine ${name}: no effect handler for invoke "${src}"; add one to the definition's effects`,
        );
      // Without an actor there is no child to stop, and leaving the state would go unnoticed.
      if (!machine.implementations.actors[src])
        throw new MachineFault(`machine ${name}: invoke "${src}" needs an actor in the machine's setup`);
      for (const type of [`xstate.done.actor.${invoke.id}`, `xstate.error.actor.${invoke.id}`]) {
        if (!node.ownEvents.includes(type))
          throw new MachineFault(`machine ${name}: invoke "${src}" needs onDone and onError`);
      }
    }
    for (const action of actionsOf(node)) checkAction(name, machine, action);
  }
}

/** Rejects a listener that is no machine: its events would vanish. @throws MachineFault */
export function checkListeners({ listens, machines }: Pick<ActorDefinition, "listens" | "machines">): void {
  for (const [type, listeners] of Object.entries(listens)) {
    const unknown = listeners.find((name) => machines[name] === undefined);
    if (unknown === undefined) continue;
    throw new MachineFault(
      `machine ${unknown} listens to "${type}" and is missing in the definition's machines; add it there, or remove it from listens`,
    );
  }
}

/** Actions besides `invoke` and `after`. Actions inside `enqueueActions` are checked only when a step runs them. */
const HOSTED = new Set(
  ["assign", "emit", "raise", "cancel", "enqueueActions"].map((type) => `xstate.${type}`),
);

function checkAction(name: string, machine: AnyStateMachine, action: unknown): void {
  const named = typeof action === "string" ? action : (action as { readonly type?: unknown }).type;
  const known = typeof named === "string" ? machine.implementations.actions[named] : undefined;
  const type = (known as { readonly type?: unknown } | undefined)?.type ?? named;
  if (typeof type === "string" && HOSTED.has(type)) return;
  throw new MachineFault(
    `machine ${name}: action "${typeof named === "string" ? named : "inline"}" cannot be made durable; ` +
      "use assign, emit, raise, cancel, invoke and after",
  );
}

function* actionsOf(node: AnyStateMachine["root"]): Generator {
  yield* node.entry;
  yield* node.exit;
  yield* node.initial.actions;
  for (const transitions of node.transitions.values()) for (const { actions } of transitions) yield* actions;
  for (const { actions } of node.always ?? []) yield* actions;
}

/** A state and all states in it. */
export function* statesOf(node: AnyStateMachine["root"]): Generator<AnyStateMachine["root"]> {
  yield node;
  for (const child of Object.values(node.states)) yield* statesOf(child);
}

type RawAction = { readonly type: string; readonly params?: unknown };

function finish(
  machine: AnyStateMachine,
  live: Live,
  actions: readonly RawAction[],
  edges: readonly string[],
): Step {
  if (live.status === "error") {
    const cause = live.error instanceof Error ? live.error.message : JSON.stringify(live.error);
    throw new MachineFault(`machine ${machine.id} failed: ${cause}`);
  }
  const requests: MachineRequest[] = [];
  for (const action of actions) {
    const request = read(machine, action);
    if (request) requests.push(request);
  }
  return { live, requests, edges };
}

function read(machine: AnyStateMachine, action: RawAction): MachineRequest | undefined {
  const params = (action.params ?? {}) as Record<string, unknown>;
  switch (action.type) {
    case "xstate.emit":
      return { kind: "emit", event: params.event as EventObject };
    case "xstate.spawnChild": {
      if (typeof params.src !== "string") break;
      return { kind: "invoke", id: String(params.id), src: params.src, input: params.input };
    }
    case "xstate.stopChild":
      // XState passes no parameters for a child that was not restored: its effect was closed before.
      return typeof params.id === "string" ? { kind: "stop", id: params.id } : undefined;
    case "xstate.raise":
      // XState has already applied a raised event without a delay.
      return typeof params.delay === "number"
        ? {
            kind: "delay",
            id: String(params.id),
            event: params.event as EventObject,
            delayMs: params.delay,
          }
        : undefined;
    case "xstate.cancel":
      return { kind: "cancel", id: String(params.sendId) };
    default:
      break;
  }
  throw new MachineFault(
    `machine ${machine.id}: action "${action.type}" cannot be made durable; use assign, emit, invoke and after`,
  );
}

/** One unstarted actor per machine: XState's `transition` creates one for every call, initial state included. */
const actors = new WeakMap<AnyStateMachine, AnyActorRef>();

/** Ids of the transitions of the step under way: a step is synchronous, and no step runs within another one. */
let taken: string[] = [];

/** Where a step selects transitions. `isFirst`: those for its event, before any that follow by themselves. */
export type Selection = { readonly from: Live | undefined; readonly isFirst: boolean };

let selecting: Selection | undefined;

/** Where the step under way selects transitions now; `from` is absent in a first step. `undefined` outside of steps. */
export const selection = (): Selection | undefined => selecting;

function begin(from: Live | undefined): void {
  taken = [];
  selecting = { from, isFirst: from !== undefined };
}

/** XState reports the transitions of each microstep to the inspector of the actor's system: they cost no search. */
function inspect(event: InspectionEvent): void {
  if (event.type !== "@xstate.microstep") return;
  if (selecting) selecting = { from: event.snapshot as Live, isFirst: false };
  for (const transition of event._transitions) taken.push(edgeId(transition));
}

/**
 * The part of an actor that a pure transition needs. XState's own `initialTransition` and `transition` create an actor
 * for each call. That costs twice as much as the transition, and it runs the machine's context factory without an
 * input, which throws.
 */
function scopeOf(machine: AnyStateMachine, input: unknown, actions: RawAction[]): AnyActorScope {
  let self = actors.get(machine);
  if (!self) {
    self = createActor(machine, { input, inspect });
    actors.set(machine, self);
  }
  return {
    self,
    id: "",
    sessionId: "",
    system: self.system,
    logger: nothing,
    defer: nothing,
    stopChild: nothing,
    emit: nothing,
    actionExecutor: (action) => void actions.push(action),
  };
}

function nothing(): void {}

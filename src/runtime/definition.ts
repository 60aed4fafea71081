/**
 * What an application gives the runtime of its actors: machines, who listens to what, effects.
 * The runtime knows nothing else about the domain.
 */
import type { AnyStateMachine, EventObject } from "xstate";
import type { Fingerprints } from "./fingerprints.ts";
import type { Message } from "./ports.ts";

/** A machine's state as plain JSON, as stored in the record. */
export type MachineState = {
  readonly status: "active" | "done" | "error";
  /** XState's state value: a string, or an object for nested and parallel states. */
  readonly value: unknown;
  readonly context: unknown;
  /** Version of the machine that wrote this state. */
  readonly version: number;
};

/** The states of an actor's machines, by machine. */
export type MachineStates = Readonly<Record<string, MachineState>>;

/** One machine of an actor, with what is needed to load states of its earlier versions. */
export type MachineEntry = {
  readonly machine: AnyStateMachine;
  /** Raised by one whenever stored states of the previous version need a migration. */
  readonly version: number;
  /** `migrations[n]` makes a state of version n + 1 from one of version n. */
  readonly migrations?: Readonly<Record<number, Migration>>;
  /** `renames[n]`: what the open timers and invocations of version n are in version n + 1. */
  readonly renames?: Readonly<Record<number, Renames>>;
  /**
   * Of a machine that was added later: its input in actors that were stored without it, from the others' states, which
   * are migrated already. It starts at rest: its first state may not invoke, wait or emit. Pure; asked again at every
   * load until the actor's next record.
   */
  readonly initialInput?: (others: MachineStates) => unknown;
};

/**
 * What open timers and invocations of one version are in the next one. Every timer and invocation that the next version
 * does not have any more needs a line: actors wait for them.
 */
export type Renames = {
  /**
   * By the id of a timer, as records have it: its id in the next version, where it keeps its due time. Null: it ends,
   * because the migration leads every actor that waits for it to another state.
   */
  readonly timers?: Readonly<Record<string, string | null>>;
  /**
   * By the id of an invocation: its id in the next version, where it keeps its `src`, its input and its key. Null: it
   * is abandoned, and its outcome arrives as `effect.late.<id>`.
   */
  readonly invocations?: Readonly<Record<string, string | null>>;
  /**
   * Ids of timers and invocations that the next version adds to states of this one: actors that are in such a state
   * already go on without them.
   */
  readonly absent?: readonly string[];
};

/** Pure. `stored`: all machines of the actor as they were stored, each in the version that wrote it. */
export type Migration = (state: MachineState, stored: MachineStates) => MachineState;

/** One try of one call to the outside. */
export type EffectContext = {
  readonly actor: string;
  /** Stable over retries, crashes and nodes: `<actor>:<machine>.<invocation>:<generation>`. The idempotency key. */
  readonly key: string;
  readonly input: unknown;
  /** The actor's facts as acknowledged; absent where the definition has none. */
  readonly facts?: object;
  /** 1 for the first try in this process. */
  readonly attempt: number;
  /** True when an earlier owner may have started this effect: its status is queried before it is repeated. */
  readonly resumed: boolean;
  /** Aborted at the effect's time limit or when the node stops. */
  readonly signal: AbortSignal;
};

/** Writes of a co-located resource that join an actor's commit: stored together or not at all. */
export type Joined = {
  /** Result of the effect, seen by the machine within the same cascade. */
  readonly output: unknown;
  /** The lock under which the resource decided. */
  readonly lock: { readonly subject: string; readonly epoch: number };
  readonly messages: readonly Message[];
  /** Summed with those of the batch's other write sets into as few messages as possible, when the batch is composed. */
  readonly delta?: { readonly aggregator: Aggregator; readonly delta: unknown };
  /**
   * Called once when the outcome of the commit is known. `sequences`: the last sequence of each subject with a
   * precondition after the commit; without it the resource reads them back before their next write with one.
   */
  resolved(committed: boolean, sequences?: ReadonlyMap<string, number>): void;
};

/** Makes the messages of one batch from the deltas of many write sets, one for each subject. */
export interface Aggregator {
  /** Recomputed from acknowledged values whenever a batch is put together; must not change any state. */
  compose(changes: readonly unknown[]): readonly Message[];
  /** The batch with these changes is stored. Called before `resolved` of any of its write sets. */
  committed(changes: readonly unknown[]): void;
}

/** How the runtime makes one kind of call to the outside. */
export type EffectHandler = {
  /** Name of the outside system: concurrency limits, breakers and metrics are for each. */
  readonly provider: string;
  /** Time limit of one try. */
  readonly timeoutMs: number;
  /**
   * With true, a try that ran into its time limit and that the status query does not find fails with code `timeout`
   * and is not tried again: for calls with a waiting caller.
   */
  readonly timeoutIsFinal?: boolean;
  /** Tries in memory, seconds at most in all; then the machine's `onError`. */
  readonly maxAttempts: number;
  /** Pause before try n + 1 is `backoffMs * 2^(n-1)`. */
  readonly backoffMs: number;
  /** @throws EffectError; any other error counts as `unknown` when `queryStatus` exists, else as `retryable`. */
  run(context: EffectContext): Promise<unknown>;
  /** Asks the provider what became of `key`. Absent where calls are naturally idempotent. */
  queryStatus?(
    context: EffectContext,
  ): Promise<{ readonly found: true; readonly output: unknown } | { readonly found: false }>;
  readonly join?: Joinable;
};

/** A resource that can decide within an actor's own commit. */
export type Joinable = {
  /** Subject of the lock that it decides under. Only actors whose own lock is in the same stream join. */
  readonly lock: string;
  /** Decides at once when the resource is owned by this node; `undefined`: not here, run the effect. */
  decide(context: JoinContext): Joined | undefined;
  /** What `decide` would decide now, without a trace of it; absent: dry runs show the effect as opened. */
  predict?(context: JoinContext): { readonly output: unknown } | undefined;
};

/** What a co-located resource decides about. */
export type JoinContext = {
  readonly actor: string;
  readonly key: string;
  readonly input: unknown;
  /** The actor's facts at this point of the cascade; absent where the definition has none. */
  readonly facts?: object | undefined;
  /** The actor has no record yet: no earlier try of it can have reached the resource. */
  readonly first?: boolean;
};

/**
 * The failure of one try. `refused`: a definite no, goes to the machine's `onError` at once.
 * `retryable`: certainly not done, tried again. `unknown`: may have been done, its status is queried first.
 */
export class EffectError extends Error {
  override readonly name = "EffectError";
  readonly kind: "refused" | "retryable" | "unknown";
  /** Stable, snake_case; what the machine sees as `event.error.code`. */
  readonly code: string;
  constructor(
    kind: "refused" | "retryable" | "unknown",
    code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.kind = kind;
    this.code = code;
  }
}

/** What a machine finds in `event.error` of `onError`: plain JSON, `Error` objects do not survive storage. */
export type EffectFailure = Readonly<Pick<EffectError, "code" | "message" | "kind">>;

/**
 * An application's actors: everything that `hostActors` needs of them. Equal on all nodes.
 * @example
 * const definition: ActorDefinition = {
 *   machines: { gate: { machine: gateMachine, version: 1 } },
 *   listens: {},
 *   effects: { checkCoin: { provider: "coins", timeoutMs: 2_000, maxAttempts: 3, backoffMs: 100, run: checkCoin } },
 *   settled: ({ gate }) => gate?.value !== "checking",
 * };
 */
export type ActorDefinition = {
  /**
   * Raised by one whenever a machine is added (with an `initialInput`) or dropped; 1 when absent. A node does not
   * touch what a newer definition has stored. The state and the timers of a dropped machine are forgotten; a call of
   * it that is still under way parks the actor.
   */
  readonly version?: number;
  /**
   * What every version stands for, as committed with the sources: a node does not start with another definition under
   * the same version. Absent: only the cluster's own entries are compared (docs/evolution.md).
   */
  readonly fingerprints?: Fingerprints;
  /** In the order in which they start. All get the same input. */
  readonly machines: Readonly<Record<string, MachineEntry>>;
  /** Which machines an emitted event is delivered to, within the same cascade and in this order. */
  readonly listens: Readonly<Record<string, readonly string[]>>;
  /** By the `src` of an `invoke`. */
  readonly effects: Readonly<Record<string, EffectHandler>>;
  /** By the `provider` of the effects; one that is not named has 512 calls at once and no breaker. */
  readonly providers?: Readonly<Record<string, ProviderLimits>>;
  /** False while an answer to the creator is still to be expected soon (a reservation, an authorization). */
  settled(machines: MachineStates): boolean;
  /** Emitted events that stay inside the actor: delivered to listeners, never published. */
  readonly privateEvents?: ReadonlySet<string>;
  /** Absent: an actor is its machines' states, and nothing else. */
  readonly facts?: FactsRules;
};

/** In place of a machine: the receiver of commands that change an actor's facts alone. No machine has this name. */
export const FACTS = "facts";

/**
 * What is true of an actor and no machine decides with (names, addresses, lines): stored once for each change, in a
 * message of its own beside the record of that commit, instead of in every record. Effects, replies and events get it.
 * All functions are pure. `facts` is plain JSON, and never changed in place.
 */
export type FactsRules = {
  /** Of a new actor, from the input of its start. */
  initial(input: object): object;
  /** By type of an emitted event: the facts after it. The same object when the event changes nothing. */
  readonly changes: Readonly<Record<string, (facts: object, event: EventObject) => object>>;
  /**
   * By type of a command to {@link FACTS}: the facts after it. It moves no machine, and its record has no transition.
   * Absent: no command changes facts.
   */
  readonly commands?: Readonly<Record<string, (facts: object, event: EventObject) => object>>;
  /** A token that all actors of a group share, at the end of the facts' subject: their facts are found by it. */
  group(facts: object): string;
  /** The public form of an emitted event. */
  publish(event: EventObject, facts: object): EventObject;
  /** The facts of an actor that a definition without facts has stored in the states of its machines. */
  split(machines: MachineStates): object;
  /** The reverse, for the replies to nodes with such a definition. */
  merge(machines: MachineStates, facts: object): MachineStates;
};

export type { EventObject };

/** How a node treats one provider. */
export type ProviderLimits = {
  /** Calls under way at once on one node, 1 or more; the others wait in a queue. */
  readonly concurrency: number;
  /** Absent: a call is made whatever the outcome of those before it. */
  readonly breaker?: BreakerLimits;
};

/** When calls to a provider are held back. */
export type BreakerLimits = {
  /** Calls that have to fail in a row: no answer, or one that reports a fault of the provider. */
  readonly failures: number;
  /** Pause before it is tried again, ms. */
  readonly probeEveryMs: number;
  /** How long an effect in all waits for the provider to be back, before it fails as `provider_unavailable`, ms. */
  readonly maxWaitMs: number;
};

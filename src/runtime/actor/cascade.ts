/**
 * Applies one input to one actor: pure, bounded, and one record as its result, however many of the actor's
 * machines move. Emitted events reach the listening machines within the same cascade (ADR 3).
 */
import type { EventObject } from "xstate";
import { limits } from "../limits.ts";
import { type ActorDefinition, FACTS, type Joined, type MachineState } from "../definition.ts";
import type { Facts, OpenEffect, OpenTimer, Sent, Snapshot, TransitionTaken } from "./snapshot.ts";
import {
  type Live,
  MachineFault,
  type MachineRequest,
  startMachine,
  type Step,
  stepMachine,
  toState,
} from "./machine.ts";
import { INIT, transitionTaken } from "./edges.ts";
import { type EffectOutcome, idOf, type Input, type ParkedInput } from "./input.ts";

/** The state of an actor in memory: its durable snapshot, and its machines ready to step, by name. Immutable. */
export type Head = { readonly snapshot: Snapshot; readonly live: ReadonlyMap<string, Live> };

/** What a cascade needs besides the definition, the actor's state and the input. */
export type CascadeContext = {
  readonly actor: string;
  /** ms since the epoch */
  readonly now: number;
  /** Sequence of the inbox message that carries the input; 0 for an input from elsewhere. */
  readonly inbox: number;
  /** Lets a co-located resource decide at once, as part of this cascade; see `Joinable`. */
  readonly join: (effect: OpenEffect, key: string, facts: object | undefined) => Joined | undefined;
};

/** The result of a cascade: the next state, and what is to be stored and done with it. */
export type Cascade = {
  readonly head: Head;
  readonly transitions: readonly TransitionTaken[];
  /** What the machines emitted to each other. */
  readonly sent: readonly Sent[];
  /** Public events, in the order in which they were emitted. */
  readonly events: readonly EventObject[];
  /** Effects to start once the record is stored. */
  readonly opened: readonly OpenEffect[];
  /** Ids of the effects whose outcome the input was, or that it skips. */
  readonly closed: readonly string[];
  readonly armed: readonly OpenTimer[];
  readonly cancelled: readonly OpenTimer[];
  /** The timer that the owner fired itself, before its schedule: that is cancelled as well. */
  readonly fired: readonly OpenTimer[];
  /** Decisions of co-located resources, stored in the same batch or not at all. */
  readonly joined: readonly Joined[];
  /** The actor's facts, when they are to be stored: they are new, they have changed, or an earlier version had none. */
  readonly facts?: Facts;
};

/** The idempotency key of an effect: `<actor>:<machine>.<invocation>:<generation>`, as it was opened. */
export function effectKey(actor: string, effect: OpenEffect): string {
  return `${actor}:${effect.openedAs ?? effect.id}:${effect.generation}`;
}

/**
 * Applies `input` to the actor.
 * @param head the actor's state; `undefined` for an actor that does not exist yet
 * @returns `undefined` when nothing takes the input
 * @throws MachineFault when the input is poisonous for this actor; joined decisions are resolved as not committed
 */
export function cascade(
  definition: ActorDefinition,
  head: Head | undefined,
  input: Input,
  context: CascadeContext,
): Cascade | undefined {
  const run = new Run(definition, head, context);
  try {
    return run.apply(input);
  } catch (error) {
    for (const joined of run.joined) joined.resolved(false);
    throw error;
  }
}

/** An event for a machine. `joined`: it is the outcome of this effect, which a co-located resource has decided. */
type Queued = { readonly machine: string; readonly event: EventObject; readonly joined?: OpenEffect };

class Run {
  readonly joined: Joined[] = [];
  private readonly definition: ActorDefinition;
  private readonly before: Head | undefined;
  private readonly context: CascadeContext;
  private readonly version: number;
  private readonly live: Map<string, Live>;
  private effects: OpenEffect[];
  private timers: OpenTimer[];
  private readonly transitions: TransitionTaken[] = [];
  private readonly sent: Sent[] = [];
  private readonly events: EventObject[] = [];
  private readonly opened: OpenEffect[] = [];
  private readonly closed: string[] = [];
  private readonly armed: OpenTimer[] = [];
  private readonly cancelled: OpenTimer[] = [];
  private readonly fired: OpenTimer[] = [];
  private readonly queue: Queued[] = [];
  private facts: object | undefined;
  private steps = 0;
  private openings = 0;

  constructor(definition: ActorDefinition, head: Head | undefined, context: CascadeContext) {
    this.definition = definition;
    this.before = head;
    this.context = context;
    this.version = (head?.snapshot.version ?? 0) + 1;
    this.live = new Map(head?.live);
    this.effects = [...(head?.snapshot.effects ?? [])];
    this.timers = [...(head?.snapshot.timers ?? [])];
    this.facts = head?.snapshot.facts?.data;
  }

  apply(input: Input): Cascade | undefined {
    if (!this.take(input)) return undefined;
    while (this.queue.length > 0) {
      const next = this.queue.shift();
      if (next) this.deliver(next.machine, next.event);
    }
    return this.result(input);
  }

  /** The first step; false when nothing takes the input. */
  private take(input: Input): boolean {
    if (input.kind === "start") {
      this.facts = this.definition.facts?.initial(input.input);
      for (const [name, entry] of Object.entries(this.definition.machines)) {
        this.absorb(name, undefined, startMachine(entry.machine, input.input), INIT);
      }
      return true;
    }
    if (!this.before) return false;
    if (input.kind === "timer") {
      const timer = this.timers.find((open) => isTimer(open, input));
      if (!timer) return false;
      this.timers = this.timers.filter((open) => open !== timer);
      if (this.context.inbox === 0) this.fired.push(timer);
      this.deliver(timer.machine, timer.event);
      return true;
    }
    if (input.kind === "effect") {
      const effect = this.effects.find((open) => isEffect(open, input));
      if (!effect) return false;
      this.effects = this.effects.filter((open) => open !== effect);
      this.closed.push(effect.id);
      this.deliver(effect.machine, outcomeEvent(effect, input.outcome));
      return true;
    }
    if (input.kind === "skip") return this.skip(input.skipped);
    if (input.kind === "command" && input.machine === FACTS) return this.changeFacts(input.event);
    return this.deliver(input.machine, input.event);
  }

  private changeFacts(event: EventObject): boolean {
    const change = this.definition.facts?.commands?.[event.type];
    if (!change || !this.facts) return false;
    this.facts = change(this.facts, event);
    return true;
  }

  private skip(skipped: ParkedInput): boolean {
    if (skipped.kind === "timer") {
      this.timers = this.timers.filter((open) => !isTimer(open, skipped));
    } else if (skipped.kind === "effect") {
      this.effects = this.effects.filter((open) => !isEffect(open, skipped));
      this.closed.push(skipped.id);
    }
    return true;
  }

  private deliver(name: string, event: EventObject): boolean {
    const entry = this.definition.machines[name];
    const live = this.live.get(name);
    if (!entry || !live) return false;
    const step = stepMachine(entry.machine, live, event);
    if (step.live === live && step.requests.length === 0) return false;
    this.absorb(name, live, step, event.type);
    return true;
  }

  private absorb(name: string, before: Live | undefined, step: Step, event: string): void {
    if (++this.steps > limits.cascadeSteps) {
      throw new MachineFault(`more than ${limits.cascadeSteps} steps in one cascade: a loop`);
    }
    this.live.set(name, step.live);
    const from: unknown = before?.value ?? null;
    if (step.edges.length > 0 || !sameValue(from, step.live.value)) {
      this.transitions.push(transitionTaken(name, from, step.live.value, event, step.edges));
    }
    for (const request of step.requests) this.carryOut(name, request);
  }

  private carryOut(machine: string, request: MachineRequest): void {
    switch (request.kind) {
      case "emit":
        this.emit(machine, request.event);
        return;
      case "invoke":
        this.open(machine, request.id, request.src, request.input);
        return;
      case "stop":
        this.leave(machine, request.id);
        return;
      case "delay":
        if (request.delayMs <= 0) this.queue.push({ machine, event: request.event });
        else this.arm(machine, request.id, request.event, request.delayMs);
        return;
      case "cancel":
        this.disarm(machine, request.id);
        return;
    }
  }

  private emit(machine: string, event: EventObject): void {
    const { facts: rules, listens, privateEvents } = this.definition;
    const change = rules?.changes[event.type];
    if (change && this.facts) this.facts = change(this.facts, event);
    if (!privateEvents?.has(event.type))
      this.events.push(rules && this.facts ? rules.publish(event, this.facts) : event);
    for (const listener of listens[event.type] ?? []) {
      this.queue.push({ machine: listener, event });
      this.sent.push([machine, listener, event.type]);
    }
  }

  private open(machine: string, invocation: string, src: string, input: unknown): void {
    const effect: OpenEffect = {
      id: `${machine}.${invocation}`,
      machine,
      invocation,
      src,
      input,
      generation: this.generation(),
    };
    const joined = this.context.join(effect, effectKey(this.context.actor, effect), this.facts);
    if (joined) {
      this.joined.push(joined);
      // Before every other event: the machine must not leave the state before it receives the result.
      this.queue.unshift({ machine, event: outcomeEvent(effect, { output: joined.output }), joined: effect });
      return;
    }
    this.effects.push(effect);
    this.opened.push(effect);
  }

  /** A machine leaves the state of an effect: one opened in this cascade never runs, an older one may have run. */
  private leave(machine: string, invocation: string): void {
    const id = `${machine}.${invocation}`;
    this.leaveJoined(id);
    const effect = this.effects.find((open) => open.id === id && !open.abandoned);
    if (!effect) return;
    this.effects = this.effects.filter((open) => open !== effect);
    const fresh = this.opened.indexOf(effect);
    if (fresh >= 0) this.opened.splice(fresh, 1);
    else this.effects.push({ ...effect, abandoned: true });
  }

  /** The step that entered the state also leaves it: the resource's decision holds, and its outcome arrives as late. */
  private leaveJoined(id: string): void {
    const at = this.queue.findIndex(({ joined }) => joined?.id === id);
    const waiting = this.queue[at];
    if (!waiting?.joined) return;
    const { output } = waiting.event as unknown as { readonly output: unknown };
    const event = outcomeEvent({ ...waiting.joined, abandoned: true }, { output });
    this.queue[at] = { machine: waiting.machine, event };
  }

  private arm(machine: string, id: string, event: EventObject, delayMs: number): void {
    this.disarm(machine, id);
    const timer = { id, machine, event, generation: this.generation(), dueAt: this.context.now + delayMs };
    this.timers.push(timer);
    this.armed.push(timer);
  }

  private disarm(machine: string, id: string): void {
    const timer = this.timers.find((open) => open.machine === machine && open.id === id);
    if (!timer) return;
    this.timers = this.timers.filter((open) => open !== timer);
    const fresh = this.armed.indexOf(timer);
    if (fresh >= 0) this.armed.splice(fresh, 1);
    else this.cancelled.push(timer);
  }

  /** Unique within the actor: one version opens far fewer than 1000 effects and timers. */
  private generation(): number {
    return this.version * 1000 + this.openings++;
  }

  private result(input: Input): Cascade {
    const machines: Record<string, MachineState> = {};
    for (const [name, entry] of Object.entries(this.definition.machines)) {
      const live = this.live.get(name);
      if (live) machines[name] = toState(live, entry.version);
    }
    const before = this.before?.snapshot;
    const commands = before?.commands ?? [];
    const id = idOf(input);
    const request = input.kind === "start" ? input.request : before?.request;
    const facts = this.factsAfter(before?.facts);
    const snapshot: Snapshot = {
      machines,
      definition: this.definition.version ?? 1,
      version: this.version,
      inbox: Math.max(before?.inbox ?? 0, this.context.inbox),
      commands: id === undefined ? commands : [...commands, id].slice(-limits.recentCommands),
      effects: this.effects,
      timers: this.timers,
      ...(request === undefined ? {} : { request }),
      ...(facts && { facts }),
      createdAt: before?.createdAt ?? this.context.now,
      updatedAt: dateAfter(before?.updatedAt, this.context.now),
    };
    return {
      head: { snapshot, live: this.live },
      transitions: this.transitions,
      sent: this.sent,
      events: this.events,
      opened: this.opened,
      closed: this.closed,
      armed: this.armed,
      cancelled: this.cancelled,
      fired: this.fired,
      joined: this.joined,
      ...(facts && facts !== before?.facts && { facts }),
    };
  }

  private factsAfter(before: Facts | undefined): Facts | undefined {
    if (!this.facts) return undefined;
    const { version = 0, data } = before ?? {};
    return before && version > 0 && data === this.facts ? before : { version: version + 1, data: this.facts };
  }
}

/** Two owners know the server's time to within this, ms. */
const OWNERS_APART_MS = 1_000;

/** The date of a record: not before that of the record before, unless the server's clock was set back since. */
function dateAfter(before: number | undefined, now: number): number {
  return before !== undefined && before > now && before <= now + OWNERS_APART_MS ? before : now;
}

/** Of a renamed timer the generation alone says which one it is: an input may have any of its former names. */
function isTimer(
  { armedAs, generation, id, machine }: OpenTimer,
  named: { readonly machine: string; readonly timer: string; readonly generation: number },
): boolean {
  const same = machine === named.machine && generation === named.generation;
  return same && (id === named.timer || armedAs !== undefined);
}

/** The same of an effect. */
function isEffect(
  { generation, id, openedAs }: OpenEffect,
  named: { readonly id: string; readonly generation: number },
): boolean {
  return generation === named.generation && (id === named.id || openedAs !== undefined);
}

function outcomeEvent(effect: OpenEffect, outcome: EffectOutcome): EventObject {
  const id = effect.invocation;
  if (effect.abandoned) return { type: `effect.late.${id}`, ...outcome };
  return "output" in outcome
    ? ({ type: `xstate.done.actor.${id}`, output: outcome.output, actorId: id } as EventObject)
    : ({ type: `xstate.error.actor.${id}`, error: outcome.error, actorId: id } as EventObject);
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object") return false;
  return JSON.stringify(a) === JSON.stringify(b);
}

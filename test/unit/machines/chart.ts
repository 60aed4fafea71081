/** Drives one machine by hand, as the runtime does: pure steps, effects and timers as data. */
import type { AnyStateMachine, EventObject } from "xstate";
import { type Live, startMachine, type Step, stepMachine } from "../../../src/runtime/actor/machine.ts";
import type { EffectFailure } from "../../../machines/types.ts";

/** What one event did. `to` is undefined when the machine ignored it. */
export type Taken = {
  readonly to: string | undefined;
  readonly emitted: readonly EventObject[];
  readonly invoked: readonly string[];
  readonly delays: readonly number[];
};

/** A machine that a test drives input by input. */
export class Chart {
  live: Live;
  /** Inputs of the open effects by invocation id. */
  readonly effects = new Map<string, unknown>();
  readonly timers = new Map<string, EventObject>();
  /** ms since the start, moved on by {@link elapseNext} alone. */
  now = 0;
  private readonly dueAt = new Map<string, number>();
  /** Called with every event after it was sent, with the state before it and what it did. */
  watch: (before: Live, event: EventObject, step: Step) => void = () => {};
  /** Everything the first step did. */
  readonly started: Taken;
  private readonly machine: AnyStateMachine;

  constructor(machine: AnyStateMachine, input: object) {
    this.machine = machine;
    const step = startMachine(machine, input);
    this.live = step.live;
    this.started = this.take(step);
  }

  /** The state's path: `reversing.voiding`. */
  get state(): string {
    return path(this.live.value);
  }

  send(event: EventObject): Taken {
    const step = stepMachine(this.machine, this.live, event);
    this.watch(this.live, event, step);
    if (step.live === this.live) return { to: undefined, emitted: [], invoked: [], delays: [] };
    this.live = step.live;
    return this.take(step);
  }

  settle(invocation: string, output: object): Taken {
    this.close(invocation);
    return this.send({ type: `xstate.done.actor.${invocation}`, output, actorId: invocation } as EventObject);
  }

  fail(invocation: string, kind: EffectFailure["kind"], code = "gateway_error"): Taken {
    this.close(invocation);
    const error: EffectFailure = { code, message: code, kind };
    return this.send({ type: `xstate.error.actor.${invocation}`, error, actorId: invocation } as EventObject);
  }

  /** As a migration does. */
  changeContext(change: object): void {
    this.live = this.machine.resolveState({
      value: this.live.value,
      context: { ...this.live.context, ...change },
    }) as Live;
  }

  /** Fires the timer of that delay; without one, the only timer. */
  elapse(delay = ""): Taken {
    const [timer, ...others] = this.armed(delay);
    if (timer === undefined || others.length > 0) throw new Error(`${this.timers.size} timers are armed`);
    this.timers.delete(timer[0]);
    return this.send(timer[1]);
  }

  /** Lets time pass until the first of the timers fires. */
  elapseNext(): Taken {
    const due = (id: string): number => this.dueAt.get(id) ?? 0;
    const [first] = [...this.timers].toSorted(([a], [b]) => due(a) - due(b));
    if (first === undefined) throw new Error("no timer is armed");
    const [id, event] = first;
    this.now = Math.max(this.now, due(id));
    this.timers.delete(id);
    return this.send(event);
  }

  /** Timers of a delay, by its name in the machine. */
  armed(delay: string): [id: string, event: EventObject][] {
    return [...this.timers].filter(([id]) => id.includes(delay));
  }

  private close(invocation: string): void {
    if (!this.effects.delete(invocation)) throw new Error(`${invocation} is not open in ${this.state}`);
  }

  private take(step: Step): Taken {
    const emitted: EventObject[] = [];
    const invoked: string[] = [];
    const delays: number[] = [];
    for (const request of step.requests) {
      switch (request.kind) {
        case "emit":
          emitted.push(request.event);
          break;
        case "invoke":
          invoked.push(request.src);
          this.effects.set(request.id, request.input);
          break;
        case "stop":
          this.effects.delete(request.id);
          break;
        case "delay":
          delays.push(request.delayMs);
          this.timers.set(request.id, request.event);
          this.dueAt.set(request.id, this.now + request.delayMs);
          break;
        case "cancel":
          this.timers.delete(request.id);
          break;
      }
    }
    return { to: this.state, emitted, invoked, delays };
  }
}

function path(value: unknown): string {
  if (typeof value === "string") return value;
  const [entry] = Object.entries(value as Record<string, unknown>);
  return entry === undefined ? "" : `${entry[0]}.${path(entry[1])}`;
}

/** Every state in which the machine can rest, by path: leaves that no `always` leaves at once. */
export function restingStates(machine: AnyStateMachine): string[] {
  const rest: string[] = [];
  const visit = (node: AnyStateMachine["root"]): void => {
    const children = Object.values(node.states);
    const transient = node.always?.some(({ guard }) => guard === undefined) ?? false;
    if (children.length === 0 && !transient) rest.push(node.path.join("."));
    for (const child of children) visit(child);
  };
  visit(machine.root);
  return rest;
}

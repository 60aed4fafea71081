/**
 * What could move a machine on from the state that it is in: the transitions that leave its active states, each with
 * what its condition answers now. A condition that reads what its event says cannot be answered before the event
 * happens. Pure: no step is made.
 * Proved by: test/unit/runtime/actor/next-steps.test.ts
 */
import type { AnyStateMachine, AnyTransitionDefinition } from "xstate";
import { edgeId } from "./edges.ts";
import type { Live } from "./machine.ts";

/** One transition that leaves an active state. */
export type NextStep = {
  /** Id of the transition, as histories have it. */
  readonly edge: string;
  /** Whether it would be taken if its event happened now; null: that depends on what the event says. */
  readonly verdict: boolean | null;
};

type Guard = (args: { readonly context: unknown; readonly event: unknown }, params: unknown) => boolean;
type Verdict = NextStep["verdict"];

/** The transitions of the active states, innermost states first, in the order in which they are checked. */
export function nextSteps(machine: AnyStateMachine, { _nodes, context, status }: Live): NextStep[] {
  if (status !== "active") return [];
  const innermost = _nodes.toSorted((a, b) => b.path.length - a.path.length);
  const lists = innermost.flatMap((node) => [...node.transitions.values(), node.always ?? []]);
  const steps: NextStep[] = [];
  /** Per event: whether a transition before takes it. A state inside takes an event before those around it. */
  const taken = new Map<string, Verdict>();
  for (const transition of lists.flat()) {
    const known = taken.get(transition.eventType);
    const before = known === undefined ? false : known;
    const own = before === true ? false : answerOf(machine, transition, context);
    steps.push({ edge: edgeId(transition), verdict: own === true && before === null ? null : own });
    taken.set(transition.eventType, before === true || own === true ? true : own === null ? null : before);
  }
  return steps;
}

/** What a condition answers now. @throws what the condition throws although it reads nothing of its event */
function answerOf(
  machine: AnyStateMachine,
  { eventType, guard }: AnyTransitionDefinition,
  context: unknown,
): Verdict {
  if (guard === undefined) return true;
  const { params, type } = (typeof guard === "object" ? guard : { type: guard }) as {
    readonly type: unknown;
    readonly params?: unknown;
  };
  const check = typeof type === "string" ? (machine.implementations.guards[type] as unknown) : type;
  // A condition that is composed of others is one of XState's own, with a way of its own to be checked.
  if (typeof check !== "function" || "check" in check) return null;
  const event = new UnreadEvent(eventType);
  try {
    const args = { context, event: event.seen };
    const given: unknown = typeof params === "function" ? (params as (of: unknown) => unknown)(args) : params;
    const answer = (check as Guard)(args, given);
    return event.wasRead ? null : answer;
  } catch (error) {
    if (event.wasRead) return null;
    throw error;
  }
}

/** An event that has not happened: it notices when something of it is read. */
class UnreadEvent {
  readonly seen: object;
  wasRead = false;

  constructor(type: string) {
    this.seen = new Proxy(
      { type },
      {
        get: (event, member) => {
          if (member !== "type") this.wasRead = true;
          return member === "type" ? event.type : undefined;
        },
        has: (_, member) => {
          if (member !== "type") this.wasRead = true;
          return member === "type";
        },
        ownKeys: () => {
          this.wasRead = true;
          return ["type"];
        },
      },
    );
  }
}

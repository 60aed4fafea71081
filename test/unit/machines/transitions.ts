/** The transitions of a machine by name, and which of them a step takes. */
import { type AnyMachineSnapshot, type AnyStateMachine, type EventObject, getMicrosteps } from "xstate";

type Node = AnyStateMachine["root"];
type Transition = Node["transitions"] extends Map<string, (infer T)[]> ? T : never;

/** `pending: gateway.paid [2]`: the state, what happens, and which of the alternatives. */
function nameOf(machine: AnyStateMachine, transition: Transition): string {
  const { source, eventType } = transition;
  const alternatives = eventType === "" ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  const place = alternatives.findIndex((one) => one === transition) + 1;
  const what = eventType === "" ? "always" : eventType.replaceAll(`${machine.id}.`, "");
  return `${source.path.join(".") || machine.id}: ${what} [${place}]`;
}

/** Every transition of the machine, in no order. */
export function allTransitions(machine: AnyStateMachine): string[] {
  const found: string[] = [];
  const visit = (node: Node): void => {
    for (const alternatives of node.transitions.values())
      for (const transition of alternatives) found.push(nameOf(machine, transition));
    for (const transition of node.always ?? []) found.push(nameOf(machine, transition));
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return found;
}

/** The transitions that the event takes, those without an event of their own included. */
export function transitionsOf(
  machine: AnyStateMachine,
  live: AnyMachineSnapshot,
  event: EventObject,
): string[] {
  if (live.status !== "active") return [];
  const enabled = machine.getTransitionData(live, event);
  const taken = enabled.map((transition) => nameOf(machine, transition));
  const steps = getMicrosteps(machine, live, event).map(([snapshot]) => snapshot as AnyMachineSnapshot);
  for (const [index, step] of steps.entries()) {
    const next = steps[index + 1];
    // A step that is left without an event: by the alternative that leads where the next step is.
    for (const node of next === undefined ? [] : step._nodes)
      for (const transition of node.always ?? [])
        if (transition.target?.some((target: Node) => next?._nodes.includes(target)))
          taken.push(nameOf(machine, transition));
  }
  return taken;
}

/**
 * One more machine of every simulated order: it remembers which inputs it has taken, so that a loss and a repetition
 * show, and it has a bug, so that orders are parked.
 */
import { assign, setup } from "xstate";
import type { MachineEntry } from "../../src/runtime/definition.ts";

/** An input of the probe. `by` identifies it. */
export type ProbeEvent = { readonly type: "note" | "poison"; readonly by: string };

/**
 * What one process knows of the probe: `present` every state; `narrow` only the newer one of them, although its version
 * is the same; `newer` is a version later.
 */
export type Program = "present" | "narrow" | "newer";

/** The entry of the probe in the definition of a process. */
export function probeOf(program: Program, repaired: ReadonlySet<string>): MachineEntry {
  return program === "newer"
    ? { machine: probeMachine(program, repaired), version: 2, migrations: { 1: (state) => state } }
    : { machine: probeMachine(program, repaired), version: 1 };
}

/**
 * The machine. It fails at a `poison` whose cause is not repaired: like a program with a bug, and later without it.
 * @param repaired ids of the inputs that it takes by now
 */
function probeMachine(program: Program, repaired: ReadonlySet<string>) {
  return setup({
    types: { context: {} as { readonly seen: readonly string[] }, events: {} as ProbeEvent },
  }).createMachine({
    id: "probe",
    context: { seen: [] },
    ...(program === "narrow"
      ? { initial: "later", states: { later: {} } }
      : { initial: "early", states: { early: {}, later: {} } }),
    on: {
      note: { actions: assign(({ context, event }) => ({ seen: [...context.seen, event.by] })) },
      poison: {
        actions: assign(({ context, event }) => {
          if (!repaired.has(event.by)) throw new Error(`a bug at ${event.by}`);
          return { seen: [...context.seen, event.by] };
        }),
      },
    },
  });
}

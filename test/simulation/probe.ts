/**
 * One more machine of every simulated order: it remembers which inputs it has taken, so that a loss and a repetition
 * show, and it has a bug, so that orders are parked.
 */
import { assign, setup } from "xstate";

/** An input of the probe. `by` identifies it. */
export type ProbeEvent = { readonly type: "note" | "poison"; readonly by: string };

/**
 * The machine. It fails at a `poison` whose cause is not repaired: like a program with a bug, and later without it.
 * @param repaired ids of the inputs that it takes by now
 */
export function probeMachine(repaired: ReadonlySet<string>) {
  return setup({
    types: { context: {} as { readonly seen: readonly string[] }, events: {} as ProbeEvent },
  }).createMachine({
    id: "probe",
    context: { seen: [] },
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

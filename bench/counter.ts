/** The smallest machine with an effect: it counts and emits an event. Its cost is the cost of the runtime. */
import { assign, emit, setup } from "xstate";
import type { ActorDefinition } from "../src/runtime/definition.ts";

const counterMachine = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: "count" },
    emitted: {} as { type: "counted"; count: number },
  },
}).createMachine({
  id: "counter",
  context: { count: 0 },
  on: {
    count: {
      actions: [
        assign({ count: ({ context }) => context.count + 1 }),
        emit(({ context }) => ({ type: "counted" as const, count: context.count })),
      ],
    },
  },
});

/** One record and one event per command. */
export const counter: ActorDefinition = {
  machines: { counter: { machine: counterMachine, version: 1 } },
  listens: {},
  effects: {},
  settled: () => true,
};

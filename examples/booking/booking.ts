/**
 * A booking of a seat: it is held until a deadline (`after`), paid by card (`invoke`), and confirmed (`emit`). What is
 * charged after the booking was canceled is refunded: the outcome of an abandoned call still reaches the machine.
 */
import { assign, emit, fromPromise, setup } from "xstate";
import type { ActorDefinition, EffectContext } from "orderly/definition";

/** What a booking starts with. */
export type BookingInput = { readonly seat: string; readonly cents: number; readonly holdMs: number };
/** The card terminal, by the key of the call: a repeated call with the same key charges once. */
export type Terminal = {
  charge(key: string, cents: number): Promise<{ charge: string }>;
  find(key: string): Promise<{ charge: string } | undefined>;
  refund(key: string, charge: string): Promise<{ refund: string }>;
};

type Charged = { readonly charge: string };
type Context = BookingInput & { readonly charge: string | null; readonly reason: string | null };

const unused = () => {
  throw new Error("run by the runtime");
};

const bookingMachine = setup({
  types: {
    input: {} as BookingInput,
    context: {} as Context,
    events: {} as { type: "pay" } | { type: "cancel" } | { type: "effect.late.charge"; output?: Charged },
    emitted: {} as { type: "booking.confirmed"; seat: string } | { type: "booking.released"; seat: string },
  },
  actors: {
    charge: fromPromise<Charged, { cents: number }>(unused),
    refund: fromPromise<{ refund: string }, { charge: string }>(unused),
  },
  delays: { deadline: ({ context }) => context.holdMs },
}).createMachine({
  id: "booking",
  context: ({ input }) => ({ ...input, charge: null, reason: null }),
  initial: "held",
  states: {
    held: {
      after: { deadline: { target: "released", actions: assign({ reason: "not paid in time" }) } },
      on: { pay: "paying", cancel: { target: "released", actions: assign({ reason: "canceled" }) } },
    },
    paying: {
      on: { cancel: { target: "released", actions: assign({ reason: "canceled" }) } },
      invoke: {
        id: "charge",
        src: "charge",
        input: ({ context }) => ({ cents: context.cents }),
        onDone: { target: "confirmed", actions: assign({ charge: ({ event }) => event.output.charge }) },
        onError: { target: "released", actions: assign({ reason: "the card was refused" }) },
      },
    },
    confirmed: {
      entry: emit(({ context }) => ({ type: "booking.confirmed" as const, seat: context.seat })),
    },
    released: {
      entry: emit(({ context }) => ({ type: "booking.released" as const, seat: context.seat })),
      on: {
        "effect.late.charge": {
          guard: ({ event }) => event.output !== undefined,
          target: "refunding",
          actions: assign({ charge: ({ event }) => event.output?.charge ?? null }),
        },
      },
    },
    refunding: {
      invoke: {
        id: "refund",
        src: "refund",
        input: ({ context }) => ({ charge: context.charge ?? "" }),
        onDone: "refunded",
        onError: "refundFailed",
      },
    },
    refunded: {},
    refundFailed: {},
  },
});

/** The definition that a host needs. */
export function booking(terminal: Terminal): ActorDefinition {
  const call = { provider: "terminal", timeoutMs: 5_000, maxAttempts: 5, backoffMs: 200 };
  return {
    machines: { booking: { machine: bookingMachine, version: 1 } },
    listens: {},
    effects: {
      charge: {
        ...call,
        run: ({ key, input }) => terminal.charge(key, (input as { cents: number }).cents),
        // After a crash the terminal is asked first: a charge is not made twice.
        queryStatus: async ({ key }: EffectContext) => {
          const output = await terminal.find(key);
          return output ? { found: true, output } : { found: false };
        },
      },
      refund: { ...call, run: ({ key, input }) => terminal.refund(key, (input as Charged).charge) },
    },
    providers: { terminal: { concurrency: 4 } },
    settled: ({ booking }) => booking?.value !== "paying" && booking?.value !== "refunding",
  };
}

/**
 * A turnstile: it checks a coin (an `invoke`), locks again by itself (an `after`), and reports each passage (an
 * `emit`) to a second machine that counts. Ordinary XState; the runtime makes all three durable.
 */
import { assign, emit, fromPromise, setup } from "xstate";
import { type ActorDefinition, EffectError, type EffectHandler } from "orderly/definition";

type Input = { readonly lockAfterMs: number };

const turnstileMachine = setup({
  types: {
    input: {} as Input,
    context: {} as { lockAfterMs: number; coins: number; receipt: string | null },
    events: {} as { type: "coin" } | { type: "push" },
    emitted: {} as { type: "turnstile.unlocked"; coins: number } | { type: "turnstile.passed" },
  },
  actors: {
    // Only its name and its types are used: the runtime calls the effect of this name instead.
    checkCoin: fromPromise<{ receipt: string }, { coins: number }>(() => {
      throw new Error("run by the runtime");
    }),
  },
  delays: { lockAgain: ({ context }) => context.lockAfterMs },
}).createMachine({
  id: "turnstile",
  context: ({ input }) => ({ lockAfterMs: input.lockAfterMs, coins: 0, receipt: null }),
  initial: "locked",
  states: {
    locked: {
      on: { coin: { target: "checking", actions: assign({ coins: ({ context }) => context.coins + 1 }) } },
    },
    checking: {
      invoke: {
        id: "checkCoin",
        src: "checkCoin",
        input: ({ context }) => ({ coins: context.coins }),
        onDone: {
          target: "unlocked",
          actions: [
            assign({ receipt: ({ event }) => event.output.receipt }),
            emit(({ context }) => ({ type: "turnstile.unlocked" as const, coins: context.coins })),
          ],
        },
        onError: "locked",
      },
    },
    unlocked: {
      after: { lockAgain: "locked" },
      on: { push: { target: "locked", actions: emit({ type: "turnstile.passed" as const }) } },
    },
  },
});

const counterMachine = setup({
  types: {
    context: {} as { passed: number },
    events: {} as { type: "turnstile.passed" },
  },
}).createMachine({
  id: "counter",
  context: { passed: 0 },
  on: { "turnstile.passed": { actions: assign({ passed: ({ context }) => context.passed + 1 }) } },
});

/** The call to the outside. `key` is the same for every try of one check: the outside may recognize a repeat by it. */
export type CoinCheck = (key: string, attempt: number, resumed: boolean) => Promise<{ receipt: string }>;

/**
 * The definition that a host needs.
 * @param check what the outside answers to a coin
 * @param queryStatus what the outside knows about a key; with it, a resumed call is queried before it is repeated
 */
export function turnstile(
  check: CoinCheck,
  queryStatus?: (key: string) => { receipt: string } | undefined,
): ActorDefinition {
  const handler: EffectHandler = {
    provider: "coins",
    timeoutMs: 2000,
    maxAttempts: 3,
    backoffMs: 10,
    run: ({ key, attempt, resumed }) => check(key, attempt, resumed),
    ...(queryStatus
      ? {
          queryStatus: ({ key }) => {
            const output = queryStatus(key);
            return Promise.resolve(output ? { found: true as const, output } : { found: false as const });
          },
        }
      : {}),
  };
  return {
    machines: {
      turnstile: { machine: turnstileMachine, version: 1 },
      counter: { machine: counterMachine, version: 1 },
    },
    listens: { "turnstile.passed": ["counter"] },
    effects: { checkCoin: handler },
    settled: (machines) => machines["turnstile"]?.value !== "checking",
  };
}

/** The outside refuses the coin: the machine's `onError` follows at once, without another try. */
export const badCoin = new EffectError("refused", "bad_coin", "not a coin");

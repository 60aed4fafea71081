/**
 * given / when / then over every state, every event and every transition of a machine; what is not listed must be
 * ignored.
 */
import t from "tap";
import type { AnyStateMachine } from "xstate";
import { edgesOf } from "../../../src/runtime/actor/edges.ts";
import { type Chart, restingStates, type Taken } from "./chart.ts";

/** One input. `effect`: only while this effect is open, because the runtime drops stale outcomes. */
export type When = {
  readonly happen: (chart: Chart) => Taken;
  readonly effect?: string;
  readonly timer?: true;
  /** Only while a timer of this delay is armed. */
  readonly armed?: string;
};

/** What an input must result in. */
export type Then = {
  readonly to: string;
  readonly emits?: readonly string[];
  readonly invokes?: readonly string[];
  /** Delays of the timers armed, ms. */
  readonly delays?: readonly number[];
};

/** The machine, its inputs, and the given states. */
export type Scenarios<W extends string> = {
  readonly machine: AnyStateMachine;
  readonly when: Readonly<Record<W, When>>;
  readonly given: Readonly<
    Record<string, { readonly reach: () => Chart; readonly outcomes: Readonly<Partial<Record<W, Then>>> }>
  >;
};

/** Checks every input in every given state, and that every transition is taken. */
export function checkScenarios<W extends string>({ machine, when, given }: Scenarios<W>): void {
  t.test("every state in which the machine can rest is examined", async (t) => {
    const examined = new Set(Object.values(given).map(({ reach }) => reach().state));
    t.strictSame([...examined].toSorted(), restingStates(machine).toSorted());
  });
  const transitions = new Set<string>();
  const happenings = Object.entries<When>(when) as [W, When][];
  for (const [name, { reach, outcomes }] of Object.entries(given)) {
    t.test(`given ${name}`, async (t) => {
      for (const [event, { happen, effect, timer, armed = "" }] of happenings) {
        const chart = reach();
        const before = chart.state;
        if (effect !== undefined && !chart.effects.has(effect)) continue;
        if (timer && chart.armed(armed).length === 0) continue;
        chart.watch = (_before, _sent, { edges }) => {
          for (const id of edges) transitions.add(id);
        };
        const taken = happen(chart);
        const expected = outcomes[event];
        if (expected === undefined) {
          t.equal(taken.to, undefined, `when ${event}, then nothing`);
          t.equal(chart.state, before);
          continue;
        }
        t.strictSame(
          {
            to: taken.to,
            emits: taken.emitted.map(({ type }) => type),
            invokes: taken.invoked,
            delays: taken.delays,
          },
          { emits: [], invokes: [], delays: [], ...expected },
          `when ${event}, then ${expected.to}`,
        );
      }
      const impossible = Object.keys(outcomes).filter((event) => {
        const { effect, timer, armed = "" } = when[event as W];
        const chart = reach();
        return (
          (effect !== undefined && !chart.effects.has(effect)) || (timer && chart.armed(armed).length === 0)
        );
      });
      t.strictSame(impossible, [], "every expectation was put to the test");
    });
  }
  t.test("every transition is taken, and what follows from it is written down", async (t) => {
    t.strictSame(
      [...transitions].toSorted(),
      edgesOf(machine)
        .map(({ id }) => id)
        .toSorted(),
    );
  });
}

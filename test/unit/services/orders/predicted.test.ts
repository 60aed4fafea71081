/** A dry run predicts exactly what the command then writes, or exactly why it is refused. */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import t from "tap";
import type { EventObject } from "xstate";
import type { DryRun, PredictedInput } from "../../../../src/runtime/actor/dry-run.ts";
import { effectKey } from "../../../../src/runtime/actor/cascade.ts";
import { changesOf, readChanges } from "../../../../src/runtime/actor/record-changes.ts";
import type { Input } from "../../../../src/runtime/actor/input.ts";
import { orderInput, outOfStock, total } from "../../machines/order-input.ts";
import { commands, happen, happening, methods, operatorReports, type Straggler } from "./order-walk.ts";
import { OrderWorld } from "./order-world.ts";

/** Starts and commands: what a dry run is asked about. */
function asked(input: Input): PredictedInput | undefined {
  if (input.kind === "start") return { kind: "start", input: input.input, mayExist: false };
  return input.kind === "command" ? input : undefined;
}

/** What was written, in the form of a dry run. */
function written(world: OrderWorld, input: Input): object {
  const { last } = world;
  if (!last) return { status: "illegal", snapshot: world.snapshot };
  const { armed, head, opened } = last;
  return {
    status: "predicted",
    after: head.snapshot,
    changes: readChanges({ commit: "", actor: world.id, ...changesOf(last, input), snapshot: head.snapshot }),
    opened: opened.map((effect) => ({
      name: effect.id,
      key: effectKey(world.id, effect),
      input: effect.input,
    })),
    armed: armed.map(({ dueAt, id, machine }) => ({ name: `${machine}.${id}`, dueAt })),
  };
}

/** Without what no record has, and as JSON: a reply between nodes is JSON. */
function comparable(prediction: DryRun): object {
  const { before: _, guards: __, ...rest } = { before: null, guards: [], ...prediction };
  return JSON.parse(JSON.stringify(rest));
}

const LOST = { type: "report-lost" };
const REFUSED = { type: "report-refused" };

/** Accepts what was collected. */
const SETTLE = { type: "settle", reason: "a small difference" } as EventObject;

/** Compares every input that a dry run can be asked about with what it then does. */
function watch(world: OrderWorld, seen: Map<string, number>): { compare: () => void } {
  let predicted: { readonly input: Input; readonly prediction: DryRun } | undefined;
  const compare = (): void => {
    if (!predicted) return;
    const { input, prediction } = predicted;
    predicted = undefined;
    const [was, is] = [comparable(prediction), JSON.parse(JSON.stringify(written(world, input)))];
    assert.deepStrictEqual(was, is, `predicted ${JSON.stringify(input)}`);
    const name = `${input.kind === "command" ? input.event.type : input.kind} ${prediction.status}`;
    seen.set(name, (seen.get(name) ?? 0) + 1);
  };
  world.onInput = (input) => {
    compare();
    const question = asked(input);
    const before = world.last;
    if (question) predicted = { input, prediction: world.predict(question) };
    if (world.last !== before) throw new Error("the dry run has changed the order");
  };
  return { compare };
}

t.test("for any order and any command the dry run predicts the record, or the refusal", async (t) => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...methods),
      fc.constantFrom("auto" as const, "manual" as const),
      fc.constantFrom(0, 1500),
      fc.boolean(),
      fc.integer({ min: 1, max: 10 }),
      fc.array(fc.tuple(happening, fc.nat({ max: 99 }), fc.nat({ max: 99 })), { maxLength: 30, size: "max" }),
      async (method, mode, stepDelayMs, joins, luck, walk) => {
        const world = new OrderWorld(orderInput(method, { mode, stepDelayMs }), { joins });
        if (luck === 1) world.inventory.reservation = outOfStock;
        world.gateway.declines = luck === 2;
        const { compare } = watch(world, seen);
        const stragglers: Straggler[] = [];
        world.start();
        for (const [next, pick, choice] of walk) {
          await happen(world, next, stragglers);
          if (pick % 2 === 0) await world.settle();
          // Mostly what the order takes now, so that walks come to their ends; and what it may not take.
          const { nextEvents } = world.view;
          if (pick % 5 === 0 && nextEvents.includes("deliver")) {
            world.carrierDelivers({ ...total, amount: 1 });
            // Before another command ends the delivery.
            world.step(SETTLE);
          }
          if (pick % 7 === 0 && nextEvents.includes("deliver")) world.step(REFUSED);
          if (pick % 11 === 0 && nextEvents.includes("deliver")) world.step(LOST);
          const tried = [...commands, ...operatorReports];
          const taken = tried.filter(({ type }) => world.view.nextEvents.includes(type));
          const some = pick % 4 === 0 || taken.length === 0 ? tried : taken;
          world.step(some[choice % some.length] ?? { type: "pick" });
          if (pick % 2 === 1) world.step(SETTLE);
          if (pick % 31 === 0) world.cancel();
          compare();
        }
      },
    ),
    { numRuns: 400 },
  );
  // A walk that never gets some answer proves nothing about it.
  for (const name of [
    "start predicted",
    "cancel predicted",
    "cancel illegal",
    "retry predicted",
    "retry illegal",
    ...["pick", "quality-check", "pack", "ship", "deliver"].flatMap((type) => [
      `${type} predicted`,
      `${type} illegal`,
    ]),
    "report-lost predicted",
    "report-refused predicted",
    "receive predicted",
    "settle predicted",
  ]) {
    t.ok((seen.get(name) ?? 0) > 0, `${name}: ${seen.get(name) ?? 0}`);
  }
});

t.test("a condition that refuses a command is named with its state and event", async (t) => {
  const world = new OrderWorld(orderInput("cash_on_delivery", { mode: "manual", stepDelayMs: 0 }));
  world.start();
  for (const type of ["pick", "quality-check", "pack"]) world.step({ type, passed: true } as never);
  await world.settle();
  world.step({ type: "ship" });
  await world.performAll();
  const prediction = world.predict({ kind: "command", machine: "fulfillment", event: { type: "deliver" } });
  t.match(prediction, {
    status: "illegal",
    guards: [
      {
        machine: "fulfillment",
        state: "shipped.awaiting",
        event: "deliver",
        guard: "collectsExactly",
        verdict: false,
      },
    ],
  });
});

/** A delay that is renamed under open actors: with a rule every timer fires in time, without one none is forgotten. */
import t from "tap";
import { type AnyStateMachine, createMachine } from "xstate";
import type { ActorDefinition, MachineEntry, MachineState } from "../../../../src/runtime/definition.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { NOW } from "./tenure-stage.ts";

const DEADLINE_MS = 10_000;
const offer = (wait: string, delay: string): AnyStateMachine =>
  createMachine(
    {
      id: "offer",
      initial: wait,
      states: { [wait]: { after: { [delay]: "expired" }, on: { take: "taken" } }, expired: {}, taken: {} },
    },
    { delays: { [delay]: DEADLINE_MS } },
  );

const definition = (entry: MachineEntry): ActorDefinition => ({
  machines: { offer: entry },
  listens: {},
  effects: {},
  settled: () => true,
});
const first = definition({ machine: offer("pending", "deadline"), version: 1 });
const open = (state: MachineState): MachineState =>
  state.value === "pending" ? { ...state, value: "open" } : state;
const second = (renames?: MachineEntry["renames"]): ActorDefinition =>
  definition({
    machine: offer("open", "payBy"),
    version: 2,
    migrations: { 1: open },
    ...(renames ? { renames } : {}),
  });
const renames = { 1: { timers: { "xstate.after.deadline.offer.pending": "xstate.after.payBy.offer.open" } } };

const ACTORS = Array.from({ length: 12 }, (_, index) => `o${index}`);

/** Twelve offers that wait for their deadline, and their owner is gone. */
async function pending() {
  const cluster = memoryCluster({ partitions: 2 });
  const one = await cluster.start("one", first);
  await cluster.settled();
  for (const actor of ACTORS) await cluster.done(one.actors.start(actor, {}, NOW));
  await cluster.clock.advance(3000);
  one.kill();
  return cluster;
}

type Node = Awaited<ReturnType<ReturnType<typeof memoryCluster>["start"]>>;

async function values(cluster: ReturnType<typeof memoryCluster>, { actors }: Node): Promise<unknown[]> {
  const replies = await cluster.done(Promise.all(ACTORS.map((actor) => actors.read(actor))));
  return replies.map((reply) =>
    reply.status === "ok" ? reply.snapshot.machines["offer"]?.value : reply.status,
  );
}

t.test("with a rule, twelve of twelve open actors expire in time", async (t) => {
  const cluster = await pending();
  const two = await cluster.start("two", second(renames));
  await cluster.settled();
  // One is read before, and one is led on: its schedule is cancelled under the name that it has.
  await cluster.done(two.actors.read("o0"));
  cluster.ok(
    await cluster.done(two.actors.command("o1", "offer", { type: "take" }, { commandId: "c", waitMs: 0 })),
  );
  t.same(new Set(await values(cluster, two)), new Set(["open", "taken"]), "not before their time");
  await cluster.clock.advance(DEADLINE_MS);
  const [zero, one, ...others] = await values(cluster, two);
  t.same([zero, one], ["expired", "taken"]);
  t.same(new Set(others), new Set(["expired"]));
  t.same((await cluster.done(two.parked.unreadable())).actors, []);
});

t.test(
  "without a rule they are listed as unreadable, none is forgotten, and a roll-back heals them",
  async (t) => {
    const cluster = await pending();
    const two = await cluster.start("two", second());
    await cluster.settled();
    await cluster.clock.advance(DEADLINE_MS + 1000);
    const { actors } = await cluster.done(two.parked.unreadable());
    t.same(actors.map(({ actor }) => actor).toSorted(), ACTORS.toSorted(), "each whose timer has fired");
    t.match(actors[0]?.reason, /waits for timer xstate\.after\.deadline\.offer\.pending/u);
    t.same(await cluster.done(two.parked.list()), []);
    await cluster.clock.advance(3000);
    two.kill();
    const three = await cluster.start("three", first);
    await cluster.settled();
    await cluster.clock.advance(3000);
    t.same(new Set(await values(cluster, three)), new Set(["expired"]));
  },
);

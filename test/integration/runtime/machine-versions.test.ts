/** Actors of an older version that go on under a newer one, on a real server. */
import t from "tap";
import { assign, createMachine } from "xstate";
import type { ActorDefinition, MachineState, MachineStates } from "../../../src/runtime/definition.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { startRuntime } from "../../support/cluster/runtime-node.ts";
import { type CoinCheck, turnstile } from "../../../examples/turnstile/turnstile.ts";
import { waitUntil } from "../../support/wait-until.ts";

const START = { waitMs: 0, mayExist: false } as const;

/** Version 2 counts in cents. */
const inCents = (state: MachineState): MachineState => {
  const { coins, ...rest } = state.context as { coins: number };
  return { ...state, context: { ...rest, coins: coins * 100 } };
};

function second(check: CoinCheck, migrate?: (state: MachineState) => MachineState): ActorDefinition {
  const first = turnstile(check);
  const { turnstile: machine, counter } = first.machines;
  if (!machine || !counter) throw new Error("no turnstile");
  const migrations = migrate ? { migrations: { 1: migrate } } : {};
  return { ...first, machines: { turnstile: { ...machine, version: 2, ...migrations }, counter } };
}

const broken = (): never => {
  throw new TypeError("no coins");
};

const ok: CoinCheck = (key) => Promise.resolve({ receipt: key });

/** `gate_timer` is open and will lock; `gate_effect` waits until its coin is checked. */
async function inFlight(t: Parameters<typeof startRuntime>[0], url: string): Promise<string[]> {
  const keys: string[] = [];
  const one = await startRuntime(
    t,
    url,
    "one",
    turnstile((key) => {
      keys.push(key);
      return key.startsWith("gate_effect") ? new Promise(() => {}) : ok(key, 1, false);
    }),
  );
  const { actors } = one.node;
  for (const gate of ["gate_timer", "gate_effect"]) {
    await actors.start(gate, { lockAfterMs: 3000 }, START);
    const waitMs = gate === "gate_timer" ? 5000 : 0;
    await actors.command(gate, "turnstile", { type: "coin" }, { commandId: "c1", waitMs });
  }
  await waitUntil("the checker has both coins", () => keys.length === 2);
  await one.crash();
  return keys;
}

t.test("orders in flight go on under a newer machine, their timers and effects with them", async (t) => {
  const server = await startNatsServer(t);
  const keys = await inFlight(t, server.url);
  const definition = second((key) => {
    keys.push(key);
    return ok(key, 1, true);
  }, inCents);
  const { node } = await startRuntime(t, server.url, "two", definition);
  const machine = async (gate: string) => {
    const reply = await node.actors.read(gate);
    return reply.status === "ok" ? reply.snapshot.machines["turnstile"] : undefined;
  };
  await waitUntil("the coin is taken", async () => (await machine("gate_effect"))?.value === "unlocked");
  await waitUntil(
    "the timer has locked the gate",
    async () => (await machine("gate_timer"))?.value === "locked",
  );
  t.match(await machine("gate_timer"), { version: 2, context: { coins: 100 } });
  t.match(await machine("gate_effect"), { version: 2, context: { coins: 100 } });
  t.equal(keys[2], keys[1], "the new owner repeats the call under its key");
  t.same(await node.parked.list(), []);
});

t.test(
  "an order without a migration to the newer version waits, and goes on by itself when there is one",
  async (t) => {
    const server = await startNatsServer(t);
    await inFlight(t, server.url);
    const two = await startRuntime(t, server.url, "two", second(ok, broken));
    const { parked, actors } = two.node;
    for (const gate of ["gate_timer", "gate_effect"]) {
      const reply = await actors.read(gate);
      t.match(reply, { status: "unavailable", unreadable: "unreadable", reason: /no coins/u }, gate);
    }
    const list = await parked.unreadable();
    t.same(list.actors.map(({ actor }) => actor).toSorted(), ["gate_effect", "gate_timer"]);
    t.same([await parked.list(), list.unanswered], [[], []]);
    t.equal(
      (await actors.start("gate_new", { lockAfterMs: 1000 }, START)).status,
      "ok",
      "the node serves the other actors",
    );
    await two.crash();
    const three = await startRuntime(t, server.url, "three", second(ok, inCents));
    await waitUntil("both have locked again", async () => {
      const replies = await Promise.all(
        ["gate_timer", "gate_effect"].map((gate) => three.node.actors.read(gate)),
      );
      return replies.every(
        (reply) => reply.status === "ok" && reply.snapshot.machines["turnstile"]?.value === "locked",
      );
    });
    t.same((await three.node.parked.unreadable()).actors, []);
  },
);

const initialInput = ({ turnstile: gate }: MachineStates): unknown => gate?.context;

/** Stores the number of coins in the turnstile when this machine was added, and counts passages from then on. */
const audit = createMachine({
  id: "audit",
  context: ({ input }: { input: unknown }) => ({ coins: (input as { coins: number }).coins, passed: 0 }),
  on: { "turnstile.passed": { actions: assign({ passed: ({ context }) => context.passed + 1 }) } },
});

t.test(
  "orders in flight go on when their definition gains a machine, and the machine gets their events",
  async (t) => {
    const server = await startNatsServer(t);
    const keys = await inFlight(t, server.url);
    const checked: CoinCheck = (key) => {
      keys.push(key);
      return ok(key, 1, true);
    };
    const before = turnstile(checked);
    const grown: ActorDefinition = {
      ...before,
      version: 2,
      machines: { ...before.machines, audit: { machine: audit, version: 1, initialInput } },
      listens: { "turnstile.passed": ["counter", "audit"] },
    };
    const { node } = await startRuntime(t, server.url, "two", grown);
    const machines = async (gate: string) => {
      const reply = await node.actors.read(gate);
      return reply.status === "ok" ? reply.snapshot.machines : {};
    };
    const gate = async (name: string) => (await machines(name))["turnstile"]?.value;
    await waitUntil("the coin is taken", async () => (await gate("gate_effect")) === "unlocked");
    t.equal(keys[2], keys[1], "the new owner repeats the call under its key");
    const push = { commandId: "p1", waitMs: 0 };
    t.equal((await node.actors.command("gate_effect", "turnstile", { type: "push" }, push)).status, "ok");
    t.match(await machines("gate_effect"), {
      audit: { context: { coins: 1, passed: 1 } },
      counter: { context: { passed: 1 } },
    });
    await waitUntil("the timer has locked the gate", async () => (await gate("gate_timer")) === "locked");
    t.match(await machines("gate_timer"), { audit: { context: { coins: 1, passed: 0 } } });
    t.same(await node.parked.list(), []);
  },
);

t.test("a node too old for an order hands its partition to one that can read it", async (t) => {
  const server = await startNatsServer(t);
  const newer = await startRuntime(t, server.url, "newer", second(ok, inCents));
  await newer.node.actors.start("gate_n", { lockAfterMs: 1000 }, START);
  await newer.crash();
  const old = await startRuntime(t, server.url, "old", turnstile(ok));
  t.equal((await old.node.actors.read("gate_n")).status, "unavailable");
  t.same(await old.node.parked.list(), []);
  t.equal((await old.node.actors.start("gate_o", { lockAfterMs: 1000 }, START)).status, "ok");
  await startRuntime(t, server.url, "new", second(ok, inCents));
  await waitUntil(
    "the actor can be read again",
    async () => (await old.node.actors.read("gate_n")).status === "ok",
  );
});

t.test("a program with other states under the version that a cluster has does not start", async (t) => {
  const server = await startNatsServer(t);
  const one = await startRuntime(t, server.url, "one", turnstile(ok));
  const { turnstile: gate, counter } = turnstile(ok).machines;
  if (!gate || !counter) throw new Error("no turnstile");
  const renamed = {
    ...turnstile(ok),
    machines: { turnstile: gate, counter: { ...gate, version: counter.version } },
  };
  await t.rejects(
    startRuntime(t, server.url, "two", renamed),
    /^counter version 1: state locked is new in this program, and node one has started .* raise the version/u,
  );
  t.equal((await one.node.actors.start("gate_o", { lockAfterMs: 1000 }, START)).status, "ok");
  await startRuntime(t, server.url, "three", second(ok, inCents));
});

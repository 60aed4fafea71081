/** Callers that wait while a node leaves: they wait for the next owner, or get the acknowledged state in time. */
import t from "tap";
import { stopping } from "../../../src/runtime/limits.ts";
import type { ActorReply } from "../../../src/runtime/actors.ts";
import type { ActorDefinition } from "../../../src/runtime/definition.ts";
import { turnstile } from "../../../examples/turnstile/turnstile.ts";
import { type ClusterNode, memoryCluster } from "./memory-cluster.ts";

/** Far longer than a node may take to leave. */
const WAIT_MS = 60_000;

/** A definition whose outside calls have far more time. */
const patient = (definition: ActorDefinition): ActorDefinition => ({
  ...definition,
  effects: { checkCoin: { ...definition.effects["checkCoin"]!, timeoutMs: 10 * WAIT_MS } },
});

const owns = ({ node }: ClusterNode): boolean => node.status().held.length === 1;

/** Two nodes and one partition; the outside call of a coin ends when the test lets it. */
async function stage() {
  const cluster = memoryCluster({ partitions: 1 });
  const outcome = Promise.withResolvers<{ receipt: string }>();
  const run = () => outcome.promise;
  const nodes = [
    await cluster.start("one", patient(turnstile(run))),
    await cluster.start("two", patient(turnstile(run))),
  ];
  await cluster.settled();
  await cluster.clock.advance(5000);
  const owner = nodes.find(owns);
  const other = nodes.find((node) => !owns(node));
  if (!owner || !other) throw new Error("no node owns the partition");
  await cluster.done(owner.actors.start("g", { lockAfterMs: 60_000 }, { waitMs: 0, mayExist: false }));
  /** A caller at this node that waits for the outcome of its coin. */
  const coin = async (node: ClusterNode) => {
    const answered: { reply?: ActorReply } = {};
    const options = { commandId: "c1", waitMs: WAIT_MS };
    const ask = async (): Promise<void> => {
      answered.reply = await node.actors.command("g", "turnstile", { type: "coin" }, options);
    };
    void ask();
    await cluster.clock.advance(1500);
    if (answered.reply) throw new Error("the caller does not wait");
    return answered;
  };
  const coinEnds = (): void => outcome.resolve({ receipt: "r" });
  return { cluster, owner, other, coin, coinEnds };
}

t.test("a caller that waits at another node waits for the next owner when the owner leaves", async (t) => {
  const { cluster, owner, other, coin, coinEnds } = await stage();
  const answered = await coin(other);
  await cluster.done(owner.node.stop());
  await cluster.clock.advance(stopping.processMs);
  t.equal(answered.reply, undefined, "still waiting, for the next owner now");
  t.equal(other.node.status().held.length, 1);
  coinEnds();
  await cluster.until("the caller is answered", () => answered.reply !== undefined, WAIT_MS);
  t.match(answered.reply, { status: "ok", settled: true });
  const { snapshot } = cluster.ok(await cluster.done(other.actors.read("g")));
  t.equal(snapshot.machines["turnstile"]?.value, "unlocked");
});

for (const who of ["owner", "other"] as const)
  t.test(
    `a caller that waits at a node that leaves (${who}) gets the acknowledged state in time`,
    async (t) => {
      const { cluster, coin, ...nodes } = await stage();
      const node = nodes[who];
      const answered = await coin(node);
      const begun = cluster.clock.monotonic();
      await cluster.done(node.node.handOver());
      await cluster.until("the caller is answered", () => answered.reply !== undefined);
      const afterMs = cluster.clock.monotonic() - begun;
      t.ok(afterMs >= stopping.callersMs && afterMs < stopping.answersMs, `after ${afterMs} ms`);
      t.match(answered.reply, {
        status: "ok",
        settled: false,
        snapshot: { machines: { turnstile: { value: "checking" } } },
      });
      await cluster.done(node.node.stop());
    },
  );

t.test("an actor that settles while its node leaves is answered as usual", async (t) => {
  const { cluster, owner, other, coin, coinEnds } = await stage();
  const answered = await coin(owner);
  const leaving = owner.node.handOver();
  await cluster.until("the next owner has it", () => other.node.status().held.length === 1);
  t.equal(answered.reply, undefined);
  coinEnds();
  await cluster.until("the caller is answered", () => answered.reply !== undefined);
  await cluster.done(leaving);
  t.match(answered.reply, { status: "ok", settled: true });
  await cluster.done(owner.node.stop());
  t.equal(other.node.status().held.length, 1);
});

t.test("a caller without an owner at a node that leaves gets its answer in time", async (t) => {
  const { cluster, owner, other } = await stage();
  owner.kill();
  let answered: ActorReply | undefined;
  const ask = async (): Promise<void> => {
    answered = await other.actors.read("g");
  };
  void ask();
  await cluster.clock.advance(10);
  const begun = cluster.clock.monotonic();
  const leaving = other.node.handOver();
  await cluster.until("the caller is answered", () => answered !== undefined);
  t.ok(cluster.clock.monotonic() - begun < stopping.answersMs);
  t.match(answered, { status: "unavailable" });
  await cluster.done(leaving);
});

t.test("a node whose disk is full leaves in time, and its partition with it", async (t) => {
  const { cluster, owner, other } = await stage();
  owner.outbox.failWith("disk full");
  // The node learns of the full disk when it refuses the first; it holds the next input until there is room.
  const start = (actor: string) =>
    cluster.done(owner.actors.start(actor, { lockAfterMs: 1 }, { waitMs: 0, mayExist: false }));
  t.match(await start("h"), { status: "storage_unavailable" });
  cluster.inbox(0, "g", "turnstile", "coin", "i1");
  await cluster.clock.advance(1000);
  t.ok(owner.node.status().relay.depth > 0, "a write set is held");
  const begun = cluster.clock.monotonic();
  await cluster.done(owner.node.handOver());
  const tookMs = cluster.clock.monotonic() - begun;
  t.ok(tookMs < stopping.handOverMs, `after ${tookMs} ms`);
  await cluster.until("the other one owns it", () => other.node.status().held.length === 1, 1000);
});

t.test("a node whose server is silent ends its hand-over in time", async (t) => {
  const { cluster, owner } = await stage();
  cluster.faults.push(({ node, kind }) =>
    node === owner.name && kind !== "request" ? { lose: "request" } : undefined,
  );
  const begun = cluster.clock.monotonic();
  await cluster.done(owner.node.handOver());
  const tookMs = cluster.clock.monotonic() - begun;
  t.ok(tookMs <= stopping.handOverMs, `after ${tookMs} ms`);
});

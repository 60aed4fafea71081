/** Who answers a dry run: the owner, or, where no owner knows, the node that is asked, from what is stored. */
import t from "tap";
import type { DryRuns } from "../../../../src/runtime/actors.ts";
import type { Bus } from "../../../../src/runtime/ports.ts";
import { decodeDryRun, encodeDryRun } from "../../../../src/runtime/routing/dry-run-codec.ts";
import { decodeRequest, encodeReply } from "../../../../src/runtime/routing/request-codec.ts";
import { type ClusterNode, memoryCluster } from "../memory-cluster.ts";
import { diary, fixedDiary, NOW, notes } from "../tenure/tenure-stage.ts";

const note = { kind: "command", machine: "diary", event: { type: "note.1" } } as const;
const work = { kind: "command", machine: "diary", event: { type: "work" } } as const;

const isOwner = ({ node }: ClusterNode) => node.status().partitions[0]?.open === true;

/** Two nodes and one partition; the actor `d` exists. */
async function stage(wrapBus?: (bus: Bus) => Bus) {
  const cluster = memoryCluster({ partitions: 1 });
  const nodes = [
    await cluster.start("one", diary(), wrapBus),
    await cluster.start("two", diary(), wrapBus),
  ] as const;
  await cluster.settled();
  const owner = nodes.find(isOwner) as ClusterNode;
  const other = nodes.find((node) => !isOwner(node)) as ClusterNode;
  await cluster.done(owner.actors.start("d", {}, NOW));
  const ask = (from: ClusterNode, input: Parameters<DryRuns["dryRun"]>[1], actor = "d") =>
    cluster.done(from.node.actors.dryRun(actor, input));
  return { cluster, owner, other, ask };
}

t.test("the owner answers every node, and nothing is stored, begun or remembered", async (t) => {
  const { cluster, owner, other, ask } = await stage();
  const { lastSequence } = cluster.logOf(0);
  for (const from of [owner, other]) {
    const { reply, source } = await ask(from, work);
    t.equal(source, "owner");
    t.match(reply, {
      status: "predicted",
      before: { version: 1 },
      after: { version: 2, commands: [] },
      changes: { input: "command:work", transitions: [{ machine: "diary", from: "idle", to: "working" }] },
      opened: [{ name: "diary.job", key: "d:diary.job:2000", input: "x" }],
      armed: [],
    });
  }
  t.equal(cluster.records(0, "d").length, 1);
  t.equal(owner.node.status().effects, 0, "no call is made");
  t.ok(cluster.logOf(0).lastSequence - lastSequence <= 1, "at most a mark of time was stored meanwhile");
  const done = { commandId: "c", waitMs: 0 };
  const real = cluster.ok(await cluster.done(other.actors.command("d", "diary", { type: "note.1" }, done)));
  t.equal(real.snapshot.version, 2, "no version was used up");
});

t.test("a command that was applied is predicted as a repetition, and another one as illegal", async (t) => {
  const { cluster, other, ask } = await stage();
  const done = { commandId: "c", waitMs: 0 };
  await cluster.done(other.actors.command("d", "diary", { type: "note.1" }, done));
  t.match(await ask(other, { ...note, commandId: "c" }), { reply: { status: "repeated" } });
  t.match(await ask(other, { ...note, commandId: "d" }), { reply: { status: "predicted" } });
  const unknown = { kind: "command", machine: "diary", event: { type: "sing" } } as const;
  t.match(await ask(other, unknown), { reply: { status: "illegal", snapshot: { version: 2 }, guards: [] } });
});

t.test("starts are predicted, and those of actors that exist are not done again", async (t) => {
  const { cluster, other, ask } = await stage();
  const start = { kind: "start", input: {}, mayExist: true } as const;
  t.match(await ask(other, start, "new"), {
    reply: { status: "predicted", before: null, after: { version: 1 } },
    source: "owner",
  });
  t.equal(cluster.records(0, "new").length, 0);
  t.match(await ask(other, start), { reply: { status: "repeated" } });
  t.match(await ask(other, { ...start, request: "h" }), { reply: { status: "request_mismatch" } });
  t.match(await ask(other, note, "unknown"), { reply: { status: "not_found" }, source: "owner" });
});

t.test("a parked actor, and an input that its machine fails on, are predicted as refused", async (t) => {
  const { cluster, owner, other, ask } = await stage();
  const poison = { kind: "command", machine: "diary", event: { type: "poison" } } as const;
  t.match(await ask(other, poison), { reply: { status: "refused", code: "input_refused" } });
  cluster.inbox(0, "d", "diary", "poison", "e1");
  await cluster.clock.advance(100);
  t.match(await ask(other, note), { reply: { status: "refused", code: "actor_parked" }, source: "owner" });
  owner.kill();
  const stored = await ask(other, note);
  t.match(stored, { reply: { status: "refused", code: "actor_parked" }, source: "stored" });
});

t.test(
  "resuming is predicted from what is stored: the input is applied, or parks the actor again",
  async (t) => {
    const { cluster, owner, other } = await stage();
    const forecast = () => cluster.done(other.node.parked.predictResume("d"));
    t.match(await forecast(), { status: "not_parked", snapshot: { version: 1 } });
    t.match(await cluster.done(other.node.parked.predictResume("unknown")), { status: "not_found" });
    cluster.inbox(0, "d", "diary", "poison", "e1");
    await cluster.clock.advance(100);
    const { lastSequence } = cluster.logOf(0);
    t.match(await forecast(), { status: "parks_again", reason: /poison/, snapshot: { version: 1 } });
    owner.kill();
    const repaired = await cluster.start("three", fixedDiary());
    const applied = await cluster.done(repaired.node.parked.predictResume("d"));
    t.match(applied, { status: "predicted", before: { version: 1 }, after: { version: 2 } });
    t.equal(cluster.records(0, "d").length, 1);
    t.equal((await cluster.done(repaired.node.parked.list())).length, 1, "it is parked as before");
    t.ok(cluster.logOf(0).lastSequence >= lastSequence);
  },
);

t.test("without an owner the node that is asked answers from what is stored", async (t) => {
  const { cluster, owner, other, ask } = await stage();
  const before = await ask(other, note);
  owner.kill();
  const { reply, source } = await ask(other, note);
  t.equal(source, "stored");
  const [prediction, same] = [before.reply, reply];
  if (prediction.status !== "predicted" || same.status !== "predicted")
    throw new Error(`${prediction.status}, ${same.status}`);
  t.strictSame(same.changes, prediction.changes);
  t.strictSame(notes(same.after), ["note.1"]);
  t.match(await ask(other, note, "unknown"), { reply: { status: "not_found" }, source: "stored" });
  await cluster.settled();
  t.match(await ask(other, note), { source: "owner" });
});

/** An owner of an earlier version: it does not know the request. */
const earlier = (bus: Bus): Bus => ({
  ...bus,
  serve: (subject, answer) =>
    bus.serve(subject, (payload) =>
      decodeDryRun(payload)
        ? Promise.resolve(encodeReply({ status: "unavailable", reason: "does not know this request" }))
        : answer(payload),
    ),
});

t.test(
  "an owner of an earlier version does not know the request: it is predicted from what is stored",
  async (t) => {
    const { cluster, other, ask } = await stage(earlier);
    t.match(await ask(other, note), { reply: { status: "predicted" }, source: "stored" });
    t.equal(cluster.records(0, "d").length, 1);
    t.equal(decodeRequest(encodeDryRun({ actor: "d", input: note })), undefined, "as it reads the request");
  },
);

t.test("what is no dry run is not taken for one", async (t) => {
  const request = { actor: "d", input: note, outputs: {} };
  t.strictSame(decodeDryRun(encodeDryRun(request)), request);
  for (const broken of [
    { ...request, actor: "a.b" },
    { ...request, actor: 1 },
    { ...request, outputs: 1 },
    { ...request, input: { kind: "timer" } },
    { ...request, input: { ...note, event: "note.1" } },
    { ...request, input: { ...note, commandId: 1 } },
    { ...request, input: { kind: "start", input: {} } },
  ]) {
    t.equal(decodeDryRun(encodeDryRun(broken as never)), undefined, JSON.stringify(broken));
  }
  t.equal(decodeDryRun(JSON.stringify({ op: "read", actor: "d" })), undefined);
});

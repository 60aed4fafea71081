/** Every way in which the verification of locks begins, through whole nodes, as a reader and a caller see it. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import type { Fault, Operation } from "../../../../src/adapters/memory/server.ts";
import { type ClusterNode, memoryCluster } from "../memory-cluster.ts";
import { diary, notes, NOW } from "../tenure/tenure-stage.ts";

const NAME = "partition.0";
const FENCE = subjects.fence(NAME);

const isFence = ({ kind, subject }: Operation): boolean => kind === "append" && subject === FENCE;
const isHeartbeat = (owner: ClusterNode) => (operation: Operation) =>
  operation.node === owner.name && operation.kind === "bucket_write";

/** Two nodes and one partition with actor `a`; faults by name, each on while it is in `on`. */
async function stage() {
  const cluster = memoryCluster({ partitions: 1 });
  const nodes = [await cluster.start("one", diary()), await cluster.start("two", diary())];
  await cluster.settled();
  await cluster.clock.advance(5000);
  const owner = nodes.find(({ node }) => node.status().held.length === 1);
  const other = nodes.find((node) => node !== owner);
  if (!owner || !other) throw new Error("no node owns the partition");
  cluster.ok(await cluster.done(owner.actors.start("a", {}, NOW)));
  const on = new Set<"fences" | "heartbeats">();
  cluster.faults.push((operation): Fault | undefined => {
    const lost =
      (on.has("fences") && isFence(operation)) || (on.has("heartbeats") && isHeartbeat(owner)(operation));
    return lost ? { lose: "request" } : undefined;
  });
  const { epoch } = cluster;
  const lockBefore = epoch(0);
  const isPresent = (): boolean => owner.node.status().present;
  /** Reads from both nodes; the answers, as they arrive. */
  const read = (): ActorReply[] => {
    const replies: ActorReply[] = [];
    for (const node of [owner, other]) void node.actors.read("a").then((reply) => replies.push(reply));
    return replies;
  };
  return { cluster, owner, other, on, isPresent, read, sameLock: () => epoch(0) === lockBefore };
}
type Stage = Awaited<ReturnType<typeof stage>>;

const ways: readonly [string, (stage: Stage) => Promise<void>][] = [
  [
    "its connection was lost and found again",
    async ({ cluster, owner }) => {
      owner.link.disconnect();
      await cluster.clock.advance(50);
      owner.link.reconnect();
      await cluster.clock.advance(10);
    },
  ],
  [
    "its presence ran out and is back on the same connection",
    async ({ cluster, on, isPresent }) => {
      on.add("heartbeats");
      await cluster.until("presence has run out", () => !isPresent());
      on.delete("heartbeats");
      await cluster.until("presence is back", isPresent);
    },
  ],
  [
    "its process was paused for longer than its presence is valid",
    async ({ cluster, owner, isPresent }) => {
      owner.clock.pause();
      await cluster.until("presence has run out", () => !isPresent());
      owner.clock.resume();
      await cluster.until("presence is back", isPresent);
    },
  ],
];

for (const [title, happen] of ways) {
  t.test(`an owner reads nothing from memory before it has verified its lock when ${title}`, async (t) => {
    const s = await stage();
    const { cluster, owner, on, read } = s;
    on.add("fences");
    await happen(s);
    t.ok(s.sameLock(), "it is still the owner, but cannot know");
    t.same(owner.node.status().held, [NAME]);
    const replies = read();
    const written: ActorReply[] = [];
    void owner.actors
      .command("a", "diary", { type: "note.1" }, { commandId: "c1", waitMs: 0 })
      .then((reply) => written.push(reply));
    await cluster.clock.advance(2000);
    t.same(replies, [], "no reader gets an answer, on either node");
    t.same(written, [], "nor does a caller: a repeated or illegal command is answered without a write");
    on.delete("fences");
    await cluster.until("all are answered", () => replies.length === 2 && written.length === 1);
    for (const reply of [...replies, ...written]) t.equal(reply.status, "ok");
    t.ok(s.sameLock());
    for (const node of cluster.running) node.kill();
  });

  t.test(`a verification that the server answers ends the wait of a reader when ${title}`, async (t) => {
    const s = await stage();
    await happen(s);
    const replies = s.read();
    await s.cluster.until("both are answered", () => replies.length === 2, 500);
    t.ok(replies.every(({ status }) => status === "ok"));
    t.ok(s.sameLock());
    for (const node of s.cluster.running) node.kill();
  });
}

t.test("an owner whose presence has run out serves no reader and no caller of another node", async (t) => {
  const { cluster, other, owner, on, isPresent, sameLock } = await stage();
  on.add("heartbeats");
  await cluster.until("presence has run out", () => !isPresent());
  t.ok(owner.node.status().connected, "its connection works");
  let answers = 0;
  void other.actors.read("a").finally(() => answers++);
  void other.actors
    .command("a", "diary", { type: "note.1" }, { commandId: "c1", waitMs: 0 })
    .finally(() => answers++);
  const own = [
    await cluster.done(owner.actors.read("a")),
    await cluster.done(owner.actors.start("b", {}, NOW)),
  ];
  t.match(own, [
    { status: "unavailable", reason: /isolated/u },
    { status: "unavailable", reason: /isolated/u },
  ]);
  await cluster.clock.advance(200);
  t.equal(answers, 0);
  t.equal(cluster.records(0, "a").length, 1, "and writes nothing");
  t.ok(sameLock(), "no other node may take the lock yet");
  t.match(owner.node.isolation(), /presence has expired/u);
  on.delete("heartbeats");
  await cluster.until("both are answered", () => answers === 2);
  for (const node of cluster.running) node.kill();
});

t.test("a paused owner that lost its lock meanwhile answers nothing of what it has in memory", async (t) => {
  const { cluster, owner, other } = await stage();
  owner.clock.pause();
  await cluster.until("the other one owns it", () => other.node.status().held.length === 1);
  await cluster.until("and serves it", () => other.node.status().partitions[0]?.open === true);
  cluster.ok(
    await cluster.done(
      other.actors.command("a", "diary", { type: "note.1" }, { commandId: "c1", waitMs: 0 }),
    ),
  );
  const replies: ActorReply[] = [];
  owner.clock.resume();
  // At every moment of its return.
  for (let ms = 0; ms < 40; ms++) {
    void owner.actors.read("a").then((reply) => replies.push(reply));
    await cluster.clock.advance(1);
  }
  await cluster.until("all are answered", () => replies.length === 40);
  for (const reply of replies) {
    if (reply.status === "ok") t.same(notes(reply.snapshot), ["note.1"]);
    else t.equal(reply.status, "unavailable");
  }
  for (const node of cluster.running) node.kill();
});

t.test("the locks of every stream are verified after an interruption", async (t) => {
  const cluster = memoryCluster({ partitions: 4, streams: 2 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  const ids = Array.from({ length: 12 }, (_, n) => `d${n}`);
  for (const id of ids) cluster.ok(await cluster.done(one.actors.start(id, {}, NOW)));
  const written = [0, 1, 2, 3].map((p) => ids.filter((id) => cluster.records(p, id).length > 0).length);
  t.ok(
    written.every((count) => count > 0),
    "actors in every partition",
  );
  one.link.disconnect();
  await cluster.clock.advance(50);
  one.link.reconnect();
  const replies = await cluster.done(Promise.all(ids.map((id) => one.actors.read(id))), 1000);
  t.ok(replies.every(({ status }) => status === "ok"));
  one.kill();
});

/** Nodes whose log goes back or is swapped end; nodes that start take the log as it is, whatever checkpoints state. */
import t from "tap";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import type { Log } from "../../../src/runtime/ports.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { silent } from "./commit/relay-stage.ts";
import { memoryCluster } from "./memory-cluster.ts";
import { diary, notes, NOW } from "./tenure/tenure-stage.ts";

const PARTITIONS = 4;
const HEARTBEAT_MS = 500;
const actors = Array.from({ length: 12 }, (_, n) => `a${n}`);

async function stage(streams = 1) {
  const lines: string[] = [];
  const note = (_fields: object, message: string) => void lines.push(message);
  const log: Log = { ...silent, warn: note, error: note };
  const cluster = memoryCluster({ partitions: PARTITIONS, streams, log: () => log });
  const nodes = [await cluster.start("one", diary()), await cluster.start("two", diary())];
  await cluster.settled();
  for (const actor of actors) cluster.ok(await cluster.done(nodes[0]!.actors.start(actor, {}, NOW)));
  await cluster.clock.advance(5_000);
  const end = (): void => {
    for (const node of nodes.splice(0)) node.kill();
  };
  return { cluster, nodes, lines, end };
}

t.test(
  "both nodes end within two heartbeats after their log went back, and write nothing more",
  async (t) => {
    const { cluster, nodes, lines } = await stage();
    const log = cluster.logOf(0);
    await cluster.clock.advance(10_000);
    log.goBack(log.lastSequence - 20);
    await cluster.clock.advance(2 * HEARTBEAT_MS + 100);
    for (const { node } of nodes) {
      const status = node.status();
      t.match(status.logLost, /the log KV_ORDERS went back/u);
      t.same(status.held.length === 0 || status.partitions.every(({ open }) => !open), true);
      t.ok(
        status.partitions.every(({ open }) => !open),
        "no tenure is left",
      );
      t.match(node.isolation(), /went back/u, "requests are refused at once");
    }
    const after = log.lastSequence;
    t.match(await cluster.done(nodes[0]!.actors.read(actors[0]!)), { status: "unavailable" });
    const command = { type: "note", text: "x" };
    const wait = { commandId: "c", waitMs: 0 };
    t.match(await cluster.done(nodes[1]!.actors.command(actors[1]!, "diary", command, wait)), {
      status: "unavailable",
    });
    await cluster.clock.advance(60_000);
    t.equal(log.lastSequence, after, "nothing is stored any more");
    t.equal(lines.filter((line) => line.includes("went back")).length, 2, "one line of each node");
    for (const { node } of nodes) await cluster.done(node.stop());
    t.equal(log.lastSequence, after, "also at the stop");
  },
);

t.test("a node on several logs ends when one of them is swapped", async (t) => {
  const { cluster, nodes } = await stage(2);
  cluster.logOf(1).replace("another");
  await cluster.clock.advance(2 * HEARTBEAT_MS + 100);
  for (const { node } of nodes) t.match(node.status().logLost, /KV_ORDERS_1 is another one/u);
});

t.test(
  "nodes that start on a log that went back apply what lies below the checkpoints of before",
  async (t) => {
    for (const grownBy of [0, 200]) {
      const { cluster, nodes, lines, end } = await stage();
      const log = cluster.logOf(0);
      for (const n of Array.from({ length: 5 }).keys()) {
        for (const actor of actors) {
          const note = { type: "note.before" };
          await cluster.done(nodes[0]!.actors.deliver(actor, "diary", note, `n${n}`));
        }
      }
      await cluster.clock.advance(10_000);
      const { through } = cluster.checkpoint(partitionOf(actors[0]!, PARTITIONS))!;
      const started = actors.map(
        (id) => log.all(subjects.record(partitionOf(id, PARTITIONS), id))[0]!.sequence,
      );
      log.goBack(Math.max(...started) + 1);
      await cluster.clock.advance(2 * HEARTBEAT_MS + 100);
      t.ok(nodes.every(({ node }) => node.status().logLost !== undefined));
      end();
      // A webhook that was accepted meanwhile, below what the checkpoints state.
      const partition = partitionOf(actors[0]!, PARTITIONS);
      const input = cluster.inbox(partition, actors[0]!, "diary", "note.after", "w1");
      t.ok(input <= through, `${input} is below ${through}`);
      for (let n = 0; n < grownBy; n++) {
        log.propose([{ subject: subjects.fence("partition.0"), payload: "" }], () => {});
        await cluster.clock.advance(10);
      }
      const again = await cluster.start("three", diary());
      await cluster.settled();
      await cluster.clock.advance(2_000);
      const reply = cluster.ok(await cluster.done(again.actors.read(actors[0]!)));
      t.same(notes(reply.snapshot), ["note.after"], `grown by ${grownBy}`);
      t.ok(
        lines.some((line) => line.includes("checkpoint counts as none")),
        "and says so",
      );
      for (const actor of actors) cluster.ok(await cluster.done(again.actors.read(actor)));
      await cluster.clock.advance(5_000);
      t.equal(again.node.status().logLost, undefined, "it goes on");
      again.kill();
    }
  },
);

t.test("checkpoints of a future of 157 000 messages do not keep any partition from its owner", async (t) => {
  const { cluster, end } = await stage();
  end();
  const log = cluster.logOf(0);
  const before = log.lastSequence;
  for (let p = 0; p < PARTITIONS; p++) {
    const ahead = before + 157_000;
    const value = { through: ahead, epoch: ahead - 10, open: [], behind: [], parkedAt: 0 };
    cluster.server
      .log("KV_FLOORS")
      .propose([{ subject: `$KV.FLOORS.partition.${p}`, payload: JSON.stringify(value) }], () => {});
  }
  const startedAt = cluster.clock.monotonic();
  const again = await cluster.start("three", diary());
  await cluster.settled();
  const ms = cluster.clock.monotonic() - startedAt;
  t.ok(ms < 10_000, `all are served after ${ms} ms`);
  let changes = 0;
  for (let p = 0; p < PARTITIONS; p++)
    changes += log.all(subjects.lock(`partition.${p}`)).filter(({ sequence }) => sequence > before).length;
  t.equal(changes, PARTITIONS, "each lock is claimed once");
  await cluster.clock.advance(3_000);
  for (let p = 0; p < PARTITIONS; p++) {
    const { through, epoch, log: id } = cluster.checkpoint(p)!;
    t.ok(through <= log.lastSequence && epoch <= log.lastSequence);
    t.equal(id, "log-KV_ORDERS", "it names the log");
  }
  again.kill();
});

t.test("a leader that is not as far as the one before ends no node", async (t) => {
  const { cluster, nodes } = await stage();
  cluster.faults.push(({ kind }) => (kind === "read" ? { staleBy: 3 } : undefined));
  await cluster.clock.advance(30_000);
  cluster.faults.length = 0;
  await cluster.clock.advance(5_000);
  t.ok(nodes.every(({ node }) => node.status().logLost === undefined));
  cluster.ok(await cluster.done(nodes[0]!.actors.read(actors[0]!)));
});

t.test("a log that went back while a node was disconnected gets nothing of the node's memory", async (t) => {
  const { cluster, nodes } = await stage();
  const log = cluster.logOf(0);
  for (const { link } of nodes) link.disconnect();
  const wait = { commandId: "c", waitMs: 0 };
  for (const [n, actor] of actors.entries())
    void nodes[n % 2]!.actors.command(actor, "diary", { type: "work" }, wait);
  log.goBack(log.lastSequence - 5);
  const end = log.lastSequence;
  await cluster.clock.advance(200);
  for (const { link } of nodes) link.reconnect();
  await cluster.clock.advance(10_000);
  t.ok(nodes.every(({ node }) => node.status().logLost !== undefined));
  const stored = Array.from({ length: log.lastSequence - end }, (_, n) => log.at(end + 1 + n)!.subject);
  t.same(
    stored.filter((subject) => !subject.startsWith("orders.fence.")),
    [],
    "at most empty marks, by which the loss was proven",
  );
});

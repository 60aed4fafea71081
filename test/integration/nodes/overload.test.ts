/** Overload of one order or one server: immediate refusals, nothing lost, nothing twice, level memory. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import t from "tap";
import type { ActorReply } from "../../../src/runtime/actors.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { startRuntime } from "../../support/cluster/runtime-node.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { diary, notes } from "../../unit/runtime/tenure/tenure-stage.ts";

const START = { waitMs: 0, mayExist: false } as const;
/** This many requests at once delay the node's heartbeats. */
const PRESENCE_TTL_MS = 20_000;
const MIB = 1024 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const heapMib = (): number => {
  collect();
  return process.memoryUsage().heapUsed / MIB;
};

const countOf = (replies: readonly ActorReply[], status: ActorReply["status"]): number =>
  replies.filter((reply) => reply.status === status).length;

t.test(
  "2000 concurrent commands to one order are applied once or refused, and the order continues",
  async (t) => {
    const server = await startNatsServer(t);
    const { node } = await startRuntime(t, server.url, "one", diary(), 1, PRESENCE_TTL_MS);
    await node.actors.start("hot", {}, START);
    const note = (n: number): Promise<ActorReply> =>
      node.actors.command("hot", "diary", { type: `note.${n}` }, { commandId: `c${n}`, waitMs: 0 });
    const replies = await Promise.all(Array.from({ length: 2000 }, (_, n) => note(n)));
    const done = countOf(replies, "ok");
    t.comment(`${done} applied, ${countOf(replies, "overloaded")} refused`);
    t.ok(done > 0 && countOf(replies, "overloaded") > 1000);
    const read = await node.actors.read("hot");
    const stored = read.status === "ok" ? notes(read.snapshot) : [];
    const times = new Map<string, number>();
    for (const type of stored) times.set(type, (times.get(type) ?? 0) + 1);
    const wrong = replies.filter(({ status }, n) => {
      const count = times.get(`note.${n}`) ?? 0;
      if (status === "ok") return count !== 1;
      // Without an answer in time the outcome is unknown; a request refused for lack of room has changed nothing.
      return status === "overloaded" ? count !== 0 : count > 1;
    });
    t.same(wrong, []);
    t.equal((await note(5000)).status, "ok");
  },
);

t.test(
  "while a server is frozen nodes refuse work and memory stays level; then work continues",
  async (t) => {
    const server = await startNatsServer(t);
    const { node } = await startRuntime(t, server.url, "one", diary(), 1, PRESENCE_TTL_MS);
    const orders = Array.from({ length: 50 }, (_, n) => `d${n}`);
    await Promise.all(orders.map((order) => node.actors.start(order, {}, START)));
    const applied = new Map<string, Set<string>>(orders.map((order) => [order, new Set()]));
    const answers: Partial<Record<ActorReply["status"], number>> = {};
    let asked = 0;
    let answered = 0;
    const send = async (order: string): Promise<void> => {
      const type = `note.${++asked}`;
      const { status } = await node.actors.command(order, "diary", { type }, { commandId: type, waitMs: 0 });
      answered++;
      answers[status] = (answers[status] ?? 0) + 1;
      if (status === "ok") applied.get(order)?.add(type);
    };
    await Promise.all(orders.map(send));
    const thaw = server.freeze();
    const waves: number[] = [];
    for (let wave = 0; wave < 6; wave++) {
      // More than the outbox accepts; requests that find no room are answered before the next wave.
      const before = answers.overloaded ?? 0;
      for (let n = 0; n < 4000; n++) void send(orders[n % orders.length] ?? "");
      await waitUntil("most are refused", () => (answers.overloaded ?? 0) - before >= 3000);
      waves.push(heapMib());
    }
    thaw();
    await waitUntil("every request is answered", () => answered === asked);
    t.comment("answers", answers, "heap by wave, MiB", waves.map(Math.round));
    t.ok((answers.overloaded ?? 0) >= 3000, "most are refused");
    await waitUntil("orders are taken again", async () => {
      const reply = await node.actors.command(
        "d0",
        "diary",
        { type: "note.end" },
        { commandId: "end", waitMs: 0 },
      );
      return reply.status === "ok";
    });
    for (const order of orders) {
      const read = await node.actors.read(order);
      const stored = read.status === "ok" ? notes(read.snapshot) : [];
      t.equal(new Set(stored).size, stored.length, `${order}: nothing twice`);
      const lost = [...(applied.get(order) ?? [])].filter((type) => !stored.includes(type));
      t.same(lost, [], `${order}: nothing acknowledged is lost`);
    }
    // The first wave fills the outbox; later ones find no room.
    t.ok((waves.at(-1) ?? 0) - (waves[0] ?? 0) < 25, "memory stays level");
  },
);

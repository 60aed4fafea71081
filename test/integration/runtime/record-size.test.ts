/**
 * A real server with a smaller limit than ours: only what the server rejects is refused or parked, whatever shares its
 * batch.
 */
import t from "tap";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { startRuntime } from "../../support/cluster/runtime-node.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { diary, notes } from "../../unit/runtime/tenure/tenure-stage.ts";

const START = { waitMs: 0, mayExist: false } as const;
const SMALL = 16 * 1024;
/** Twice in its record, once in its inbox message. */
const LARGE = `note.${"x".repeat(12 * 1024)}`;
const NEIGHBORS = Array.from({ length: 8 }, (_, n) => `neighbor${n}`);

t.test(
  "a batch that max_payload forbids is split until the message that is too large is alone",
  async (t) => {
    const server = await startNatsServer(t, { extraConfig: `max_payload: ${SMALL}` });
    const { node } = await startRuntime(t, server.url, "one", diary());
    for (const actor of ["commanded", "parked", ...NEIGHBORS]) await node.actors.start(actor, {}, START);
    const send = (actor: string, type: string, commandId: string) =>
      node.actors.command(actor, "diary", { type }, { commandId, waitMs: 0 });
    const read = async (actor: string): Promise<string[]> => {
      const reply = await node.actors.read(actor);
      return reply.status === "ok" ? notes(reply.snapshot) : [];
    };
    const batches = node.status().relay.batches;
    const [refused, ...others] = await Promise.all([
      send("commanded", LARGE, "c1"),
      send("commanded", "note.1", "c2"),
      ...NEIGHBORS.map((actor) => send(actor, "note.1", "c1")),
      node.actors.deliver("parked", "diary", { type: LARGE }, "e1"),
      node.actors.deliver("parked", "diary", { type: "note.2" }, "e2"),
    ]);
    t.match(refused, { status: "refused", code: "input_refused", reason: /refused the record/ });
    for (const reply of others) t.match(reply, typeof reply === "string" ? "stored" : { status: "ok" });
    t.same(await read("commanded"), ["note.1"], "the order goes on");
    for (const actor of NEIGHBORS) t.same(await read(actor), ["note.1"]);
    await waitUntil("one order is parked", async () => (await node.parked.list()).length > 0);
    const [parking, ...more] = await node.parked.list();
    t.same(more, []);
    t.match(parking, { actor: "parked", version: 1, input: { kind: "event", id: "e1" } });
    t.equal((await node.parked.skip("parked", parking?.id ?? "")).status, "ok");
    t.same(await read("parked"), ["note.2"]);
    await waitUntil("everything is resolved", () => node.status().relay.depth === 0);
    t.ok(node.status().relay.batches > batches);
  },
);

/** Commands for one version of an actor, and commands under a key with a digest. */
import t from "tap";
import type { Bus } from "../../../../src/runtime/ports.ts";
import { encodeReply } from "../../../../src/runtime/routing/request-codec.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, NOW, notes } from "./tenure-stage.ts";

async function stage(wrapBus?: (bus: Bus) => Bus) {
  const cluster = memoryCluster({ partitions: 1 });
  const nodes = [await cluster.start("one", diary(), wrapBus), await cluster.start("two", diary(), wrapBus)];
  await cluster.settled();
  const asker = nodes.find(({ node }) => node.status().partitions[0]?.open === false);
  if (!asker) throw new Error("both own it");
  await cluster.done(asker.actors.start("d", {}, NOW));
  const command = (commandId: string, ifVersions?: readonly number[], type = "note.1") =>
    cluster.done(
      asker.actors.command(
        "d",
        "diary",
        { type },
        { commandId, waitMs: 0, ...(ifVersions && { ifVersions }) },
      ),
    );
  const written = async () => notes(cluster.ok(await cluster.done(asker.actors.read("d"))).snapshot);
  return { cluster, command, written };
}

t.test("a command for the actor's version is applied, for another one nothing is written", async (t) => {
  const { command, written } = await stage();
  t.match(await command("c1", [2]), { status: "version_changed", snapshot: { version: 1 } });
  t.match(await command("c1", []), { status: "version_changed" });
  t.match(await command("c1", [7, 1]), { status: "ok", snapshot: { version: 2 } });
  t.match(await command("c2", [1]), { status: "version_changed", snapshot: { version: 2 } });
  t.strictSame(await written(), ["note.1"]);
});

t.test("of two commands for the same version one is applied", async (t) => {
  const { command, written } = await stage();
  const replies = await Promise.all([command("c1", [1]), command("c2", [1], "note.2")]);
  t.strictSame(replies.map(({ status }) => status).toSorted(), ["ok", "version_changed"]);
  t.equal((await written()).length, 1);
});

t.test("a repetition is answered as applied, although the version is another one by then", async (t) => {
  const { command, written } = await stage();
  t.match(await command("c1", [1]), { status: "ok" });
  t.match(await command("c1", [1]), { status: "ok" });
  t.strictSame(await written(), ["note.1"]);
});

t.test(
  "the same key with another digest is refused, and ids without a digest are not compared",
  async (t) => {
    const { command, written } = await stage();
    t.match(await command("key/a~1"), { status: "ok" });
    t.match(await command("key/a~2", undefined, "note.2"), { status: "request_mismatch" });
    t.match(await command("key/a~1"), { status: "ok" });
    t.match(await command("key/b~1", undefined, "note.3"), { status: "ok" });
    t.match(await command("plain", undefined, "note.4"), { status: "ok" });
    t.match(await command("plain~", undefined, "note.5"), { status: "ok" });
    t.strictSame(await written(), ["note.1", "note.3", "note.4", "note.5"]);
  },
);

/** An owner of an earlier version: it knows plain commands. */
const earlier = (bus: Bus): Bus => ({
  ...bus,
  serve: (subject, answer) =>
    bus.serve(subject, (payload) =>
      payload.includes('"op":"command-if"')
        ? Promise.resolve(encodeReply({ status: "unavailable", reason: "does not know this request" }))
        : answer(payload),
    ),
});

t.test("an owner of an earlier version does not take a command for a plain one", async (t) => {
  const { command, written } = await stage(earlier);
  t.match(await command("c1", [9]), { status: "unavailable" });
  t.strictSame(await written(), []);
  t.match(await command("c1"), { status: "ok" });
});

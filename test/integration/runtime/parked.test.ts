/** Parked actors on a real server: their owners die, and operators use any node. */
import t from "tap";
import { readRecord } from "../../../src/runtime/actor/record-decoding.ts";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { natsJournal } from "../../../src/adapters/nats/journal.ts";
import type { Snapshot } from "../../../src/runtime/actor/snapshot.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { PARTITIONS, startRuntime } from "../../support/cluster/runtime-node.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { diary, fixedDiary, notes } from "../../unit/runtime/tenure/tenure-stage.ts";

const START = { waitMs: 0, mayExist: false } as const;

t.test("an order parked by its inbox stays parked when its owner is lost, until it is resumed", async (t) => {
  const server = await startNatsServer(t);
  const one = await startRuntime(t, server.url, "one", diary());
  await one.node.actors.start("d1", {}, START);
  const send = (node: typeof one.node, type: string): Promise<unknown> =>
    node.actors.deliver("d1", "diary", { type }, `id-${type}`);
  for (const type of ["note.1", "poison", "note.2"]) await send(one.node, type);
  await waitUntil("parked", async () => (await one.node.parked.list()).length === 1);
  t.match(await one.node.parked.list(), [{ actor: "d1", name: "inbox:poison", version: 2 }]);
  const read = await one.node.actors.read("d1");
  t.same(read.status === "ok" && notes(read.snapshot), ["note.1"], "reads go on");
  t.match(await one.node.parked.resume("d1"), { status: "refused", code: "actor_parked" });
  await waitUntil("parked again", async () => (await one.node.parked.list()).length === 1);
  await one.crash();

  const two = await startRuntime(t, server.url, "two", fixedDiary());
  const partition = partitionOf("d1", PARTITIONS);
  await waitUntil("taken over", () => two.node.status().partitions[partition]?.open === true);
  t.equal(two.node.status().partitions[partition]?.parked, 1);
  const journal = natsJournal(two.link, subjects.stream(0));
  t.equal(
    (await journal.readAll(subjects.record(partition, "d1"))).length,
    2,
    "the new owner has tried nothing",
  );
  await send(two.node, "note.3");

  const three = await startRuntime(t, server.url, "three", fixedDiary());
  const both = await Promise.all([two.node.parked.resume("d1"), three.node.parked.resume("d1")]);
  for (const reply of both) {
    t.equal(reply.status, "ok");
    t.same(notes((reply as { snapshot: Snapshot }).snapshot), ["note.1", "poison", "note.2", "note.3"]);
  }
  const entries = await journal.readAll(subjects.parked(partition, "d1"));
  t.same(
    entries.map(({ payload }) => (JSON.parse(payload) as { status: string }).status),
    ["parked", "resumed", "parked", "resumed"],
    "two operators resumed the order once",
  );
});

t.test(
  "a skip on any node drops the poisonous input, and the inputs that waited after it are applied",
  async (t) => {
    const server = await startNatsServer(t);
    const one = await startRuntime(t, server.url, "one", diary());
    const two = await startRuntime(t, server.url, "two", diary());
    await one.node.actors.start("d2", {}, START);
    for (const type of ["poison", "note.1", "note.2"])
      await one.node.actors.deliver("d2", "diary", { type }, `id-${type}`);
    await waitUntil("parked", async () => (await one.node.parked.list()).length === 1);
    const [parking] = await two.node.parked.list();
    const id = parking?.id ?? "";
    const [first, second] = await Promise.all([
      one.node.parked.skip("d2", id),
      two.node.parked.skip("d2", id),
    ]);
    t.equal(first.status, "ok");
    t.equal(second.status, "ok");
    const read = await two.node.actors.read("d2");
    t.same(read.status === "ok" && notes(read.snapshot), ["note.1", "note.2"]);
    const records = await natsJournal(one.link, subjects.stream(0)).readAll(
      subjects.record(partitionOf("d2", PARTITIONS), "d2"),
    );
    t.same(
      records.map((record) => readRecord(record)?.input),
      ["start", "skip:inbox:poison", "inbox:note.1", "inbox:note.2"],
    );
  },
);

t.test(
  "the outcome of an effect that no machine accepts parks the order, and a resume repeats the effect",
  async (t) => {
    const server = await startNatsServer(t);
    const keys: string[] = [];
    const outcome = ({ key }: { readonly key: string }): Promise<string> => {
      keys.push(key);
      return Promise.resolve("poison");
    };
    const one = await startRuntime(t, server.url, "one", diary(outcome));
    await one.node.actors.start("d3", {}, START);
    await one.node.actors.command("d3", "diary", { type: "work" }, { commandId: "c", waitMs: 0 });
    await waitUntil("parked", async () => (await one.node.parked.list()).length === 1);
    await one.crash();
    const two = await startRuntime(t, server.url, "two", fixedDiary(outcome));
    await waitUntil("taken over", () => two.node.status().partitions.every(({ open }) => open));
    t.equal(keys.length, 1, "a takeover does not repeat the effect");
    t.equal((await two.node.parked.resume("d3")).status, "ok");
    await waitUntil("the order has the outcome", async () => {
      const reply = await two.node.actors.read("d3");
      return reply.status === "ok" && reply.snapshot.effects.length === 0;
    });
    t.equal(new Set(keys).size, 1, "under the same key");
  },
);

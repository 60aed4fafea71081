/** Two programs with one version and different definitions: the later one does not start. */
import t from "tap";
import { createMachine } from "xstate";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { DefinitionChanged, machineFingerprint } from "../../../../src/runtime/actor/fingerprint.ts";
import type { StoredDefinition } from "../../../../src/runtime/cluster/definition-registry.ts";
import type { ActorDefinition, MachineEntry } from "../../../../src/runtime/definition.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, diaryMachine, fixedDiary, NOW } from "../tenure/tenure-stage.ts";

const other = createMachine({
  id: "diary",
  initial: "resting",
  states: { resting: {}, writing: { after: { 1000: "resting" } } },
});

const withMachine = (entry: MachineEntry): ActorDefinition => ({ ...diary(), machines: { diary: entry } });

const stored = (cluster: ReturnType<typeof memoryCluster>, key: string): StoredDefinition | undefined => {
  const entry = cluster.server.log("KV_DEFINITIONS").last(`$KV.DEFINITIONS.${key}`);
  return entry && (JSON.parse(entry.payload) as StoredDefinition);
};

t.test("the first node of a version stores what the version stands for, and later ones do not", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  await cluster.start("one", diary());
  const fingerprint = machineFingerprint({ machine: diaryMachine });
  t.same(stored(cluster, "machine.diary.1"), { fingerprint, node: "one" });
  t.same(stored(cluster, "definition.1"), {
    fingerprint: { machines: ["diary"], listens: {} },
    node: "one",
  });
  await cluster.start("two", diary());
  await cluster.start("three", withMachine({ machine: diaryMachine, version: 2 }));
  t.equal(cluster.server.log("KV_DEFINITIONS").lastSequence, 3, "one more entry, of the new version");
});

t.test("a program with other states under the same version does not start", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  const one = await cluster.start("one", diary());
  await t.rejects(
    cluster.start("two", withMachine({ machine: other, version: 1 })),
    /^diary version 1: state idle is gone in this program, and node one has started this version in the cluster \(and \d more\); raise the version and write a migration, see docs\/evolution\.md$/u,
  );
  cluster.ok(await cluster.done(one.actors.start("d", {}, NOW)));
  await cluster.start("two", withMachine({ machine: other, version: 2 }));
});

t.test(
  "a program with other listeners under the same version of the definition does not start",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    await cluster.start("one", diary());
    const listens = { "diary.worked": ["diary"] };
    await t.rejects(
      cluster.start("two", { ...diary(), listens }),
      /^definition version 1: listener of event diary\.worked, diary, is new/u,
    );
    await cluster.start("two", { ...diary(), listens, version: 2 });
  },
);

t.test("of two first nodes that start at once with different definitions, one starts", async (t) => {
  for (const latencyMs of [1, 3]) {
    const cluster = memoryCluster({ partitions: 1, latencyMs: () => latencyMs });
    const starts = Promise.allSettled([
      cluster.launch("one", diary()),
      cluster.launch("two", withMachine({ machine: other, version: 1 })),
    ]);
    const results = await cluster.done(starts);
    t.same(results.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    const [failed] = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    t.ok(failed instanceof DefinitionChanged);
  }
});

t.test("an answer that is lost while an entry is made is no obstacle", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  let lost = 0;
  cluster.faults.push(({ kind, subject }) =>
    kind === "bucket_write" && subject.startsWith("$KV.DEFINITIONS.") && lost++ < 2
      ? { lose: "answer" }
      : undefined,
  );
  await cluster.start("one", diary());
  t.ok(lost > 1);
  t.match(stored(cluster, "machine.diary.1"), { node: "one" });
});

t.test("an entry that cannot be read is not compared, and stops no node", async (t) => {
  for (const payload of [
    "",
    "no json",
    "null",
    '{"fingerprint":1}',
    '{"fingerprint":{"states":{"idle":1}}}',
  ]) {
    const cluster = memoryCluster({ partitions: 1 });
    const definitions = memoryNode(cluster.server, "other").bucket("DEFINITIONS");
    for (const key of ["definition.1", "machine.diary.1"]) await cluster.done(definitions.put(key, payload));
    await cluster.start("one", diary());
  }
  t.pass("every one has started");
});

t.test("a repair that changes no part of the fingerprint needs no version", async (t) => {
  const cluster = memoryCluster({ partitions: 1 });
  await cluster.start("one", diary());
  await cluster.start("two", fixedDiary());
  t.equal(cluster.server.log("KV_DEFINITIONS").lastSequence, 2);
});

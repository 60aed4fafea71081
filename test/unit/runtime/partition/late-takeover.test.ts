/**
 * A takeover whose answers arrive late: by then its lock is lost. Whatever has become of the partition meanwhile, the
 * late end changes nothing about it, leaves no subscription, and decides nothing.
 */
import t from "tap";
import { Unavailable } from "../../../../src/runtime/ports.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { diary, notes, worked } from "../tenure/tenure-stage.ts";
import { type PartitionStage, partitionStage, type Step, steps } from "./partition-stage.ts";

/** What has become of the partition when the late answer arrives: the epoch that is open in the end, if one is. */
const states: Record<string, (stage: PartitionStage) => Promise<{ readonly ends: () => Promise<boolean> }>> =
  {
    "is closed": async ({ partition }) => {
      partition.revoke();
      return { ends: async () => false };
    },
    "waits for its checkpoint": async (stage) => {
      const release = stage.hold("claim read");
      void stage.partition.acquire(stage.acquireLock());
      await stage.clock.advance(10);
      return { ends: () => opens(stage, release) };
    },
    "is replayed": async (stage) => {
      const release = stage.hold("replay");
      void stage.partition.acquire(stage.acquireLock());
      await stage.clock.advance(10);
      return { ends: () => opens(stage, release) };
    },
    "is open": async (stage) => {
      await stage.open();
      return { ends: async () => true };
    },
    "was open and is handed over": async (stage) => {
      await stage.open();
      await stage.done(stage.partition.drain());
      return { ends: async () => false };
    },
    "is owned again under a later epoch": async (stage) => {
      await stage.open();
      stage.partition.revoke();
      await stage.open();
      return { ends: async () => true };
    },
  };

async function opens({ clock, partition }: PartitionStage, release: () => void): Promise<boolean> {
  await clock.advance(1000);
  if (partition.isOpen()) throw new Error("open before its own takeover has ended");
  release();
  return await clock.advanceUntil(() => partition.isOpen(), 5000);
}

/** How long the effect of `d` runs once it is resumed: longer than a takeover takes. */
const RUN_MS = 2000;

/** A stage with a finished actor `e`, an actor `d` with an open effect, and one inbox input for each. */
async function before(calls: string[]): Promise<PartitionStage> {
  const stage: PartitionStage = partitionStage({
    definition: diary(({ key }) => {
      calls.push(key);
      if (calls.length === 1) return new Promise(() => {});
      return stage.clock.sleep(RUN_MS).then(() => key);
    }),
  });
  await stage.open();
  await stage.start("e");
  await stage.start("d");
  await stage.command("work");
  await stage.clock.advance(10);
  stage.partition.revoke();
  stage.inbox("note.1", "e1", "d");
  stage.inbox("note.1", "e2", "e");
  return stage;
}

for (const step of steps) {
  for (const [name, reach] of Object.entries(states)) {
    t.test(
      `the late end of "${step}" of an old takeover changes nothing when the partition ${name}`,
      async (t) => {
        const calls: string[] = [];
        const stage = await before(calls);
        const { partition, clock } = stage;
        const release = stage.hold(step satisfies Step);
        const old = partition.acquire(stage.acquireLock());
        await clock.advance(10);
        t.notOk(partition.isOpen(), "it waits for its answer");
        const { ends } = await reach(stage);
        const isOpen = partition.isOpen();
        const { lastSequence } = stage.log;
        const begun = stage.begun();
        let reads = 0;
        stage.faults.push(({ kind }) => {
          if (kind === "read" || kind === "bucket_write") reads++;
          return undefined;
        });
        release();
        // A checkpoint that a later owner has claimed ends it as unavailable.
        await stage.done(old.catch((error: unknown) => t.ok(error instanceof Unavailable)));
        await clock.advance(100);
        t.equal(partition.isOpen(), isOpen, "it neither opens nor closes the partition");
        // A late claim begins a replay, which ends with its first check.
        if (!step.startsWith("claim")) t.same([reads, stage.begun() - begun], [0, 0], "it goes no further");
        if (name === "is closed")
          t.same([stage.consumers.size, partition.lag()], [0, 0], "nothing is consumed");
        const open = await ends();
        await clock.advance(5000);
        t.equal(partition.isOpen(), open);
        t.equal(stage.consumers.size, open ? 1 : 0, "one consumer follows the inbox, or none");
        t.equal(stage.served(), open ? 1 : 0, "one subscription answers requests, or none");
        if (!open) return;
        for (const actor of ["d", "e"]) {
          const reply = await stage.read(actor);
          t.same(reply.status === "ok" && notes(reply.snapshot), ["note.1"], `${actor}: applied once`);
        }
        const reply = await stage.read("d");
        t.same(
          reply.status === "ok" && worked(reply.snapshot),
          ["d:diary.job:2000"],
          "the effect has ended once",
        );
        const epoch = stage.log.last(subjects.lock("partition.0"))?.sequence;
        const written = stage.log
          .all(subjects.record(0, "d"))
          .filter(({ sequence }) => sequence > lastSequence);
        t.ok(
          written.every(({ headers }) => headers["Orderly-Epoch"] === String(epoch)),
          "what is written from then on is of the last owner",
        );
      },
    );
  }
}

t.test("a replay that never ends is abandoned when its lock is acquired again", async (t) => {
  const stage = partitionStage();
  stage.hold("replay");
  let ended = false;
  void stage.partition.acquire(stage.acquireLock()).then(() => (ended = true));
  await stage.clock.advance(1000);
  t.notOk(ended);
  await stage.open();
  await stage.clock.advance(1000);
  t.ok(ended, "the old takeover is over");
  t.equal(stage.consumers.size, 1);
  t.ok(stage.partition.isOpen());
});

t.test("a takeover that fails at its last steps leaves no subscription", async (t) => {
  for (const step of ["follow", "serve", "flush"] satisfies Step[]) {
    const stage = partitionStage();
    stage.fail(step, new Unavailable("not now"));
    await t.rejects(stage.done(stage.partition.acquire(stage.acquireLock())), Unavailable, step);
    await stage.clock.advance(10);
    t.notOk(stage.partition.isOpen());
    // A step that fails itself has made nothing.
    t.equal(stage.consumers.size, step === "follow" ? 1 : 0, `${step}: consumers`);
    t.equal(stage.served(), step === "serve" ? 1 : 0, `${step}: listeners`);
  }
});

/** A hand-over and an acquisition of one partition that overlap, because the server answers late. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { memoryOutbox } from "../../../../src/adapters/memory/outbox.ts";
import { type Fault, MemoryServer } from "../../../../src/adapters/memory/server.ts";
import { EffectRunner } from "../../../../src/runtime/effects/effect-runner.ts";
import { OutboxWriter } from "../../../../src/runtime/commit/outbox-writer.ts";
import { Partition } from "../../../../src/runtime/partition/partition.ts";
import { Relay } from "../../../../src/runtime/commit/relay.ts";
import { silent } from "../commit/relay-stage.ts";
import { diary } from "../tenure/tenure-stage.ts";

function stage() {
  const clock = new VirtualClock();
  const faults: ((kind: string, subject: string) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    faults: ({ kind, subject }) => faults.map((fault) => fault(kind, subject)).find((fault) => fault),
  });
  const one = memoryNode(server, "one");
  const { journal, bus } = one;
  const definition = diary();
  const relay = new Relay({
    subjects,
    journal,
    store: new OutboxWriter({ outbox: memoryOutbox(), clock, log: silent }),
    clock,
    log: silent,
    commitTimeoutMs: 500,
    markEveryMs: 1000,
    onLockMoved: () => {},
  });
  const partition = new Partition({
    subjects,
    definition,
    lock: subjects.lock("partition.0"),
    journal,
    sink: relay,
    effects: new EffectRunner({ handlers: definition.effects, clock, log: silent }),
    clock,
    ids: { next: () => "id" },
    log: silent,
    node: "one",
    idleActors: 10,
    partition: 0,
    bus,
    checkpoints: one.bucket("FLOORS"),
    relay,
    refusal: () => undefined,
    inboxBound: 10,
    onNewer: () => {},
  });
  const log = server.log("KV_ORDERS");
  /** Acquires the lock, as an owner of the partition does. */
  const acquireLock = (): number => {
    log.propose([{ subject: subjects.lock("partition.0"), payload: "{}" }], () => {});
    return log.lastSequence;
  };
  return { clock, faults, partition, acquireLock };
}

t.test(
  "a hand-over that ends late does not close a partition that was acquired again meanwhile",
  async (t) => {
    const { clock, faults, partition, acquireLock } = stage();
    void partition.acquire(acquireLock());
    await clock.advanceUntil(() => partition.isOpen(), 1000);
    void partition.handle({ op: "start", actor: "d", input: {}, waitMs: 0, mayExist: false });
    await clock.advance(100);
    let silences = 1;
    faults.push((kind, subject) =>
      kind === "bucket_write" && subject.includes("FLOORS") && silences-- > 0
        ? { lose: "request" }
        : undefined,
    );
    let drained = false;
    void partition.drain().then(() => (drained = true));
    await clock.advance(100);
    t.equal(drained, false, "the last write of the checkpoint has no answer yet");
    partition.revoke();
    void partition.acquire(acquireLock());
    await clock.advanceUntil(() => partition.isOpen(), 1000);
    t.ok(partition.isOpen());
    await clock.advanceUntil(() => drained, 10_000);
    t.ok(drained);
    t.ok(partition.isOpen(), "the hand-over does not close the new tenure");
  },
);

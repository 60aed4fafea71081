/** A hand-over and an acquisition of one partition that overlap, because the server answers late. */
import t from "tap";
import { partitionStage } from "./partition-stage.ts";

t.test(
  "a hand-over that ends late does not close a partition that was acquired again meanwhile",
  async (t) => {
    const { clock, faults, partition, acquireLock } = partitionStage();
    void partition.acquire(acquireLock());
    await clock.advanceUntil(() => partition.isOpen(), 1000);
    void partition.handle({ op: "start", actor: "d", input: {}, waitMs: 0, mayExist: false });
    await clock.advance(100);
    let silences = 1;
    faults.push(({ kind, subject }) =>
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

/** Planted bugs of an open partition: its bound, its checkpoint, the loss of its lock, its hand-over. */
import type { Mutant } from "./mutant.ts";

const PARTITION = "src/runtime/partition/partition.ts";
const SERVING_TEST = "test/unit/runtime/partition/serving.test.ts";
const TAKEOVER_TEST = "test/unit/runtime/partition/takeover.test.ts";
const PARTITION_HANDOVER_TEST = "test/unit/runtime/partition/partition-handover.test.ts";

export const servingMutants: readonly Mutant[] = [
  {
    id: "serving-no-marks",
    does: "Marks of the relay do not move the checkpoint.",
    file: PARTITION,
    find: `      tenure.saw(message.sequence);
      return;
    }`,
    replace: `      return;
    }`,
    tests: [SERVING_TEST],
  },
  {
    id: "serving-checkpoint-from-zero",
    does: "The checkpoint of a new owner may be lower than the one it found.",
    file: PARTITION,
    find: "this.checkpointThrough = checkpoint.through;",
    replace: "this.checkpointThrough = 0;",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-checkpoint-of-tenure",
    does: "The checkpoint goes back to what this tenure knows.",
    file: PARTITION,
    find: "this.checkpointThrough = Math.max(state.through, this.checkpointThrough);",
    replace: "this.checkpointThrough = state.through;",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-checkpoint-not-refreshed",
    does: "A checkpoint whose write had no answer is never written again.",
    file: PARTITION,
    find: "return written || (await checkpoint.refresh());",
    replace: "return written;",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-revoke-keeps-subscriptions",
    does: "A partition whose lock is lost goes on answering requests.",
    file: PARTITION,
    find: "for (const subscription of this.subscriptions.splice(0)) void subscription.stop();",
    replace: "for (const subscription of this.subscriptions.splice(1)) void subscription.stop();",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-revoke-stays-open",
    does: "A partition whose lock is lost still counts as open.",
    file: PARTITION,
    find: `  revoke(): void {
    this.open = false;`,
    replace: `  revoke(): void {
    this.open = this.tenure === undefined;`,
    tests: [TAKEOVER_TEST],
  },
  {
    id: "serving-revoke-keeps-tenure",
    does: "Callers that wait get no reply when the lock is lost.",
    file: PARTITION,
    find: `    this.tenure?.end();
    this.tenure = undefined;`,
    replace: "    this.tenure = undefined;",
    tests: [TAKEOVER_TEST],
  },
  {
    id: "serving-drain-stays-open",
    does: "A partition that is handed over takes new requests.",
    file: PARTITION,
    find: `    const { clock, failpoints } = this.options;
    this.open = false;`,
    replace: `    const { clock, failpoints } = this.options;
    if (!tenure) this.open = false;`,
    tests: [SERVING_TEST],
  },
  {
    id: "serving-drain-waits-not",
    does: "A hand-over does not wait for write sets.",
    file: PARTITION,
    find: "Promise.race([tenure.idle(), clock.sleep(stopping.idleMs)])",
    replace: "Promise.race([tenure.idle(), clock.sleep(Math.min(stopping.idleMs, 0))])",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-drain-waits-forever",
    does: "A hand-over waits without a limit for a write set.",
    file: PARTITION,
    find: "Promise.race([tenure.idle(), clock.sleep(stopping.idleMs)])",
    replace: "Promise.race([tenure.idle(), clock.sleep(stopping.idleMs * 1000)])",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-drain-no-checkpoint",
    does: "A hand-over does not write the checkpoint.",
    file: PARTITION,
    find: "if (this.tenure === tenure) await this.writeCheckpoint().catch(() => false);",
    replace: "if (this.tenure !== tenure) await this.writeCheckpoint().catch(() => false);",
    tests: [PARTITION_HANDOVER_TEST],
  },
  {
    id: "serving-drain-closes-next",
    does: "A hand-over that ends late closes the tenure that was acquired meanwhile.",
    file: PARTITION,
    find: "if (this.tenure === tenure) this.revoke();",
    replace: "this.revoke();",
    tests: [PARTITION_HANDOVER_TEST],
  },
  {
    id: "serving-drain-stays-owned",
    does: "A partition that was handed over keeps its tenure.",
    file: PARTITION,
    find: "if (this.tenure === tenure) this.revoke();",
    replace: "if (this.tenure !== tenure) this.revoke();",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-serves-closed",
    does: "A partition whose takeover has not ended answers requests of its own node.",
    file: PARTITION,
    find: "if (!tenure || !this.open) return",
    replace: "if (!tenure) return",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-refusal-ignored",
    does: "A request is served although the node may serve none now.",
    file: PARTITION,
    find: `    if (refusal) return refusal;
`,
    replace: `    if (refusal && request.op !== "read") return refusal;
`,
    tests: [SERVING_TEST],
  },
  {
    id: "serving-repeat-unknown",
    does: "A command that the partition remembers is decided as a new one.",
    file: PARTITION,
    find: `        mayExist,
        repeated,`,
    replace: `        mayExist,
        repeated: repeated && !mayExist,`,
    tests: [SERVING_TEST],
  },
  {
    id: "serving-start-may-exist",
    does: "A start that may be a repeat is decided without a read.",
    file: PARTITION,
    find: 'const mayExist = request.op === "start" ? request.mayExist : true;',
    replace: 'const mayExist = request.op === "start" ? false : true;',
    tests: [SERVING_TEST],
  },
  {
    id: "serving-request-hash-lost",
    does: "The hash of a start's request is not stored.",
    file: PARTITION,
    find: "...(request.request === undefined ? {} : { request: request.request }),",
    replace: "...(request.mayExist || request.request === undefined ? {} : { request: request.request }),",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-no-bound",
    does: "The consumer does not wait when many inputs are under way.",
    file: PARTITION,
    find: "if (tenure.backlog() >= this.options.inboxBound) return this.untilBelow(tenure);",
    replace: "if (tenure.backlog() > this.options.inboxBound * 10) return this.untilBelow(tenure);",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-bound-exclusive",
    does: "One input more than the bound is under way.",
    file: PARTITION,
    find: "if (tenure.backlog() >= this.options.inboxBound) return this.untilBelow(tenure);",
    replace: "if (tenure.backlog() > this.options.inboxBound) return this.untilBelow(tenure);",
    tests: [SERVING_TEST],
  },
  {
    id: "serving-waits-after-end",
    does: "A consumer that waits for room goes on after the loss of the lock.",
    file: PARTITION,
    find: "while (this.tenure === tenure && tenure.backlog()",
    replace: "while (tenure.backlog()",
    tests: [SERVING_TEST],
  },
];

/**
 * A node that is frozen with commits queued after a batch without an answer. The arrangement is observed, and made
 * again until it holds: the ids of new orders are drawn, so no test knows beforehand which of them the node owns, and a
 * busy machine may be slower than the node's presence.
 */
import type { Test } from "tap";
import type { PlaceOrder } from "../../../src/services/orders/contract.ts";
import { arranged } from "../arranged.ts";
import { metric, metricsOf, valueOf } from "../metrics.ts";
import { place, readiness } from "../clients/order-client.ts";
import { type ClusterProcess, everyNode, type OrderCluster } from "../cluster/order-cluster.ts";
import { untilSettled } from "../load/partition-share.ts";
import { waitUntil } from "../wait-until.ts";
import { type WaitingWriteSet, waitingWriteSets } from "./outbox-copy.ts";

/** Write sets that must wait after the batch in flight. */
const QUEUED = 8;
/** The node owns about a third of the orders that it gets, and stores new write sets when there are 16 (relay.ts). */
const PLACED_AT_ONCE = 112;
/** The oldest write set is this old: the server was silent when its batch was sent, whatever was in flight before. */
const UNANSWERED_S = 0.1;
/** While the server is silent, a node takes new orders until its presence runs out: 2.4 s. */
const WHILE_PRESENT = { timeoutMs: 4_000, intervalMs: 10 } as const;

export type QueuedCommits = {
  /** What waits in the frozen node's outbox: the batch in flight first. */
  readonly waiting: readonly WaitingWriteSet[];
  /** What `before` has returned for this attempt. */
  readonly before: ReadonlyMap<string, number>;
  /** Lets the node go on. */
  readonly thaw: () => void;
  /** Lets nats-server go on. */
  readonly speak: () => void;
  /** Resolves when every caller has an answer, or none in time. */
  readonly answered: Promise<unknown>;
};

/**
 * Freezes nats-server, then the victim, with a batch in flight and commits of new orders queued after it. Both are
 * frozen when this resolves.
 * @param order an order of SKUs that the victim knows: it needs no request to another node
 * @param before reads what the test needs to know of the state before the frost, while the server answers
 */
export async function freezeWithQueue(
  t: Test,
  cluster: OrderCluster,
  victim: ClusterProcess,
  order: PlaceOrder,
  before: () => Promise<ReadonlyMap<string, number>>,
): Promise<QueuedCommits> {
  const outboxDepth = () => metric(victim.url, "orderly_outbox_depth");
  const answers: Promise<unknown>[] = [];
  // An order without a key needs no check whether it exists: the owner decides it at once.
  const placeLate = () => answers.push(place(victim.url, order).catch(() => undefined));
  const arrange = async (): Promise<{ thaw: () => void; waiting: readonly WaitingWriteSet[] }> => {
    const inFlight = await waitUntil(
      "a batch waits for its answer",
      async () => {
        placeLate();
        const metrics = await metricsOf(victim.url);
        return (
          valueOf(metrics, "orderly_outbox_oldest_seconds") > UNANSWERED_S &&
          valueOf(metrics, "orderly_outbox_depth")
        );
      },
      WHILE_PRESENT,
    );
    for (let count = 0; count < PLACED_AT_ONCE; count++) placeLate();
    // In the victim's outbox file, which may lag a moment: the node publishes what is there again, late.
    return await waitUntil(
      "more commits are queued after it",
      async () => {
        if ((await outboxDepth()) < inFlight + QUEUED) return false;
        const thaw = victim.freeze();
        let waiting: readonly WaitingWriteSet[] = [];
        try {
          waiting = waitingWriteSets(t, cluster.homeOf(victim.name));
        } finally {
          if (waiting.length < inFlight + QUEUED) thaw();
        }
        return waiting.length >= inFlight + QUEUED && { thaw, waiting };
      },
      WHILE_PRESENT,
    );
  };
  return await arranged(t, `commits are queued on ${victim.name}`, async () => {
    const known = await before();
    const speak = cluster.nats.freeze();
    try {
      const { thaw, waiting } = await arrange();
      return { thaw, waiting, before: known, speak, answered: Promise.all(answers) };
    } catch (error) {
      speak();
      await Promise.all(answers);
      await everyNode(cluster, "is ready", async (url) => (await readiness(url)) === 200, 60_000);
      await untilSettled(cluster);
      return { missed: String(error) };
    }
  });
}

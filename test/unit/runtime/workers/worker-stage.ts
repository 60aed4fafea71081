/** Workers on queues in memory, with a bucket of marks that can fail, on a virtual clock. */
import { MemoryWorkQueues } from "../../../../src/adapters/memory/work-queue.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { type Journal, type Log, type StoredMessage, Unavailable } from "../../../../src/runtime/ports.ts";
import type { WorkerBounds } from "../../../../src/runtime/workers/worker-bounds.ts";
import { startWorker, type Work } from "../../../../src/runtime/workers/worker.ts";
import type { WorkItem, WorkQueue } from "../../../../src/runtime/workers/work-queue.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";

export const bounds: WorkerBounds = {
  maxInFlight: 2,
  workLimitMs: 1_000,
  lockLifeMs: 3_000,
  backoffMs: 100,
  backoffMaxMs: 400,
  maxAttempts: 4,
};

export type Mark = { readonly state: string; readonly owner?: string; readonly attempts: number };

export function workerStage(log: Log = quietLog) {
  const clock = new VirtualClock();
  const consumers: ((message: StoredMessage) => void | Promise<void>)[] = [];
  const journal: Pick<Journal, "consume"> = {
    consume: async (_options, onMessage) => {
      consumers.push(onMessage);
      return { stop: async () => undefined };
    },
  };
  const queues = new MemoryWorkQueues(journal as Journal, clock);
  const { bucket, entries, faults } = faultyBucket();
  /** `ack` and `retry 100`, in order, by event id; those that came too late included. */
  const calls: string[] = [];
  /** The state of the event's mark at each of these calls. */
  const states: (string | undefined)[] = [];
  const trouble = { burials: 0 };
  /** The next deliveries are replays of these dead letters. */
  const replays: number[] = [];
  let sequence = 0;
  let owners = 0;
  const mark = (id: string): Mark | undefined => {
    const entry = entries.get(`mail.${id}`);
    return entry && (JSON.parse(entry.value) as Mark);
  };
  const queue = (): WorkQueue => {
    const inner = queues.queue();
    return {
      consume: (options, onItem) =>
        inner.consume(options, (item) => {
          const id = item.headers["ce-id"] ?? "?";
          const replayOf = replays.shift();
          const watched: WorkItem = {
            ...item,
            ...(replayOf === undefined ? {} : { replayOf }),
            ack: () => {
              calls.push(`ack ${id}`);
              states.push(mark(id)?.state);
              item.ack();
            },
            retry: (delayMs) => {
              calls.push(`retry ${id} ${delayMs}`);
              states.push(mark(id)?.state);
              item.retry(delayMs);
            },
          };
          return onItem(watched);
        }),
      backlog: (options) => inner.backlog(options),
      bury: async (letter) => {
        if (trouble.burials-- > 0) throw new Unavailable("no answer");
        await inner.bury(letter);
      },
    };
  };
  return {
    clock,
    queues,
    calls,
    states,
    faults,
    trouble,
    replays,
    worker: (work: Work, own: Partial<WorkerBounds> = {}, processClock = clock.process()) =>
      startWorker(
        {
          subjects,
          queue: queue(),
          processed: bucket,
          clock: processClock,
          ids: { next: () => `owner-${++owners}` },
          log,
        },
        { name: "mail", types: ["order.created"], bounds: { ...bounds, ...own }, work },
      ),
    emit: (
      id: string,
      headers: Record<string, string> = {},
      payload = JSON.stringify({ n: id }),
      at = clock.now(),
    ): void => {
      const message: StoredMessage = {
        subject: "orders.events.7.order.created",
        sequence: ++sequence,
        at,
        headers: { "ce-id": id, "ce-type": "order.created", "ce-subject": "ord_1", ...headers },
        payload,
      };
      for (const consume of consumers) void consume(message);
    },
    mark,
    put: (id: string, mark: object | string) => {
      const value = typeof mark === "string" ? mark : JSON.stringify(mark);
      entries.set(`mail.${id}`, { value, revision: 500 });
    },
    forget: (id: string) => entries.delete(`mail.${id}`),
  };
}

/**
 * The capacity of the server: batches of equal size with the messages and fences of real commits, published straight to
 * it, one batch in flight, each fsynced. The runtime can approach this rate, not exceed it.
 */
import { natsJournal } from "../src/adapters/nats/journal.ts";
import type { NatsLink } from "../src/adapters/nats/link.ts";
import { ensureStreams } from "../src/adapters/nats/streams.ts";
import { composeBatch } from "../src/runtime/commit/batch.ts";
import type { LockRef } from "../src/runtime/commit/write-set.ts";
import type { Aggregator } from "../src/runtime/definition.ts";
import { limits } from "../src/runtime/limits.ts";
import type { Message } from "../src/runtime/ports.ts";
import { subjects } from "../src/services/subjects.ts";
import { startNatsServer } from "../test/support/cluster/nats-server.ts";
import { ordersOfAllSkus } from "./cluster.ts";
import { type CommitTemplate, PARTITIONS, readCommits, writeSetFrom } from "./commit-templates.ts";
import { hostCounters, hostOrders } from "./in-process-node.ts";
import type { Part, PartContext } from "./part.ts";
import { cpuSeconds } from "./process-costs.ts";
import { metric, percentile, type Result } from "./result.ts";
import type { Stage } from "./stage.ts";
import { connectTo, streamSize } from "./stored-orders.ts";

const WAIT_MS = 30_000;
const kinds = { counter: counterCommits, orders: orderCommits } as const;

/** With commits of counters and of orders, like those of the runtime's benchmark. */
export const ceiling: Part = {
  letter: "a",
  name: "ceiling",
  what: "commits/s of batches published straight to the server: the upper limit",
  async run(context) {
    const { stage, options, progress, report } = context;
    for (const kind of ["counter", "orders"] as const) {
      progress(`ceiling: making commits of ${kind} ...`);
      const making = stage.inner();
      const templates = await kinds[kind](making);
      await making.end();
      for (const size of options.batches ?? (options.quick ? [1, 64] : [1, 8, 64, 256]))
        report(await measure(context, kind, templates, size));
    }
  },
};

async function measure(
  { stage, options, progress }: PartContext,
  kind: string,
  templates: readonly CommitTemplate[],
  wanted: number,
): Promise<Result> {
  const seconds = options.seconds ?? (options.quick ? 1 : 10);
  const warmupSeconds = options.warmupSeconds ?? (options.quick ? 0 : 3);
  progress(`ceiling: ${kind}, ${wanted} commits a batch ...`);
  const life = stage.inner();
  try {
    const server = await startNatsServer(life, { syncAlways: true });
    const link = await connectTo(life, server.url);
    const { publish, size } = await publisher(link, templates, wanted);
    if (size < wanted) progress(`ceiling: ${size} of them are as many as one batch can hold`);
    if (warmupSeconds > 0) await publish(warmupSeconds * 1000);
    const stored = await streamSize(link);
    const [ownCpu, natsCpu] = [process.cpuUsage(), cpuSeconds(server.pid())];
    const { batches, messages, latencies, elapsedMs } = await publish(seconds * 1000);
    const spent = process.cpuUsage(ownCpu);
    const natsSpent = (cpuSeconds(server.pid()) ?? 0) - (natsCpu ?? 0);
    const bytes = (await streamSize(link)).bytes - stored.bytes;
    const commits = batches * size;
    return {
      benchmark: "ceiling",
      parameters: { commits: kind, commitsPerBatch: size, seconds, warmupSeconds },
      metrics: {
        commitRate: metric((commits * 1000) / elapsedMs, "commits/s"),
        batchRate: metric((batches * 1000) / elapsedMs, "batches/s"),
        p50: metric(percentile(latencies, 0.5), "ms"),
        p99: metric(percentile(latencies, 0.99), "ms"),
        messagesPerBatch: metric(messages / batches, "messages"),
        bytesPerCommit: metric(bytes / commits, "B"),
        elapsed: metric(elapsedMs / 1000, "s"),
        "cpu publisher": metric((spent.user + spent.system) / 1e6, "s"),
        ...(natsCpu === undefined ? {} : { "cpu nats-server": metric(natsSpent, "s") }),
      },
    };
  } finally {
    await life.end();
  }
}

type Published = {
  readonly batches: number;
  readonly messages: number;
  readonly latencies: number[];
  readonly elapsedMs: number;
};

type Publisher = {
  /** Commits in each batch: the requested number, or as many as the runtime puts into one. */
  readonly size: number;
  readonly publish: (durationMs: number) => Promise<Published>;
};

/** Publishes batches of the templates in turn, each commit for an actor of its own, while the time lasts. */
async function publisher(
  link: NatsLink,
  templates: readonly CommitTemplate[],
  wanted: number,
): Promise<Publisher> {
  await ensureStreams(link, {
    replicas: 1,
    partitions: PARTITIONS,
    streams: 1,
    presenceAgeMs: 3_000,
    subjects,
  });
  const journal = natsJournal(link, subjects.stream(0));
  const locks = await takeLocks((messages) => journal.append(messages, WAIT_MS));
  let actors = 0;
  const batchOf = (size: number): readonly Message[] => {
    const writeSets = Array.from({ length: size }, () => {
      const template = templates[actors % templates.length]!;
      return writeSetFrom(template, `${template.actor}_${actors++}`, locks, oneStockPerSku);
    });
    return composeBatch(writeSets, new Map(), new Set(), subjects).messages;
  };
  let size = wanted;
  while (batchOf(size).length > limits.batchMessages) size--;
  const publish = async (durationMs: number): Promise<Published> => {
    const latencies: number[] = [];
    let messages = 0;
    const from = performance.now();
    let next = batchOf(size);
    for (let sentAt = from; sentAt - from < durationMs; sentAt = performance.now()) {
      const sent = next;
      const answer = journal.append(sent, WAIT_MS);
      // Composed while the server works, as the runtime does.
      next = batchOf(size);
      const result = await answer;
      if (result.status !== "stored") throw new Error(`a batch is ${JSON.stringify(result)}`);
      latencies.push(performance.now() - sentAt);
      messages += sent.length;
    }
    return { batches: latencies.length, messages, latencies, elapsedMs: performance.now() - from };
  };
  return { size, publish };
}

/** One message for each SKU that the batch changes, like the inventory's. */
const oneStockPerSku: Aggregator = {
  compose: (changes) => {
    const bySubject = new Map((changes as Message[][]).flat().map((message) => [message.subject, message]));
    return [...bySubject.values()];
  },
  committed: () => {},
};

async function takeLocks(
  append: (messages: readonly Message[]) => Promise<{ status: string; lastSequence?: number }>,
): Promise<ReadonlyMap<string, LockRef>> {
  const names = Array.from({ length: PARTITIONS }, (_, partition) => `partition.${partition}`);
  const locks = new Map<string, LockRef>();
  for (const name of [...names, "inventory.0"]) {
    const subject = subjects.lock(name);
    const { lastSequence } = await append([{ subject, payload: "{}", fence: { subject, sequence: 0 } }]);
    if (lastSequence === undefined) throw new Error(`the lock ${name} could not be taken`);
    locks.set(name, { subject, epoch: lastSequence });
  }
  return locks;
}

/** One command to a counter: record and event. */
async function counterCommits(life: Stage): Promise<readonly CommitTemplate[]> {
  const { node, link } = await hostCounters(life);
  const actor = "counter_1";
  await node.actors.start(actor, {}, { waitMs: WAIT_MS, mayExist: false });
  const { lastSequence } = await streamSize(link);
  const how = { commandId: "c1", waitMs: WAIT_MS };
  const reply = await node.actors.command(actor, "counter", { type: "count" }, how);
  if (reply.status !== "ok") throw new Error(`the counter answers ${reply.status}`);
  return expected(await readCommits(link, actor, lastSequence), 1);
}

/** An order that is placed and confirmed, for each SKU in turn: two commits each. */
async function orderCommits(life: Stage): Promise<readonly CommitTemplate[]> {
  const { orders, link } = await hostOrders(life);
  const commits: CommitTemplate[] = [];
  for (const order of ordersOfAllSkus()) {
    const { lastSequence } = await streamSize(link);
    const placed = await orders.place(order, { caller: "bench", waitMs: WAIT_MS });
    if (placed.status !== "placed") throw new Error(`an order is answered ${placed.status}`);
    commits.push(...expected(await readCommits(link, placed.order.id, lastSequence), 2));
  }
  return commits;
}

function expected(commits: readonly CommitTemplate[], count: number): readonly CommitTemplate[] {
  if (commits.length !== count) throw new Error(`${commits.length} commits instead of ${count}`);
  return commits;
}

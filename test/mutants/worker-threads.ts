import type { Mutant } from "./mutant.ts";

const watch = { file: "nodes/order/work-watch.ts", tests: ["test/integration/nodes/work-watch.test.ts"] };
const life = { file: "nodes/order/node-workers.ts", tests: ["test/integration/nodes/node-workers.test.ts"] };
const thread = {
  file: "nodes/order/worker-threads.ts",
  tests: ["test/process/worker-threads.test.ts"],
  processesOnly: "A process ends with its thread, or in spite of it.",
};

/** When the workers' thread of a node runs, and what its end means. */
export const workerThreadsMutants: readonly Mutant[] = [
  {
    id: "workers-watch-no-count-at-first",
    does: "An event that waits already is noticed by the next count only.",
    ...watch,
    find: `    void this.count();
    await found.promise;`,
    replace: "    await found.promise;",
  },
  {
    id: "workers-watch-deaf",
    does: "The publication of an event is not noticed.",
    ...watch,
    find: "onWork(link, subjects, options, () => found.resolve())",
    replace: "onWork(link, subjects, options, () => undefined)",
  },
  {
    id: "workers-watch-no-count-after-reconnection",
    does: "After a reconnection nothing is counted.",
    ...watch,
    find: "(connected) => connected && void this.count()",
    replace: "(connected) => connected",
  },
  {
    id: "workers-watch-counts-once",
    does: "What waits is counted once.",
    ...watch,
    find: "    while (!signal.aborted) {\n      await this.count();",
    replace: "    if (!signal.aborted) {\n      await this.count();",
  },
  {
    id: "workers-rest-while-events-wait",
    does: "Workers rest although events wait.",
    ...watch,
    find: "if (now !== before || this.waits() !== false)",
    replace: "if (now !== before)",
  },
  {
    id: "workers-rest-while-they-work",
    does: "Workers rest although they have done events just now.",
    ...watch,
    find: "if (now !== before || this.waits() !== false)",
    replace: "if (this.waits() !== false)",
  },
  {
    id: "workers-counters-of-last-thread",
    does: "The counters begin again with each thread.",
    ...life,
    find: "this.ended = this.sumWith(thread.counts());",
    replace: "this.ended = [];",
  },
  {
    id: "workers-thread-hang-is-waited-for",
    does: "A thread that hangs delays the stop of its node without a limit.",
    ...thread,
    find: "Promise.race([reported, this.ended, pause(stopping.workersMs)])",
    replace: "Promise.race([reported, this.ended])",
  },
  {
    id: "workers-thread-end-unnoticed",
    does: "The process goes on when its workers' thread has ended by itself.",
    ...thread,
    find: 'throw new Error("workers: their thread has ended");',
    replace: "return;",
  },
];

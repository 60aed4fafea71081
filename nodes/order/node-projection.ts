/**
 * The projection of one node as its main thread sees it: started, asked, started again when its thread has failed.
 * Owns: the thread, the questions under way.  Does not own: what the thread does (projection-thread.ts).
 * Invariants
 *   projection.N1. Every question is answered once: by the thread, or by its end.
 *   projection.N2. The end of the thread ends no order and no other thread.
 * Proved by: test/process/projection.test.ts
 */
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { NodeSettings } from "../../config/settings.ts";
import { stopping } from "../../src/runtime/limits.ts";
import { unavailable } from "../../src/services/unavailable.ts";
import type { Log } from "../../src/runtime/ports.ts";
import type {
  NoAnswer,
  OrderCounts,
  OrderPage,
  ProjectionState,
} from "../../src/services/projection/contract.ts";
import type { LocalProjection } from "../../src/services/projection/order-list.ts";
import type { ProjectionQuery } from "../../src/services/projection/projection.ts";

/** What the thread is asked. */
export type ProjectionRequest =
  | { readonly type: "ask"; readonly id: number; readonly query: ProjectionQuery }
  | { readonly type: "rebuild" }
  | { readonly type: "stop" };

/** What the thread reports. */
export type ProjectionReport =
  | { readonly type: "state"; readonly state: ProjectionState }
  | { readonly type: "answer"; readonly id: number; readonly answer: OrderPage | OrderCounts | NoAnswer }
  | { readonly type: "failed"; readonly id: number; readonly reason: string }
  | { readonly type: "stopped" };

/** The file that the thread runs. */
const ENTRY = new URL("./projection-entry.ts", import.meta.url);
/** Shown by tools that list the threads of a process. */
const THREAD_NAME = "projection";
/** Questions under way; more are refused. */
const ASKED_MAX = 256;
/** MB for new objects, and for all: it keeps nothing in memory but what is under way. */
const YOUNG_GENERATION_MB = 12;
const OLD_GENERATION_MB = 256;
/** Pause before a thread that has ended is replaced. */
const AGAIN_MS = 5_000;
const RETRY_MS = 1_000;

const none = {
  progress: 0,
  orders: 0,
  streams: [],
  behindMs: 0,
  builds: 0,
  folded: 0,
  unreadable: 0,
} as const;

/** `start` once, `stop` once. */
export class NodeProjection implements LocalProjection {
  private readonly settings: NodeSettings;
  private readonly log: Log;
  private readonly asked = new Map<number, (answer: OrderPage | OrderCounts | NoAnswer) => void>();
  private thread: Worker | undefined;
  private last: ProjectionState | undefined;
  private ids = 0;
  private stopped = false;

  constructor(settings: NodeSettings, log: Log) {
    this.settings = settings;
    this.log = log;
  }

  /** The thread starts beside everything else: nothing waits for it. */
  start(): void {
    if (this.settings.projection === "off" || this.stopped) return;
    const thread = new Worker(ENTRY, {
      name: THREAD_NAME,
      workerData: this.settings,
      resourceLimits: {
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
        maxOldGenerationSizeMb: OLD_GENERATION_MB,
      },
    });
    this.thread = thread;
    thread.on("message", (report: ProjectionReport) => this.receive(report));
    thread.on("error", (error) =>
      this.log.error({ err: error }, "the list of orders: its thread has failed"),
    );
    thread.once("exit", () => this.ended());
  }

  state(): ProjectionState {
    if (this.settings.projection === "off") return { ...none, status: "off" };
    return this.last ?? { ...none, status: "starting" };
  }

  ask(query: ProjectionQuery): Promise<OrderPage | OrderCounts | NoAnswer> {
    const { thread } = this;
    if (!thread) return Promise.resolve({ status: "behind", retryAfterMs: RETRY_MS, progress: 0 });
    if (this.asked.size >= ASKED_MAX)
      return Promise.resolve({ status: "overloaded", retryAfterMs: RETRY_MS });
    const id = ++this.ids;
    return new Promise((resolve) => {
      this.asked.set(id, resolve);
      thread.postMessage({ type: "ask", id, query } satisfies ProjectionRequest);
    });
  }

  rebuild(): boolean {
    this.thread?.postMessage({ type: "rebuild" } satisfies ProjectionRequest);
    return this.settings.projection === "on";
  }

  /** Ends within `stopping.presenceMs`; the file is then at the position of its last transaction. */
  async stop(): Promise<void> {
    this.stopped = true;
    const { thread } = this;
    if (!thread) return;
    const reported = new Promise<void>((resolve) => {
      thread.on("message", (report: ProjectionReport) => report.type === "stopped" && resolve());
      thread.once("exit", () => resolve());
    });
    thread.postMessage({ type: "stop" } satisfies ProjectionRequest);
    await Promise.race([reported, pause(stopping.presenceMs, undefined, { ref: false })]);
    await thread.terminate();
  }

  private receive(report: ProjectionReport): void {
    if (report.type === "state") this.last = report.state;
    if (report.type === "answer") this.answered(report.id, report.answer);
    if (report.type !== "failed") return;
    this.log.error({ reason: report.reason }, "the list of orders could not answer");
    this.answered(report.id, unavailable("the list of orders has failed"));
  }

  private answered(id: number, answer: OrderPage | OrderCounts | NoAnswer): void {
    this.asked.get(id)?.(answer);
    this.asked.delete(id);
  }

  private ended(): void {
    this.thread = undefined;
    this.last = undefined;
    for (const id of this.asked.keys()) this.answered(id, unavailable("the list of orders has failed"));
    if (this.stopped) return;
    this.log.warn({}, "the list of orders: its thread starts again");
    setTimeout(() => this.start(), AGAIN_MS).unref();
  }
}

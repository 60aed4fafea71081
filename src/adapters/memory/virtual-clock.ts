/**
 * Time that passes only when a test advances it: the clock of simulations and of tests that must not wait.
 * Owns: the virtual time and every callback that waits for it.
 * Invariants
 *   time.V1. Callbacks run one at a time, by due time, then in the order in which they were scheduled.
 *   time.V2. Between two callbacks all promises that can settle have settled: the same program runs the same way.
 */
import type { Clock } from "../../runtime/ports.ts";

type Task = { readonly due: number; readonly order: number; readonly run: () => void; cancelled: boolean };

/** 2026-01-01T00:00:00Z: an ordinary date for logs. */
const EPOCH_MS = 1_767_225_600_000;

/** A clock for one simulated process: it can be paused, ended, and wrong. */
export interface ProcessClock extends Clock {
  /** No callback of this process runs until `resume`; what fell due meanwhile runs then, as after SIGSTOP. */
  pause(): void;
  resume(): void;
  /** The process has ended: none of its callbacks ever runs again. */
  end(): void;
  /**
   * An operator or NTP sets the wall clock of this process: from now on it is `aheadMs` ahead of that of the
   * others, or late when negative. Monotonic time and the callbacks that wait do not move.
   */
  set(aheadMs: number): void;
}

/** The time that all simulated processes share; each has its own `ProcessClock`. */
export class VirtualClock implements Clock {
  private readonly epoch: number;
  private time = 0;
  private order = 0;
  /** Binary heap by due time, then order. */
  private readonly heap: Task[] = [];

  /** @param epoch wall clock at the start, ms since the epoch */
  constructor(epoch = EPOCH_MS) {
    this.epoch = epoch;
  }

  now(): number {
    return this.epoch + this.time;
  }

  monotonic(): number {
    return this.time;
  }

  after(delayMs: number, run: () => void): () => void {
    const task: Task = {
      due: this.time + Math.max(0, delayMs),
      order: this.order++,
      run,
      cancelled: false,
    };
    push(this.heap, task);
    return () => {
      task.cancelled = true;
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  /** Number of callbacks that wait, cancelled ones not counted. */
  waiting(): number {
    return this.heap.reduce((count, task) => count + (task.cancelled ? 0 : 1), 0);
  }

  /** Lets `ms` pass and runs every callback that falls due, also those that callbacks schedule. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settlePromises();
    while (await this.step(end));
    this.time = end;
  }

  /** Advances in steps until `condition` holds; returns false when it does not within `limitMs`. */
  async advanceUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
    const end = this.time + limitMs;
    await settlePromises();
    while (!condition()) {
      if (!(await this.step(end))) {
        this.time = end;
        return condition();
      }
    }
    return true;
  }

  /** A clock for one process. @param skewMs how far its wall clock is ahead */
  process(skewMs = 0): ProcessClock {
    return new ViewOfOneProcess(this, skewMs);
  }

  /** Runs the next callback that is due by `end`; false when there is none. */
  private async step(end: number): Promise<boolean> {
    for (;;) {
      const next = this.heap[0];
      if (next === undefined || next.due > end) return false;
      pop(this.heap);
      if (next.cancelled) continue;
      this.time = Math.max(this.time, next.due);
      next.run();
      await settlePromises();
      return true;
    }
  }
}

class ViewOfOneProcess implements ProcessClock {
  private readonly clock: VirtualClock;
  private skewMs: number;
  private state: "running" | "paused" | "ended" = "running";
  /** Callbacks that fell due while paused, in order. */
  private held: (() => void)[] = [];

  constructor(clock: VirtualClock, skewMs: number) {
    this.clock = clock;
    this.skewMs = skewMs;
  }

  now(): number {
    return this.clock.now() + this.skewMs;
  }

  monotonic(): number {
    return this.clock.monotonic();
  }

  after(delayMs: number, run: () => void): () => void {
    let cancelled = false;
    const fire = () => {
      if (cancelled || this.state === "ended") return;
      if (this.state === "paused") this.held.push(fire);
      else run();
    };
    const cancel = this.clock.after(delayMs, fire);
    return () => {
      cancelled = true;
      cancel();
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  pause(): void {
    if (this.state === "running") this.state = "paused";
  }

  resume(): void {
    if (this.state !== "paused") return;
    this.state = "running";
    const held = this.held;
    this.held = [];
    for (const run of held) this.soon(run);
  }

  end(): void {
    this.state = "ended";
    this.held = [];
  }

  set(aheadMs: number): void {
    this.skewMs = aheadMs;
  }
}

/** After this number of steps the event loop goes on once, so that real timers and I/O do. */
const STEPS_PER_LOOP = 1000;
let steps = 0;

/**
 * Resolves when no promise has work left. A tick that a promise job asks for runs after the last promise job; unlike an
 * immediate it needs no pass of the event loop, which would take longer than most steps.
 */
const settlePromises = (): Promise<void> =>
  new Promise((resolve) => {
    steps = (steps + 1) % STEPS_PER_LOOP;
    if (steps === 0) setImmediate(resolve);
    else void Promise.resolve().then(() => process.nextTick(resolve));
  });

const isBefore = (a: Task, b: Task): boolean => a.due < b.due || (a.due === b.due && a.order < b.order);

function push(heap: Task[], task: Task): void {
  let at = heap.push(task) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(task, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = task;
}

function pop(heap: Task[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}

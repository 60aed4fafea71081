/** Runs up to `width` tasks at once; the others wait in a queue, oldest first. */
export class Semaphore {
  private readonly width: number;
  private readonly waiting: (() => void)[] = [];
  private busy = 0;

  /** @param width tasks under way at once, 1 or more */
  constructor(width: number) {
    this.width = width;
  }

  /** Runs the task when there is room. Rejects with what the task rejects with. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.busy < this.width) this.busy++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      // The next task takes the place over.
      if (next) next();
      else this.busy--;
    }
  }
}

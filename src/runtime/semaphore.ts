/** At most so many tasks at once; the others wait in line, first come, first served. */
export class Semaphore {
  private readonly width: number;
  private readonly waiting: (() => void)[] = [];
  private busy = 0;

  /** @param width tasks under way at once, 1 or more */
  constructor(width: number) {
    this.width = width;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.busy < this.width) this.busy++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      // Whoever is next takes the place over.
      if (next) next();
      else this.busy--;
    }
  }
}

/** What all clients of a topic see alike, read once for all of them. */
const VIEW_EVERY_MS = 500;
const MEASURES_EVERY_MS = 5_000;

/**
 * What all clients of a topic see alike. While a client looks it is read a few times a second, once for all of them.
 * Owns: who looks.  Does not own: what is read.
 */
export class SharedView {
  private readonly read: () => Promise<object | undefined>;
  private readonly measures: ReadonlySet<string>;
  private readonly looks = new Set<(text: string) => void>();
  private timer: NodeJS.Timeout | undefined;
  private text = "";
  /** The view without its measures, as it was passed on last, and when. */
  private passed = "";
  private passedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param read undefined: it cannot be read now
   * @param measures names of members that change all the time: they alone are passed on every few seconds only
   */
  constructor(read: () => Promise<object | undefined>, measures: readonly string[] = []) {
    this.read = read;
    this.measures = new Set(measures);
  }

  /** Passes JSON on, now and after each change. @returns ends it; idempotent */
  follow(pass: (text: string) => void): () => void {
    this.looks.add(pass);
    this.timer ??= setInterval(() => void this.look(), VIEW_EVERY_MS).unref();
    if (this.text === "") void this.look();
    else pass(this.text);
    return () => {
      this.looks.delete(pass);
      if (this.looks.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
      this.text = "";
      this.passed = "";
    };
  }

  private async look(): Promise<void> {
    // What cannot be read now is read again.
    const view = await this.read().catch(() => undefined);
    if (view === undefined || this.looks.size === 0) return;
    const text = JSON.stringify(view);
    if (text === this.text) return;
    const steady = JSON.stringify(view, (name, value: unknown) =>
      this.measures.has(name) ? undefined : value,
    );
    const now = performance.now();
    if (steady === this.passed && now - this.passedAt < MEASURES_EVERY_MS) return;
    this.text = text;
    this.passed = steady;
    this.passedAt = now;
    for (const pass of this.looks) pass(text);
  }
}

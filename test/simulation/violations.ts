/** The violated invariants of one run, in words. */

/** More of them say nothing new: the first one is the fault, the others follow from it. */
const MOST = 20;

/** Collects them; the run ends at the first one. */
export class Violations {
  readonly found: string[] = [];
  /** Called with each, when it is found. */
  onAdded: (text: string) => void = () => {};

  add(text: string): void {
    if (this.found.length >= MOST) return;
    this.found.push(text);
    this.onAdded(text);
  }

  get any(): boolean {
    return this.found.length > 0;
  }
}

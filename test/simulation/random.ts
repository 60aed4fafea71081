/** Draws from a seed, the same on every machine. */

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** mulberry32. Every part of a run has its own, so that one more draw in one part changes no other. */
export class Random {
  private state: number;

  /** @param part name of the part that draws */
  constructor(seed: number, part: string) {
    this.state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ hashOf(part)) >>> 0;
    // The first draws of neighboring seeds are alike.
    for (let i = 0; i < 3; i++) this.next();
  }

  /** 0 or more, below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(share: number): boolean {
    return share > 0 && this.next() < share;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)] as T;
  }
}

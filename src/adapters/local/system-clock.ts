/** The machine's clocks. */
import type { Clock } from "../../runtime/ports.ts";

/** `setTimeout`'s limit; a longer delay is waited for in pieces. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number) => {
      const stepMs = Math.min(Math.max(leftMs, 0), LONGEST_MS);
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : run()), stepMs);
      timer.unref();
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
  sleep(delayMs) {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  },
  soon(run) {
    setImmediate(run);
  },
};

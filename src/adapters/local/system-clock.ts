/** The machine's clocks. */
import type { Clock } from "../../runtime/ports.ts";

/** `setTimeout`'s limit; a longer delay takes several timers. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The port's clock on the operating system's. Timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number) => {
      const stepMs = Math.min(Math.max(leftMs, 0), MAX_TIMER_MS);
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

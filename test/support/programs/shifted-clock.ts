/**
 * Preloaded into a process (`--import`): its wall clock is wrong by the milliseconds in a file, which a test may change
 * while the process runs. Monotonic time is untouched. Threads of the process have the same clock.
 */
import { readFileSync } from "node:fs";

const REREAD_MS = 100;
const file = new URL(import.meta.url).searchParams.get("file");
if (file === null) throw new Error("name the file: shifted-clock.ts?file=/path");

const RealDate = Date;
let shiftMs = 0;

function reread(): void {
  shiftMs = Number(readFileSync(file!, "utf8"));
}

const shifted = (): number => RealDate.now() + shiftMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [shifted()] : args, newTarget) as object,
  apply: () => new RealDate(shifted()).toString(),
  get: (target, name, receiver) =>
    name === "now" ? shifted : (Reflect.get(target, name, receiver) as unknown),
});

reread();
setInterval(reread, REREAD_MS).unref();

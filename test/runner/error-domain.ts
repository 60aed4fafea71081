/**
 * Replaces the package `async-hook-domain`, by which tap learns of errors that no test catches. The package follows
 * every promise in order to know the test that began it, and that costs half of the processor's time. Here the test
 * that began last, and has not ended, gets the error: it fails all the same.
 */
import { AsyncResource, executionAsyncResource } from "node:async_hooks";

type OnError = (error: unknown, origin: string) => void;

/** Those of the tests that have not ended, the oldest first. */
const open: Domain[] = [];

/** One test's part in errors that are not caught, from its beginning until `destroy`. */
export class Domain {
  private readonly handle: OnError;

  constructor(handle: OnError) {
    this.handle = handle;
    // A test begins in a resource of its own; what else begins, tap itself for the whole file, comes last.
    if (executionAsyncResource() instanceof AsyncResource) open.push(this);
    else open.unshift(this);
    if (open.length === 1) process.on("uncaughtExceptionMonitor", onUncaught);
  }

  /** Fails the test. tap calls it as well. */
  onerror(error: unknown, origin: string): void {
    this.handle(error, origin);
  }

  /** Idempotent. */
  destroy(): void {
    const at = open.indexOf(this);
    if (at < 0) return;
    open.splice(at, 1);
    if (open.length === 0) process.off("uncaughtExceptionMonitor", onUncaught);
  }
}

/** For rejections as well: without a handler Node throws them. A handler of the test's own goes first. */
function onUncaught(error: unknown, origin: string): void {
  const domain = open.at(-1);
  if (domain === undefined) return;
  if (process.hasUncaughtExceptionCaptureCallback() || process.listenerCount("uncaughtException") > 0) return;
  domain.onerror(error, origin);
  // The error has its test: this once the process does not end of it.
  process.setUncaughtExceptionCaptureCallback(() => {
    process.setUncaughtExceptionCaptureCallback(null);
  });
}

const LONG_MS = 60_000;

/** Keeps the process from ending by itself, as an open connection does, until the returned function is called. */
export function keepAlive(): () => void {
  const timer = setInterval(() => {}, LONG_MS);
  return () => clearInterval(timer);
}

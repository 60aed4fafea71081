/**
 * Situations that a test cannot force, only observe: which node draws an id that it owns, what is still in flight when
 * a process is killed, whether a busy machine is quick enough. The test makes such a situation again until it holds;
 * what it then promises is asserted once, and as strictly as ever.
 */
import type { Test } from "tap";

/** An attempt that did not bring the situation about, and why. */
export type Missed = { readonly missed: string };

const ATTEMPTS = 6;

/**
 * Makes attempts until one returns a value. A reason why the situation did not arise is reported as a comment. Whatever
 * an attempt throws fails the test at once.
 * @param what the situation, as the failure names it
 * @throws Error after six attempts
 */
export async function arranged<T extends object>(
  t: Pick<Test, "comment">,
  what: string,
  attempt: (number: number) => Promise<T>,
): Promise<Exclude<T, Missed>> {
  const missed: string[] = [];
  for (let number = 1; number <= ATTEMPTS; number++) {
    const result = await attempt(number);
    if (!isMissed(result)) return result as Exclude<T, Missed>;
    missed.push(result.missed);
    t.comment(`attempt ${number}: ${what}: ${result.missed}`);
  }
  throw new Error(`could not be arranged in ${ATTEMPTS} attempts: ${what}: ${missed.join("; ")}`);
}

const isMissed = (result: object): result is Missed =>
  "missed" in result && typeof result.missed === "string";

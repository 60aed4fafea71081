/**
 * Reads of the newest message of a subject that are sent together: reads that come while others are in flight wait for
 * them, and then share one write to the socket. Alone, each would cost a system call of its own.
 * Owns: the reads that wait.  Does not own: what a read finds.
 * Invariants
 *   group-read.G1. One group is in flight at a time.
 *   group-read.G2. A read is sent after it was asked for: what was stored before is found.
 *   group-read.G3. Every read has an answer of its own: one that fails ends no other.
 * Proved by: test/unit/adapters/group-read.test.ts
 */
import type { StoredMessage } from "../../runtime/ports.ts";

/** The newest message of a subject. */
export type ReadLast = (subject: string) => Promise<StoredMessage | undefined>;

type Waiting = {
  readonly subject: string;
  readonly answer: PromiseWithResolvers<StoredMessage | undefined>;
};

/**
 * Reads through `read`, in groups.
 * @param read sends at once, and rejects in time when there is no answer
 */
export function groupedRead(read: ReadLast): ReadLast {
  let waiting: Waiting[] = [];
  let running = false;

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await Promise.all(
        group.map(({ subject, answer }) => read(subject).then(answer.resolve, answer.reject)),
      );
    }
    running = false;
  };

  return async (subject) => {
    const answer = Promise.withResolvers<StoredMessage | undefined>();
    waiting.push({ subject, answer });
    if (!running) {
      running = true;
      // What is asked for before the next round of the event loop is in the group.
      setImmediate(() => void run());
    }
    return await answer.promise;
  };
}

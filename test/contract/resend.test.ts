/** The port's promises are enough to write every record exactly once while servers and connections die. */
import { setTimeout as pause } from "node:timers/promises";
import t from "tap";
import { subjects } from "../../src/services/subjects.ts";
import { type Journal, ServerCode, Unavailable } from "../../src/runtime/ports.ts";
import { freshId } from "./expect.ts";
import { inEveryWorld } from "./worlds.ts";

const ORDERS = 10;
/** Attempts for one record: a minute at least, since a cluster may need ten seconds to elect a leader. */
const TRIES = 1_200;
const PAUSE_MS = 50;
/** Between two records of one order: every record is read again in the end, one request for each. */
const BREATH_MS = 25;

/** Writes version `version` of an order until the server has answered; returns its sequence. */
async function writeOnce(journal: Journal, id: string, version: number, after: number): Promise<number> {
  const subject = subjects.record(4, id);
  const commit = `${id}-${version}`;
  const batch = [
    {
      subject,
      payload: String(version),
      headers: { "Orderly-Commit": commit },
      fence: { subject, sequence: after },
    },
    { subject: subjects.event(4, "changed"), payload: commit },
  ];
  let last = "";
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const result = await journal.append(batch, 1_000);
    last = JSON.stringify(result);
    if (result.status === "stored") return result.lastSequence - 1;
    if (result.status === "rejected" && result.code === ServerCode.wrongLastSequence) {
      const stored = await readSurely(journal, subject);
      if (stored?.headers["Orderly-Commit"] === commit) return stored.sequence;
      throw new Error(`${commit} was fenced by ${JSON.stringify(stored)}`);
    }
    if (result.status === "rejected" && result.code !== ServerCode.subjectInFlight) {
      throw new Error(`${commit}: ${result.reason} (${result.code})`);
    }
    await pause(PAUSE_MS);
  }
  throw new Error(`${commit} was never settled: ${last}`);
}

async function readSurely(journal: Journal, subject: string) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await journal.readLast(subject);
    } catch (error) {
      if (!(error instanceof Unavailable) || attempt === TRIES) throw error;
      await pause(PAUSE_MS);
    }
  }
}

await inEveryWorld(t, async (t, world) => {
  await t.test("every record is stored once, without gap or fork, each with its event", async (t) => {
    const { journal } = await world.join();
    const ids = Array.from({ length: ORDERS }, freshId);
    const events: string[] = [];
    await journal.consume({ filters: ["orders.events.4.>"], fromSequence: 1 }, (message) => {
      events.push(message.payload);
    });
    const interruption = { over: false };
    const writing = ids.map(async (id) => {
      let version = 0;
      let sequence = 0;
      while (!interruption.over || version < 30) {
        sequence = await writeOnce(journal, id, ++version, sequence);
        await pause(BREATH_MS);
      }
      return version;
    });
    await Promise.race([world.interrupt(), Promise.all(writing)]);
    interruption.over = true;
    const versions = await Promise.all(writing);
    const expected: string[] = [];
    for (const [index, id] of ids.entries()) {
      const history = await journal.readAll(subjects.record(4, id));
      const numbers = Array.from({ length: versions[index]! }, (_, n) => String(n + 1));
      t.strictSame(
        history.map((message) => message.payload),
        numbers,
      );
      expected.push(...numbers.map((version) => `${id}-${version}`));
    }
    const stored = await journal.readAll(subjects.event(4, "changed"));
    t.strictSame(stored.map((message) => message.payload).toSorted(), expected.toSorted());
    t.comment(`${expected.length} records`);
  });
});

/**
 * Batches that are staged in memory: the server dies, or loses its power, in the middle of one. A loss of power is a
 * copy of the store without what is in memory, made while batches are under way.
 */
import { cpSync, existsSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import t, { type Test } from "tap";
import { MEMORY_ROOT, memoryFolderOf, room, unusable } from "../../nodes/local/batches/memory-folder.ts";
import { appendMessages } from "../../src/adapters/nats/append.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { getMessage } from "../../src/adapters/nats/stored-message.ts";
import { orderStream } from "../../src/adapters/nats/stream-definitions.ts";
import { ensureStream } from "../../src/adapters/nats/streams.ts";
import type { Message } from "../../src/runtime/ports.ts";
import { subjects } from "../../src/services/subjects.ts";
import { auditBatches } from "../support/audits/batch-audit.ts";
import { freePorts } from "../support/cluster/free-ports.ts";
import { startKeptServer } from "../support/cluster/kept-server.ts";
import { printReplay } from "../support/replay-command.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const skip = unusable(MEMORY_ROOT, room.toBeginBytes) ?? false;
const ROUNDS = Number(process.env["ORDERLY_TEST_ROUNDS"] ?? 3);
const KILLS = 4 * ROUNDS;
const POWER_LOSSES = 10 * ROUNDS;
/** The losses of power take no longer than this, whatever the machine does. */
const POWER_LOSSES_MS = 90_000;
printReplay(t, { ORDERLY_TEST_ROUNDS: ROUNDS });
const STREAM = subjects.stream(0);
const BATCH_MESSAGES = 600;
const definition = orderStream({ replicas: 1, partitions: 32, streams: 1, presenceAgeMs: 3_000, subjects });

const linkOf = (store: string) => join(store, "jetstream", "$G", "streams", STREAM, "batches");
const isLinked = (store: string) =>
  existsSync(join(memoryFolderOf(store), STREAM)) && existsSync(linkOf(store));

async function linked(store: string): Promise<void> {
  await waitUntil("batches are staged in memory", () => isLinked(store));
}

function folders(t: Test): string {
  const store = temporaryFolder(t);
  t.teardown(() => rmSync(memoryFolderOf(store), { recursive: true, force: true }));
  return store;
}

/** Batches, one after the other, each of records that nothing else writes. Ends with the first that has no answer. */
function writeBatches(link: NatsLink, name: string) {
  const acknowledged: string[] = [];
  const sent: string[] = [];
  const stopping = new AbortController();
  const run = async () => {
    for (let number = 0; !stopping.signal.aborted; number++) {
      const id = `${name}-${number}`;
      const messages = Array.from({ length: BATCH_MESSAGES }, (_, at): Message => {
        const subject = subjects.record(at % 32, `${id}-${at}`);
        return { subject, payload: "x".repeat(300), fence: { subject, sequence: 0 } };
      });
      sent.push(id);
      const result = await appendMessages(link, messages, 5_000).catch(() => undefined);
      if (result?.status !== "stored") return;
      acknowledged.push(id);
    }
  };
  const done = run();
  const stop = async () => {
    stopping.abort();
    await done;
  };
  return { acknowledged, sent, stop, done };
}

/** How much the log has of a batch of `writeBatches`. */
async function partOf(link: NatsLink, id: string): Promise<number> {
  const ends = [0, BATCH_MESSAGES - 1].map((at) => subjects.record(at % 32, `${id}-${at}`));
  const found = await Promise.all(ends.map((subject) => getMessage(link, STREAM, { last_by_subj: subject })));
  return found.filter((message) => message !== undefined).length / ends.length;
}

t.test(
  "nats-server killed in the middle of batches: nothing acknowledged is lost, no half batch is left",
  { skip },
  async (t) => {
    const store = folders(t);
    const [port] = await freePorts(1);
    let server = await startKeptServer(t, store, { port: port! });
    await ensureStream(await server.connect(), definition);
    await linked(store);
    let landed = 0;
    for (let round = 0; round < KILLS; round++) {
      const writer = writeBatches(await server.connect(), `kill-${round}`);
      await waitUntil("batches are stored", () => writer.acknowledged.length >= 3, { intervalMs: 1 });
      await pause(round % 7);
      process.kill(server.serverPid, "SIGKILL");
      await server.keeper.ended;
      t.ok(isLinked(store), "what was staged is still there");
      server = await startKeptServer(t, store, { port: port! });
      const link = await server.connect();
      t.notMatch(
        server.keeper.output(),
        /may be lost/u,
        "nothing to repair: the server completes a batch by itself",
      );
      for (const id of writer.acknowledged)
        if ((await partOf(link, id)) !== 1) t.fail(`${id} was acknowledged`);
      const last = writer.sent.at(-1)!;
      if (!writer.acknowledged.includes(last) && (await partOf(link, last)) === 1) landed++;
      t.strictSame((await auditBatches(link)).halves, []);
      await linked(store);
      await writer.done;
    }
    t.comment(`${landed} of ${KILLS} unanswered batches were completed`);
  },
);

/** Copies of a running store that meet a file which the server is removing, in a row. */
const COPIES = 10;

/** The store in the middle of batches, without the folder in memory. `before`: batches acknowledged by then. */
function copyOf(t: Test, store: string, { acknowledged }: { readonly acknowledged: readonly string[] }) {
  for (let tries = 1; ; tries++) {
    const copy = join(folders(t), "store");
    const before = acknowledged.length;
    try {
      cpSync(store, copy, { recursive: true, verbatimSymlinks: true });
      return { before, copy };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || tries === COPIES) throw error;
    }
  }
}

t.test(
  "power lost in the middle of batches: no half batch is left, and nothing acknowledged is lost",
  { skip },
  async (t) => {
    const store = folders(t);
    const server = await startKeptServer(t, store);
    const link = await server.connect();
    await ensureStream(link, definition);
    await linked(store);
    const until = performance.now() + POWER_LOSSES_MS;
    let [rounds, repaired] = [0, 0];
    while ((rounds < POWER_LOSSES || repaired === 0) && performance.now() < until) {
      const writer = writeBatches(link, `power-${rounds}`);
      await waitUntil("batches are stored", () => writer.acknowledged.length >= 2, { intervalMs: 1 });
      const { before, copy } = copyOf(t, store, writer);
      await writer.stop();
      // On the machine that lost its power the folder is gone; here it is the original's, which must stay.
      rmSync(linkOf(copy));
      symlinkSync("/dev/shm/orderly-gone", linkOf(copy));
      const after = await startKeptServer(t, copy);
      const output = after.keeper.output();
      t.match(output, /staged atomic batches may be lost/u);
      if (/half a batch removed/u.test(output)) repaired++;
      const audited = await after.connect();
      t.strictSame((await auditBatches(audited)).halves, []);
      for (const id of writer.acknowledged.slice(0, before))
        if ((await partOf(audited, id)) !== 1) t.fail(`${id} was acknowledged`);
      await linked(copy);
      await audited.close();
      await after.keeper.stop();
      rmSync(copy, { recursive: true });
      rounds++;
    }
    t.ok(rounds >= 10, `${rounds} losses of power`);
    t.ok(repaired > 0, `${repaired} of them left half a batch`);
  },
);

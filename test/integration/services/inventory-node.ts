/** The inventory of one node on a real server, without orders: relay, outbox on disk, shard, service, client. */
import { stockFaults } from "../../support/audits/stock-audit.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { allStreams } from "../../../src/adapters/nats/stream-definitions.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { inventorySubjects } from "../../../src/services/inventory/subjects.ts";
import { natsBus } from "../../../src/adapters/nats/bus.ts";
import { systemClock } from "../../../src/adapters/local/system-clock.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import { randomIds } from "../../../src/adapters/local/random-ids.ts";
import { natsJournal } from "../../../src/adapters/nats/journal.ts";
import { sqliteOutbox } from "../../../src/adapters/local/sqlite-outbox.ts";
import { ensureStreams } from "../../../src/adapters/nats/streams.ts";
import type { AppendResult, Journal, Log, Message } from "../../../src/runtime/ports.ts";
import { OutboxWriter } from "../../../src/runtime/commit/outbox-writer.ts";
import { Relay } from "../../../src/runtime/commit/relay.ts";
import { CLIENT_LIMITS, InventoryClient } from "../../../src/services/inventory/client.ts";
import { InventoryService } from "../../../src/services/inventory/service.ts";
import { InventoryShard } from "../../../src/services/inventory/shard.ts";
import { SHARD_LIMITS } from "../../../src/services/inventory/shard-dependencies.ts";
import {
  readHold,
  readStock,
  type StoredHold,
  type StoredStock,
} from "../../../src/services/inventory/stored.ts";
import { untilAnswered } from "../../support/cluster/until-answered.ts";

const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
};

/** One node, stopped with the test. */
export type InventoryNode = {
  readonly journal: Journal;
  readonly shard: InventoryShard;
  readonly client: InventoryClient;
  readonly relay: Relay;
  /** Takes the lock from its holder, and loads. */
  claim(): Promise<void>;
};

/**
 * @param urls of every server; as many copies of the stream are kept
 * @param tamper sits between the relay and the server, to lose or delay answers
 */
export async function startInventoryNode(
  t: Test,
  urls: string | readonly string[],
  name: string,
  tamper: (append: Journal["append"]) => Journal["append"] = (append) => append,
): Promise<InventoryNode> {
  const servers = [urls].flat();
  const link = await connectNats({ servers, name, connectTimeoutMs: 5000 });
  t.teardown(() => link.nc.close());
  const settings = { replicas: servers.length, partitions: 4, streams: 1, presenceAgeMs: 3000, subjects };
  await ensureStreams(link, settings);
  await untilAnswered(link, allStreams(settings));
  const home = mkdtempSync(join(tmpdir(), "orderly-inventory-"));
  const outbox = sqliteOutbox({ path: join(home, "outbox.sqlite") });
  const journal = natsJournal(link, subjects.stream(0));
  const bus = natsBus(link);
  const [clock, ids] = [systemClock, randomIds()];
  const append = tamper((messages, timeoutMs) => journal.append(messages, timeoutMs));
  const relay = new Relay({
    subjects,
    journal: { ...journal, append },
    store: new OutboxWriter({ outbox, clock, log: silent }),
    clock,
    log: silent,
    commitTimeoutMs: 1000,
    markEveryMs: 1000,
    onLockMoved: () => service.revoke(),
  });
  const shard = new InventoryShard(0, {
    journal,
    sink: relay,
    ids,
    clock,
    limits: SHARD_LIMITS,
    unverified: () => undefined,
  });
  const service: InventoryService = new InventoryService(0, shard, bus);
  const limits = { ...CLIENT_LIMITS, deadlineMs: 60_000 };
  const client = new InventoryClient({
    shard,
    number: 0,
    bus,
    clock,
    ids,
    idempotencySecret: "secret",
    limits,
  });
  t.teardown(() => {
    service.revoke();
    relay.stop();
    outbox.close();
    rmSync(home, { recursive: true, force: true });
  });
  const claim = async () => {
    const subject = subjects.lock(shard.name);
    const last = await journal.readLast(subject);
    const payload = JSON.stringify({ node: name, boot: name, nonce: ids.next(), since: "" });
    const fence = { subject, sequence: last?.sequence ?? 0 };
    const result = await journal.append([{ subject, payload, fence }], 5000);
    if (result.status !== "stored") throw new Error(`not claimed: ${JSON.stringify(result)}`);
    await service.acquire(result.lastSequence);
  };
  return { journal, shard, client, relay, claim };
}

/** Drops answers: `lost` appends from the given one on are stored, and their answers dropped. */
export function losing(lost: (attempt: number, messages: readonly Message[]) => boolean) {
  let attempts = 0;
  return (append: Journal["append"]): Journal["append"] =>
    async (messages, timeoutMs): Promise<AppendResult> => {
      const result = await append(messages, timeoutMs);
      return lost(++attempts, messages) ? { status: "unanswered", reason: "lost in flight" } : result;
    };
}

/** The state at the end of the log. */
export type Ledger = {
  readonly stock: ReadonlyMap<string, StoredStock>;
  readonly holds: ReadonlyMap<string, StoredHold>;
};

/**
 * Reads the log back and proves it: every stock entry ever written is sound, and the last ones are what the holds
 * add up to.
 */
export async function auditLedger(journal: Journal): Promise<Ledger> {
  const stock = new Map<string, StoredStock>();
  for (const { subject } of await journal.readLastPerSubject(`${inventorySubjects.stock("")}>`)) {
    for (const { payload } of await journal.readAll(subject)) {
      const entry = readStock(payload);
      const faults = stockFaults(stock.get(entry.sku), entry);
      if (faults.length > 0) throw new Error(faults.join("; "));
      stock.set(entry.sku, entry);
    }
  }
  const holds = new Map<string, StoredHold>();
  for (const { subject } of await journal.readLastPerSubject(inventorySubjects.hold(">"))) {
    const written = (await journal.readAll(subject)).map(({ payload }) => readHold(payload));
    const life = written.map(({ state }) => state).join(" ");
    if (!["reserved", "reserved released", "reserved shipped", "released", "refused"].includes(life))
      throw new Error(`impossible life of ${subject}: ${life}`);
    for (const hold of written) holds.set(hold.orderId, hold);
  }
  for (const [sku, entry] of stock) {
    const sum = (state: StoredHold["state"]) =>
      [...holds.values()]
        .filter((hold) => hold.state === state)
        .flatMap(({ lines }) => lines)
        .reduce((total, line) => total + (line.sku === sku ? line.quantity : 0), 0);
    if (entry.reserved !== sum("reserved") || entry.shipped !== sum("shipped"))
      throw new Error(`${JSON.stringify(entry)} but holds sum to ${sum("reserved")}, ${sum("shipped")}`);
  }
  return { stock, holds };
}

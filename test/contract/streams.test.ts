/** Streams that are made, and streams that are refused. */
import { Kvm } from "@nats-io/kv";
import t, { type Test } from "tap";
import {
  allStreams,
  bucketStream,
  deadStream,
  documentsStream,
  nodesBucket,
  orderStream,
} from "../../src/adapters/nats/stream-definitions.ts";
import { MAX_STREAMS, streamOf } from "../../src/runtime/layout.ts";
import { subjects } from "../../src/services/subjects.ts";
import { INVENTORY_STREAM, inventorySubjects } from "../../src/services/inventory/subjects.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { untilAvailable } from "../../src/adapters/jetstream/retry-until-available.ts";
import { apiRequest } from "../../src/adapters/nats/jetstream-api.ts";
import { LOG_KEY } from "../../src/adapters/nats/log-identity.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import { ensureStream, ensureStreams, StreamIncompatible } from "../../src/adapters/nats/streams.ts";
import { startNatsCluster, startNatsServer } from "../support/cluster/nats-server.ts";
import { waitUntil } from "../support/wait-until.ts";
import { mustStore } from "./expect.ts";

const settings = { replicas: 1, partitions: 32, streams: 1, presenceAgeMs: 3_000, subjects };

async function connected(t: Test, url: string): Promise<NatsLink> {
  const link = await connectNats({ servers: [url], name: "test", connectTimeoutMs: 10_000 });
  t.teardown(() => link.close());
  return link;
}

async function link(t: Test): Promise<NatsLink> {
  return connected(t, (await startNatsServer(t)).url);
}

t.test("all streams are made, by several nodes at once, and verified from then on", async (t) => {
  const server = await startNatsServer(t);
  const links = await Promise.all([1, 2, 3].map(() => connected(t, server.url)));
  await Promise.all(links.map((link) => ensureStreams(link, settings)));
  await ensureStreams(links[0]!, settings);
  const { streams } = await apiRequest<{ streams: string[] }>(links[0]!, "STREAM.NAMES", {}, 2_000);
  t.strictSame(
    streams.toSorted(),
    allStreams(settings)
      .map(({ name }) => name)
      .toSorted(),
  );
});

const streamInfo = (to: NatsLink) =>
  apiRequest<{ config: Record<string, unknown> & { metadata: Record<string, string> }; created: string }>(
    to,
    "STREAM.INFO.KV_ORDERS",
    undefined,
    2_000,
  );

t.test("a stream is made with an id of its log, and keeps it", async (t) => {
  const to = await link(t);
  await ensureStreams(to, settings);
  const { metadata } = (await streamInfo(to)).config;
  t.match(metadata[LOG_KEY], /^[A-Za-z0-9_-]{16}$/u);
  await ensureStreams(to, settings);
  t.strictSame((await streamInfo(to)).config.metadata, metadata);
  await apiRequest(to, "STREAM.DELETE.KV_ORDERS", undefined, 2_000);
  await ensureStreams(to, settings);
  t.not((await streamInfo(to)).config.metadata[LOG_KEY], metadata[LOG_KEY], "another log, another id");
});

t.test(
  "a stream of version 0.1.0 gets one id and compression from several nodes at once, and else stays as it is",
  async (t) => {
    const server = await startNatsServer(t);
    const links = await Promise.all([1, 2, 3].map(() => connected(t, server.url)));
    const [to] = links as [NatsLink, NatsLink, NatsLink];
    const { compression: _, ...definition } = orderStream(settings);
    await apiRequest(to, "STREAM.CREATE.KV_ORDERS", definition, 2_000);
    await mustStore(natsJournal(to, "KV_ORDERS"), [{ subject: "orders.fence.partition.1", payload: "" }]);
    const before = await streamInfo(to);
    t.equal(before.config.metadata[LOG_KEY], undefined);
    await Promise.all(links.map((one) => ensureStreams(one, settings)));
    const { config, created } = await streamInfo(to);
    const { [LOG_KEY]: id, ...metadata } = config.metadata;
    t.match(id, /^[A-Za-z0-9_-]{16}$/u);
    t.equal(before.config["compression"], "none");
    t.strictSame({ ...config, metadata }, { ...before.config, compression: "s2" });
    t.equal(created, before.created);
    for (const one of links) {
      t.match(await natsJournal(one, "KV_ORDERS").state(), { id, lastSequence: 1 });
      await ensureStreams(one, settings);
    }
    t.equal((await streamInfo(to)).config.metadata[LOG_KEY], id);
  },
);

const compressionOf = async (to: NatsLink, name: string) =>
  (await apiRequest<{ config: { compression: string } }>(to, `STREAM.INFO.${name}`, undefined, 2_000)).config
    .compression;

t.test(
  "order streams and dead letters are compressed, also those that were made without; no others are",
  async (t) => {
    const to = await link(t);
    const growing = [orderStream(settings, 0), deadStream(settings)];
    for (const { compression: _, ...definition } of growing)
      await apiRequest(to, `STREAM.CREATE.${definition.name}`, definition, 2_000);
    // Documents are sealed: compression would not make them smaller.
    const all = { ...settings, further: [documentsStream("INVOICES", settings)] };
    const names = growing.map(({ name }) => name);
    for (const name of names) t.equal(await compressionOf(to, name), "none", name);
    await ensureStreams(to, all);
    for (const { name } of allStreams(all))
      t.equal(await compressionOf(to, name), names.includes(name) ? "s2" : "none", name);
    for (const name of names) await apiRequest(to, `STREAM.DELETE.${name}`, undefined, 2_000);
    await untilAvailable(10_000, () => ensureStreams(to, all));
    for (const name of names) t.equal(await compressionOf(to, name), "s2", `${name}, made anew`);
  },
);

t.test("with another number of partitions the stream is refused", async (t) => {
  const to = await link(t);
  await ensureStreams(to, settings);
  await t.rejects(ensureStreams(to, { ...settings, partitions: 16 }), {
    name: "StreamIncompatible",
    message: /KV_ORDERS.*number of partitions is "32", needed "16"/,
  });
});

t.test("with another number of streams every stream is refused, in one line, and none is made", async (t) => {
  const to = await link(t);
  const names = async () =>
    (await apiRequest<{ streams: string[] }>(to, "STREAM.NAMES", {}, 2_000)).streams.toSorted();
  await ensureStreams(to, { ...settings, streams: 2 });
  await ensureStreams(to, { ...settings, streams: 2 });
  const made = await names();
  for (const streams of [1, 3]) {
    await t.rejects(ensureStreams(to, { ...settings, streams }), {
      name: "StreamIncompatible",
      message: `stream KV_ORDERS exists but does not fit: number of streams is "2", needed "${streams}" (ORDERLY_STREAMS); use another server, or settings that match it`,
    });
    await t.rejects(ensureStream(to, orderStream({ ...settings, streams: 3 }, 1)), StreamIncompatible);
  }
  t.strictSame(await names(), made);
});

t.test("a stream without the metadata of the number of streams is the only one", async (t) => {
  const to = await link(t);
  const { metadata, ...definition } = orderStream(settings);
  const old = { ...definition, metadata: { "orderly.partitions": metadata["orderly.partitions"] } };
  await apiRequest(to, `STREAM.CREATE.${subjects.stream(0)}`, old, 2_000);
  await ensureStreams(to, settings);
  await t.rejects(ensureStreams(to, { ...settings, streams: 2 }), /number of streams is "1", needed "2"/);
});

t.test("with several streams each has its bucket of locks and takes its partitions' messages", async (t) => {
  const to = await link(t);
  const layout = { ...settings, streams: MAX_STREAMS, partitions: 1024 };
  await ensureStreams(to, layout);
  for (const partition of [0, 1, 15, 17, 1023]) {
    const stream = streamOf(partition, layout.streams);
    const kv = await new Kvm(to.nc).open(subjects.lockBucket(stream));
    const epoch = await kv.put(`partition.${partition}`, "me");
    const journal = natsJournal(to, subjects.stream(stream));
    const lock = subjects.lock(`partition.${partition}`, stream);
    t.equal((await journal.readLast(lock))?.sequence, epoch, `${lock} is the bucket's entry`);
    const batch = [
      { subject: subjects.record(partition, "a"), payload: "{}" },
      { subject: subjects.event(partition, "order.created"), payload: "{}" },
      {
        subject: subjects.fence(`partition.${partition}`),
        payload: "",
        fence: { subject: lock, sequence: epoch },
      },
    ];
    t.match(await journal.append(batch, 2_000), { status: "stored" });
    t.ok(await journal.readLast(subjects.record(partition, "a")), `record of partition ${partition}`);
  }
  const hold = [{ subject: inventorySubjects.hold("3"), payload: "{}" }];
  t.match(await natsJournal(to, subjects.stream(0)).append(hold, 2_000), { status: "stored" });
  t.ok(await natsJournal(to, subjects.stream(INVENTORY_STREAM)).readLast(inventorySubjects.hold("3")));
});

t.test("a stream that lacks an option or has a limit is refused, and left as it is", async (t) => {
  const to = await link(t);
  const good = orderStream(settings);
  const faults = {
    allow_atomic: false,
    allow_msg_schedules: false,
    allow_msg_ttl: false,
    max_age: 3_600_000_000_000,
    max_bytes: 1_000_000_000,
    max_msgs_per_subject: 1,
    deny_purge: true,
    subjects: ["orders.>"],
    metadata: {},
    duplicate_window: 1_000_000_000,
    max_msg_size: 1_024,
  };
  for (const [option, value] of Object.entries(faults)) {
    const config = { ...good, [option]: value };
    // Schedules need rollups, which need purges.
    const possible =
      option === "deny_purge" ? { ...config, allow_rollup_hdrs: false, allow_msg_schedules: false } : config;
    // The server may still delete the folder of the stream before.
    await untilAvailable(10_000, () =>
      apiRequest(to, `STREAM.CREATE.${subjects.stream(0)}`, possible, 2_000),
    );
    await t.rejects(ensureStream(to, good), StreamIncompatible, option);
    const { config: kept } = await apiRequest<{ config: Record<string, unknown> }>(
      to,
      `STREAM.INFO.${subjects.stream(0)}`,
      undefined,
      2_000,
    );
    t.strictSame(
      kept[option] ?? false,
      option === "metadata" ? kept["metadata"] : value,
      `${option} is kept`,
    );
    await apiRequest(to, `STREAM.DELETE.${subjects.stream(0)}`, undefined, 2_000);
  }
  await ensureStream(to, good);
});

t.test("the lock bucket opens with the ordinary KV client", async (t) => {
  const to = await link(t);
  await ensureStreams(to, settings);
  const locks = natsBucket(to, orderStream(settings));
  const claim = await locks.update("partition.1", "me", 0);
  if (claim.status !== "stored") throw new Error("not claimed");
  const kv = await new Kvm(to.nc).open(subjects.lockBucket(0));
  const entry = await kv.get("partition.1");
  t.match(entry, { key: "partition.1", revision: claim.revision });
  t.equal(entry?.string(), "me");
  await mustStore(natsJournal(to, subjects.stream(0)), [{ subject: subjects.record(1, "a"), payload: "{}" }]);
  const keys: string[] = [];
  for await (const key of await kv.keys()) keys.push(key);
  t.strictSame(keys, ["partition.1"], "records are not entries");
  const revision = await kv.update("partition.1", "other", claim.revision);
  t.match(await locks.get("partition.1"), { key: "partition.1", value: "other", revision });
  await t.rejects(kv.update("partition.1", "x", claim.revision));
  t.strictSame(await locks.update("partition.1", "me", claim.revision), { status: "conflict" });
  await kv.delete("partition.1");
  t.equal(await locks.get("partition.1"), undefined);
  t.ok(
    (await (await new Kvm(to.nc).open(subjects.lockBucket(0))).status()).history > 1,
    "clients insist on a history",
  );
});

t.test("presence entries expire, and the bucket in memory comes back after a restart", async (t) => {
  const server = await startNatsServer(t);
  const to = await connected(t, server.url);
  const short = { ...settings, presenceAgeMs: 500, subjects };
  await ensureStreams(to, short);
  const nodes = natsBucket(to, nodesBucket(short));
  await nodes.put("a", "1");
  await waitUntil("it expires", async () => (await nodes.get("a")) === undefined);
  await nodes.put("b", "1");
  await server.kill();
  await server.restart();
  await waitUntil("reconnected", () => to.connected());
  t.equal(await nodes.get("b"), undefined);
  t.strictSame(await nodes.keys(), []);
  t.equal((await nodes.update("b", "2", 0)).status, "stored");
  t.equal((await nodes.get("b"))?.value, "2");
});

t.test("on a cluster the streams get their copies, as soon as there is a leader", async (t) => {
  const cluster = await startNatsCluster(t, 3);
  const to = await connected(t, cluster.urls[0]!);
  const three = { ...settings, replicas: 3 };
  await ensureStreams(to, three);
  const info = await apiRequest<{ config: { num_replicas: number } }>(
    to,
    `STREAM.INFO.${subjects.stream(0)}`,
    undefined,
    2_000,
  );
  t.equal(info.config.num_replicas, 3);
  const few = { ...orderStream(settings), name: "FEW", subjects: ["few.>"] };
  await ensureStream(to, few);
  await t.rejects(ensureStream(to, { ...few, num_replicas: 3 }), {
    name: "StreamIncompatible",
    message: /num_replicas is 1, needed 3/,
  });
});

t.test("more copies than servers are refused in one line", async (t) => {
  const to = await link(t);
  const definition = bucketStream("MANY", { storage: "file", ageMs: 0, replicas: 3 });
  await t.rejects(ensureStream(to, definition), { name: "StreamIncompatible", message: /KV_MANY.*replicas/ });
});

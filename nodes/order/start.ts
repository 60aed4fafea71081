/** Starts one order node: its outbox, its connection, everything above them, and HTTP. Composition only. */
import { subjects } from "../../src/services/subjects.ts";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { redacted } from "../../config/settings-reader.ts";
import { secretsIn } from "../../config/settings-schemas.ts";
import type { NodeSettings } from "../../config/settings.ts";
import { randomIds } from "../../src/adapters/local/random-ids.ts";
import { sqliteOutbox } from "../../src/adapters/local/sqlite-outbox.ts";
import { systemClock } from "../../src/adapters/local/system-clock.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import { natsDeadLetters } from "../../src/adapters/nats/dead-letters.ts";
import { natsRegister } from "../../src/adapters/nats/register.ts";
import { createApp } from "../../src/http/app.ts";
import { knownHosts } from "../../src/http/connections/known-hosts.ts";
import type { Failpoints } from "../../src/runtime/failpoints.ts";
import { stopping } from "../../src/runtime/limits.ts";
import { devSources } from "./dev-sources.ts";
import { deadLetterService } from "../../src/services/dead-letters/dead-letters.ts";
import { DEFINITION_VERSION } from "../../src/services/orders/definition.ts";
import { ClusterPlacements } from "../../src/services/placement/placements.ts";
import { servePlacements } from "../../src/services/placement/requests.ts";
import { webhookIntake } from "../../src/services/webhooks/intake.ts";
import { type UnmatchedRegisters, unmatchedMessages } from "../../src/services/webhooks/unmatched.ts";
import { natsSettings } from "../nats-login.ts";
import type { Running } from "../process.ts";
import { bulkNode } from "./bulk.ts";
import { composeOrders } from "./compose.ts";
import { SampledCluster } from "./cluster-samples.ts";
import { nodeOperations } from "./operations.ts";
import { OrderCounts } from "./order-counts.ts";
import { RequestDurations } from "./request-durations.ts";
import { NodeProjection } from "./node-projection.ts";
import { SharedLiveList } from "../../src/services/live/live-list.ts";
import { orderLists } from "./order-lists.ts";
import { outgoingWebhooks } from "./outgoing.ts";
import { PartitionProbes } from "./partition-probes.ts";
import { openMasterKeys } from "./personal-keys.ts";
import { programOf, UNKNOWN } from "./program.ts";
import { unmatchedBucket } from "./streams.ts";
import { NodeWorkers } from "./node-workers.ts";
import { WORKER_ENTRY } from "./worker-threads.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** `node orderly.mjs build-console` fills it. */
const CONSOLE_FOLDER = fileURLToPath(new URL("../../console/dist", import.meta.url));

/**
 * Resolves when the node takes part in the cluster and HTTP listens.
 * @param tests for tests only: failpoints, here and, with an entry file of its own for the threads, in the workers
 */
export async function startOrderNode(
  settings: NodeSettings,
  tests: { readonly failpoints?: Failpoints; readonly worker?: URL } = {},
): Promise<Running> {
  const log = pino({ name: settings.nodeId, level: settings.logLevel });
  const program = programOf(settings.commit);
  const { version, commit = UNKNOWN } = program;
  log.info({ version, definition: DEFINITION_VERSION, commit }, "order node starts");
  mkdirSync(settings.home, { recursive: true });
  const masterKeys = openMasterKeys(settings);
  const outbox = sqliteOutbox({
    path: join(settings.home, "outbox.sqlite"),
    onDamaged: (movedTo, reason) => log.warn({ movedTo, reason }, "damaged outbox file moved away"),
  });
  const link = await connectNats({
    ...natsSettings(settings, "node", settings.nodeId, CONNECT_TIMEOUT_MS),
    onForbidden: (reason) => log.error({ reason }, "NATS: this user's permissions lack a subject"),
  });
  const ids = randomIds();
  const failed = Promise.withResolvers<never>();
  // The start may fail first.
  failed.promise.catch(() => {});
  const composed = await composeOrders({
    settings,
    program,
    link,
    masterKeys,
    outbox,
    log,
    clock: systemClock,
    ids,
    failpoints: tests.failpoints,
    onLost: (reason) => failed.reject(new Error(reason)),
    onIdentityTaken: (taken) => failed.reject(taken),
  });
  const { node, bus, inbox, serveErasures, sharedKeys, ...services } = composed;
  const { maintenance } = services;
  // Before the node is present: from then on others ask it.
  const erasures = await serveErasures();
  const maintenanceWatch = await maintenance.start();
  const keysWatch = await services.keys.start();
  const revealsWatch = await services.reveals.start();
  const endWitness = services.audit.witness(systemClock);
  await node.start();
  const probes = new PartitionProbes({
    partitions: settings.partitions,
    read: (id) => node.actors.read(id),
    isolated: () => node.isolation() !== undefined,
    clock: systemClock,
    log,
  });
  probes.start();
  const workers = new NodeWorkers({
    settings,
    link,
    subjects,
    clock: node.clock,
    log,
    entry: tests.worker ?? WORKER_ENTRY,
  });
  await workers.start();
  const unmatched: UnmatchedRegisters = {
    payments: natsRegister(link, unmatchedBucket("payments", settings)),
    carrier: natsRegister(link, unmatchedBucket("carrier", settings)),
  };
  const webhooks = webhookIntake({
    secrets: {
      payments: secretsIn(settings.webhookSecret),
      carrier: secretsIn(settings.carrierWebhookSecret),
    },
    deliver: (...input) => node.actors.deliver(...input),
    inbox,
    unmatched,
    orIsolated: (promise) => node.orIsolated(promise),
    now: () => node.clock.now(),
    log,
    failpoints: tests.failpoints,
  });
  const projection = new NodeProjection(settings, log);
  const lists = await orderLists({ node, settings, bus, projection });
  const {
    counts: outgoingCounts,
    outgoing,
    sending,
  } = await outgoingWebhooks({
    settings,
    link,
    keys: sharedKeys,
    clock: node.clock,
    ids,
    log,
  });
  const bulks = await bulkNode({
    settings,
    link,
    log,
    clock: systemClock,
    ids,
    orders: node,
    receivers: services,
    list: lists.list,
    resources: [sending],
    onLost: (reason) => failed.reject(new Error(reason)),
    onIdentityTaken: (taken) => failed.reject(taken),
  });
  await bulks.start();
  const placed = await servePlacements(bus, {
    node: settings.nodeId,
    orders: node.placement,
    others: [bulks.placement],
    log,
  });
  const samples = new SampledCluster(node.clock, () => node.status());
  const requests = new RequestDurations();
  const app = await createApp({
    ...services,
    list: lists.list,
    bulk: bulks.bulk,
    outgoing,
    liveList: new SharedLiveList(lists.list, systemClock),
    operations: nodeOperations(node, settings, workers, program, webhooks.counts, probes, {
      maintenance,
      projection,
      forbidden: () => [link.forbidden(), workers.forbidden()],
      orders: new OrderCounts(projection, node.clock),
      bulk: bulks.counts,
      outgoing: outgoingCounts,
      requests: () => requests.counts(),
    }),
    answered: (request) => requests.answered(request),
    samples: (windowMs) => samples.last(windowMs),
    placements: new ClusterPlacements({ bus, clock: systemClock, view: () => node.status() }),
    deadLetters: deadLetterService(natsDeadLetters(link, subjects)),
    webhooks,
    unmatched: unmatchedMessages(unmatched),
    log,
    nextId: () => ids.next(),
    now: () => node.clock.now(),
    defaultWaitMs: settings.defaultWaitMs,
    knownHosts: knownHosts(settings.publicUrl, settings.allowedHosts),
    development: settings.development,
    dev: devSources(settings),
    auth: settings.auth,
    console: {
      folder: CONSOLE_FOLDER,
      version: program.version,
      environment: settings.development ? "development" : "production",
    },
  });
  const url = await app.listen({ host: settings.httpHost, port: settings.httpPort });
  log.info({ url, settings: redacted(settings) }, "order node listens");
  // After the start: its own libraries and its file take the time of a processor.
  projection.start();
  samples.start();
  return {
    failed: failed.promise,
    stop: async () => {
      probes.stop();
      samples.stop();
      endWitness();
      // Requests under way are answered, by the next owners if this node has handed over.
      await Promise.all([app.close(), workers.stop(), node.handOver(), bulks.handOver()]);
      // A server that does not answer must not delay this process: the other nodes detect its end themselves.
      await Promise.race([
        Promise.all([
          projection.stop(),
          lists.served.stop(),
          erasures.stop(),
          placed.stop(),
          services.audit.idle(),
          maintenanceWatch.stop(),
          keysWatch.stop(),
          revealsWatch.stop(),
          node.stop(),
          bulks.stop(),
        ]),
        pause(stopping.presenceMs),
      ]);
      await Promise.race([link.close(), pause(stopping.connectionMs)]);
      outbox.close();
      bulks.close();
    },
  };
}

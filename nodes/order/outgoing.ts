/** Outgoing webhooks on one node: what HTTP asks, and the sending, which one node of the cluster does. Composition. */
import { randomBytes } from "node:crypto";
import type { NodeSettings } from "../../config/settings.ts";
import { natsBucket } from "../../src/adapters/nats/bucket.ts";
import { natsJournal } from "../../src/adapters/nats/journal.ts";
import type { NatsLink } from "../../src/adapters/nats/link.ts";
import { natsRegister } from "../../src/adapters/nats/register.ts";
import { ensureStream } from "../../src/adapters/nats/streams.ts";
import type { Clock, Ids, Log } from "../../src/runtime/ports.ts";
import { bulkSubjects } from "../../src/services/bulk/subjects.ts";
import type { OutgoingWebhooks } from "../../src/services/outgoing/contract.ts";
import { Deliveries } from "../../src/services/outgoing/deliveries.ts";
import { Endpoints, EndpointSecrets } from "../../src/services/outgoing/endpoints.ts";
import { OutgoingService } from "../../src/services/outgoing/outgoing-service.ts";
import { type OutgoingCounts, OutgoingTally } from "../../src/services/outgoing/outgoing-tally.ts";
import { poster } from "../../src/services/outgoing/post.ts";
import { WebhookSending } from "../../src/services/outgoing/sending.ts";
import type { SharedKeys } from "../../src/services/personal/shared-keys.ts";
import { subjects } from "../../src/services/subjects.ts";
import { webhookDeliveriesBucket, webhookEndpointsBucket } from "./streams.ts";

/** What outgoing webhooks need of their process. */
export type OutgoingOptions = {
  readonly settings: NodeSettings;
  readonly link: NatsLink;
  readonly keys: SharedKeys;
  /** The server's time. */
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
};

/** Makes the buckets that are missing. @throws StreamIncompatible; Unavailable (retryable) */
export async function outgoingWebhooks(options: OutgoingOptions): Promise<{
  readonly outgoing: OutgoingWebhooks;
  readonly sending: WebhookSending;
  readonly counts: () => OutgoingCounts;
}> {
  const { clock, ids, keys, link, log, settings } = options;
  const { development } = settings;
  const [endpointsBucket, deliveriesBucket] = [
    webhookEndpointsBucket(settings),
    webhookDeliveriesBucket(settings),
  ];
  for (const bucket of [endpointsBucket, deliveriesBucket]) await ensureStream(link, bucket);
  const endpoints = new Endpoints(natsBucket(link, endpointsBucket));
  const deliveries = new Deliveries(natsBucket(link, deliveriesBucket), (endpoint, after, limit) =>
    natsRegister(link, deliveriesBucket, `${endpoint}.>`).list(after, limit),
  );
  const secrets = new EndpointSecrets(keys, randomBytes);
  const streams = subjects.streams(settings.streams).map((stream) => natsJournal(link, stream));
  const post = poster({ development });
  const tally = new OutgoingTally();
  const common = { endpoints, secrets, deliveries, post, streams };
  return {
    outgoing: new OutgoingService({
      ...common,
      ids,
      random: randomBytes,
      now: () => clock.now(),
      development,
    }),
    counts: () => tally.counts(),
    sending: new WebhookSending({
      ...common,
      tally,
      lock: bulkSubjects.lock("webhooks.0"),
      journal: natsJournal(link, bulkSubjects.stream(0)),
      clock,
      log,
    }),
  };
}

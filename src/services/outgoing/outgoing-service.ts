/** Outgoing webhooks on any node: makes, lists and removes endpoints, shows and replays deliveries. Owns nothing. */
import { type Ids, type Journal, Unavailable } from "../../runtime/ports.ts";
import type { Random } from "../personal/sealing.ts";
import { orUnavailable } from "../unavailable.ts";
import { ENDPOINTS_MAX, FORMER_SECRET_MS, type OutgoingWebhooks } from "./contract.ts";
import { type Deliveries, deliveryView } from "./deliveries.ts";
import { deliveryOf, signedWebhook } from "./endpoint-sender.ts";
import { type Endpoint, type Endpoints, type EndpointSecrets, endpointView } from "./endpoints.ts";
import type { Post } from "./post.ts";
import { urlFault } from "./target.ts";

/** What outgoing webhooks need of their node. */
export type OutgoingOptions = {
  readonly endpoints: Endpoints;
  readonly secrets: EndpointSecrets;
  readonly deliveries: Deliveries;
  readonly post: Post;
  /** The streams of the events, by their numbers. */
  readonly streams: readonly Pick<Journal, "state">[];
  readonly ids: Ids;
  readonly random: Random;
  /** The server's time, ms since the epoch. */
  readonly now: () => number;
  /** Loopback and `http:` are allowed. */
  readonly development: boolean;
};

/** Bytes of a secret: as many as those of its hash (Standard Webhooks). */
const SECRET_BYTES = 32;
/** Tries of a write that another node makes at the same time. */
const TRIES = 5;

/** See {@link OutgoingWebhooks}. */
export class OutgoingService implements OutgoingWebhooks {
  private readonly options: OutgoingOptions;

  constructor(options: OutgoingOptions) {
    this.options = options;
  }

  async create({
    types,
    url,
  }: Parameters<OutgoingWebhooks["create"]>[0]): ReturnType<OutgoingWebhooks["create"]> {
    const { development, endpoints, ids, now, random, secrets, streams } = this.options;
    const reason = urlFault(url, development);
    if (reason !== undefined) return { status: "invalid_url", reason };
    return await orUnavailable(async () => {
      if ((await endpoints.all()).length >= ENDPOINTS_MAX) return { status: "too_many_endpoints" } as const;
      const id = `whe_${ids.next()}`;
      const secret = newSecret(random);
      const ends = await Promise.all(streams.map((stream) => stream.state()));
      const endpoint: Endpoint = {
        id,
        url,
        types: [...new Set(types)],
        createdAt: new Date(now()).toISOString(),
        secret: await secrets.seal(id, secret),
        generation: 0,
        from: ends.map(({ lastSequence }) => lastSequence),
      };
      await endpoints.store(endpoint, 0);
      return { status: "created", endpoint: endpointView(endpoint), secret } as const;
    });
  }

  async list(): ReturnType<OutgoingWebhooks["list"]> {
    return await orUnavailable(async () => {
      const items = (await this.options.endpoints.all()).map(endpointView);
      return { status: "found", items } as const;
    });
  }

  async rotate(id: string): ReturnType<OutgoingWebhooks["rotate"]> {
    const { now, random, secrets } = this.options;
    const secret = newSecret(random);
    return await orUnavailable(async () => {
      const sealed = await secrets.seal(id, secret);
      const until = now() + FORMER_SECRET_MS;
      const endpoint = await this.change(id, (stored) => ({
        ...stored,
        secret: sealed,
        former: { secret: stored.secret, until },
      }));
      if (!endpoint) return { status: "not_found" } as const;
      const formerUntil = new Date(until).toISOString();
      return { status: "rotated", endpoint: endpointView(endpoint), secret, formerUntil } as const;
    });
  }

  async remove(id: string): ReturnType<OutgoingWebhooks["remove"]> {
    const { endpoints } = this.options;
    return await orUnavailable(async () => {
      if (!(await endpoints.get(id))) return { status: "not_found" } as const;
      await endpoints.remove(id);
      return { status: "removed" } as const;
    });
  }

  async deliveries(
    ...[id, page]: Parameters<OutgoingWebhooks["deliveries"]>
  ): ReturnType<OutgoingWebhooks["deliveries"]> {
    const { deliveries, endpoints } = this.options;
    return await orUnavailable(async () => {
      if (!(await endpoints.get(id))) return { status: "not_found" } as const;
      return { status: "found", ...(await deliveries.page(id, page)) } as const;
    });
  }

  async replay(
    ...[id, event]: Parameters<OutgoingWebhooks["replay"]>
  ): ReturnType<OutgoingWebhooks["replay"]> {
    const { deliveries, endpoints, now, post, secrets } = this.options;
    return await orUnavailable(async () => {
      const found = await endpoints.get(id);
      if (!found) return { status: "not_found" } as const;
      const known = await deliveries.get(id, event);
      if (!known) return { status: "delivery_not_found" } as const;
      const opened = await secrets.open(found.endpoint);
      const { body, headers } = signedWebhook(known, opened, now());
      const result = await post(found.endpoint.url, headers, body, new AbortController().signal);
      // What still waits for its own tries goes on with them, unless it is delivered now.
      const state = result.error === null ? "delivered" : known.state;
      const tried = { ...result, state, attempts: known.attempts + 1 };
      const delivery = deliveryOf(known, tried, known.generation, now());
      await deliveries.put(id, delivery);
      return { status: "sent", delivery: deliveryView(delivery) } as const;
    });
  }

  async replayFrom(id: string, sequence: number): ReturnType<OutgoingWebhooks["replayFrom"]> {
    return await orUnavailable(async () => {
      const endpoint = await this.change(id, (stored) => ({
        ...stored,
        generation: stored.generation + 1,
        from: stored.from.map(() => Math.max(0, sequence - 1)),
      }));
      if (!endpoint) return { status: "not_found" } as const;
      return { status: "replaying", endpoint: endpointView(endpoint) } as const;
    });
  }

  /**
   * Stores what `next` makes of the endpoint. A crash leaves it changed or not.
   * @returns undefined: there is none  @throws Unavailable (retryable): it may have been changed
   */
  private async change(id: string, next: (stored: Endpoint) => Endpoint): Promise<Endpoint | undefined> {
    const { endpoints } = this.options;
    for (let tries = 1; tries <= TRIES; tries++) {
      const found = await endpoints.get(id);
      if (!found) return undefined;
      const endpoint = next(found.endpoint);
      if (await endpoints.store(endpoint, found.revision)) return endpoint;
    }
    throw new Unavailable(`endpoint ${id} is being changed`);
  }
}

const newSecret = (random: Random): string => `whsec_${random(SECRET_BYTES).toString("base64")}`;

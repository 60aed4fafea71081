/**
 * Sends the webhooks of all endpoints, on the one node that owns them.
 * Owns: the senders of this node.  Does not own: the lock, which the runtime holds; the endpoints.
 * Invariants
 *   outgoing.S1. Only between `acquire` and the next `drain` or `revoke` are there senders. Two owners overlap for
 *                seconds at most, when one was frozen: a receiver may get an event twice.
 * Proved by: test/unit/services/outgoing/sending.test.ts, test/fault/outgoing.test.ts
 */
import type { OwnedResource } from "../../runtime/cluster/owned-resource.ts";
import { type Clock, type Journal, type Log, type Subscription, Unavailable } from "../../runtime/ports.ts";
import { subjects } from "../subjects.ts";
import type { Deliveries } from "./deliveries.ts";
import { EndpointSender } from "./endpoint-sender.ts";
import type { Endpoint, Endpoints, EndpointSecrets } from "./endpoints.ts";
import type { OutgoingTally } from "./outgoing-tally.ts";
import type { Post } from "./post.ts";

/** What sending needs of its node. */
export type SendingOptions = {
  /** Subject of the lock, and the stream that it is in. */
  readonly lock: string;
  readonly journal: Journal;
  /** The streams of the events, by their numbers. */
  readonly streams: readonly Pick<Journal, "consume">[];
  readonly endpoints: Endpoints;
  readonly secrets: EndpointSecrets;
  readonly deliveries: Deliveries;
  readonly post: Post;
  readonly tally: OutgoingTally;
  /** The server's time. */
  readonly clock: Clock;
  readonly log: Log;
};

type Running = { readonly sender: EndpointSender; readonly subscriptions: readonly Subscription[] };

/** Pause before endpoints are read again that could not be read. */
const AGAIN_MS = 1_000;

/** See the top of the file. */
export class WebhookSending implements OwnedResource {
  readonly name = "webhooks.0";
  readonly lock: string;
  readonly journal: Journal;
  private readonly options: SendingOptions;
  /** By id, generation and sealed secret of the endpoint. */
  private readonly running = new Map<string, Promise<Running>>();
  private tenure = 0;
  private watch: Promise<Subscription> | undefined;
  private reading: Promise<void> = Promise.resolve();
  private isReadWaiting = false;

  constructor(options: SendingOptions) {
    this.options = options;
    this.lock = options.lock;
    this.journal = options.journal;
  }

  async acquire(): Promise<void> {
    const tenure = ++this.tenure;
    await this.end();
    if (tenure !== this.tenure) throw new Error(`${this.name} was lost while it was being acquired`);
    this.watch = this.options.endpoints.watch(() => this.readSoon(tenure));
    await this.watch;
    this.readSoon(tenure);
  }

  revoke(): void {
    this.tenure++;
    void this.end();
  }

  async drain(): Promise<void> {
    this.tenure++;
    await this.end();
  }

  /** Ends every sender. Never rejects. */
  private async end(): Promise<void> {
    const watch = this.watch;
    this.watch = undefined;
    const all = [...this.running.values()];
    this.running.clear();
    const ends = all.map(async (one) => stopped(await one));
    if (watch) ends.push(watch.then((one) => one.stop()));
    await Promise.allSettled(ends);
  }

  /** Brings the senders up to the stored endpoints, one reading after the other. */
  private readSoon(tenure: number): void {
    if (this.isReadWaiting) return;
    this.isReadWaiting = true;
    this.reading = this.reading.then(() => {
      this.isReadWaiting = false;
      return this.read(tenure);
    });
  }

  private async read(tenure: number): Promise<void> {
    const { clock, endpoints, log } = this.options;
    if (tenure !== this.tenure) return;
    let isDone = false;
    try {
      isDone = await this.follow(await endpoints.all(), tenure);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      log.warn({ reason: error.message }, "webhook endpoints cannot be read");
    }
    if (!isDone) clock.after(AGAIN_MS, () => this.readSoon(tenure));
  }

  /** Ends senders whose endpoint is gone or changed, and begins new ones. @returns false when one could not begin */
  private async follow(stored: readonly Endpoint[], tenure: number): Promise<boolean> {
    const wanted = new Map(
      stored.map((endpoint) => [`${endpoint.id}.${endpoint.generation}.${endpoint.secret}`, endpoint]),
    );
    for (const [key, running] of this.running) {
      if (wanted.has(key)) continue;
      this.running.delete(key);
      await stopped(await running);
    }
    let isDone = true;
    for (const [key, endpoint] of wanted) {
      if (this.running.has(key)) continue;
      if (tenure !== this.tenure) return true;
      const begun = this.begin(endpoint);
      this.running.set(key, begun);
      try {
        await begun;
      } catch (error) {
        // A secret that does not open, or a server that is away: the others go on, and this one is tried again.
        const reason = error instanceof Error ? error.message : String(error);
        this.options.log.error({ endpoint: endpoint.id, reason }, "webhooks are not sent to this endpoint");
        if (this.running.get(key) === begun) this.running.delete(key);
        isDone = false;
      }
    }
    return isDone;
  }

  private async begin(endpoint: Endpoint): Promise<Running> {
    const { endpoints, secrets, streams } = this.options;
    const [opened, from] = await Promise.all([secrets.open(endpoint), endpoints.progress(endpoint)]);
    const sender = new EndpointSender({ ...this.options, endpoint, secrets: opened, from });
    const filters = endpoint.types.map((type) => subjects.events(type));
    const subscriptions: Subscription[] = [];
    try {
      for (const [stream, journal] of streams.entries()) {
        const fromSequence = (from[stream] ?? 0) + 1;
        const accept = sender.accept.bind(sender, stream);
        subscriptions.push(await journal.consume({ filters, fromSequence }, accept));
      }
    } catch (error) {
      await stopped({ sender, subscriptions });
      throw error;
    }
    return { sender, subscriptions };
  }
}

async function stopped({ sender, subscriptions }: Running): Promise<void> {
  const ends = [sender.stop(), ...subscriptions.map((one) => one.stop())];
  await Promise.all(ends);
}

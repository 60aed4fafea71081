/**
 * Pulls the items of a durable consumer, never more than there are free places for. The client library's own loop
 * requests by what has arrived instead of by what has been finished. It would fill up with items whose time to
 * acknowledge runs while they wait.
 * Owns: the open pull requests and the number of items in progress.  Does not own: the consumer.
 * Invariants
 *   pull.L1. Items in progress and items requested are never more than `maxInFlight` together.
 *   pull.L2. A request that the server has forgotten (restart, lost connection) ends after two missed heartbeats.
 * Proved by: test/integration/runtime/worker.test.ts
 */
import type { Msg, Subscription } from "@nats-io/transport-node";
import type { WorkItem } from "../../runtime/workers/work-queue.ts";
import type { NatsLink } from "./link.ts";
import { readDelivery } from "./stored-message.ts";

/** Which consumer to pull from, and the callbacks. */
export type PullOptions = {
  readonly stream: string;
  readonly consumer: string;
  readonly maxInFlight: number;
  /** Must not reject. When it resolves, the item's place is free. */
  readonly onItem: (item: WorkItem) => Promise<void>;
  /** Called when the consumer does not exist. Pulling continues when it resolves. */
  readonly onConsumerGone: () => Promise<void>;
};

/** Life of one request, and the interval at which the server confirms that it still knows it. */
const EXPIRES_MS = 10_000;
const HEARTBEAT_MS = 1_000;
/** Pause after a request that failed at once (no leader, no server). */
const PAUSE_MS = 250;
const NANOS_PER_MS = 1_000_000;

type Request = { readonly subscription: Subscription; open: number; silence: NodeJS.Timeout };

/** The loop of one consumer. `start` once, `stop` once. */
export class PullLoop {
  private readonly link: NatsLink;
  private readonly options: PullOptions;
  private readonly requests = new Set<Request>();
  private underWay = 0;
  private state: "running" | "pausing" | "stopped" = "running";
  private pause: NodeJS.Timeout | undefined;
  private forgetLink: (() => void) | undefined;

  constructor(link: NatsLink, options: PullOptions) {
    this.link = link;
    this.options = options;
  }

  start(): void {
    this.forgetLink = this.link.onChange((connected) => {
      // A request made on a lost connection is never answered on the next one.
      for (const request of this.requests) this.end(request);
      if (connected) this.fill();
    });
    this.fill();
  }

  /** From now on no item is delivered. What the server has sent meanwhile comes again after its ack wait. */
  async stop(): Promise<void> {
    this.state = "stopped";
    clearTimeout(this.pause);
    this.forgetLink?.();
    for (const request of this.requests) this.end(request);
  }

  /** Requests as many items as there are places, unless they are few and others are already requested. */
  private fill(): void {
    if (this.state !== "running" || !this.link.connected()) return;
    let asked = 0;
    for (const request of this.requests) asked += request.open;
    const free = this.options.maxInFlight - this.underWay - asked;
    if (free === 0 || (asked > 0 && free < this.options.maxInFlight / 4)) return;
    this.ask(free);
  }

  private ask(batch: number): void {
    const { stream, consumer } = this.options;
    const { nc } = this.link;
    const inbox = this.link.newInbox();
    const request: Request = {
      open: batch,
      silence: setTimeout(() => undefined, 0),
      subscription: nc.subscribe(inbox, {
        callback: (error, msg) => {
          if (error === null) this.receive(request, msg);
          else this.fail(request);
        },
      }),
    };
    this.requests.add(request);
    this.listen(request);
    const body = {
      batch,
      expires: EXPIRES_MS * NANOS_PER_MS,
      idle_heartbeat: HEARTBEAT_MS * NANOS_PER_MS,
    };
    nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(body), { reply: inbox });
  }

  private receive(request: Request, msg: Msg): void {
    if (!this.requests.has(request)) return;
    this.listen(request);
    const delivery = readDelivery(msg);
    if (delivery === undefined) return this.status(request, msg);
    request.open--;
    this.underWay++;
    void this.options.onItem(itemOf(msg, delivery.message)).finally(() => {
      this.underWay--;
      this.fill();
    });
    if (request.open === 0) {
      this.end(request);
      this.fill();
    }
  }

  /** Every message except an item: a heartbeat, or the request's end. */
  private status(request: Request, msg: Msg): void {
    const code = msg.headers?.code ?? 503;
    if (code === 100) return;
    // 408: its time is over; 404: there is no item. Both are the ordinary end.
    if (code === 408 || code === 404) {
      this.end(request);
      this.fill();
      return;
    }
    const isGone = /consumer deleted/i.test(msg.headers?.description ?? "") || code === 503;
    this.fail(request, isGone);
  }

  /** Ends the request after two missed heartbeats. */
  private listen(request: Request): void {
    clearTimeout(request.silence);
    request.silence = setTimeout(() => this.fail(request, true), 2 * HEARTBEAT_MS + PAUSE_MS);
    request.silence.unref();
  }

  private fail(request: Request, isGone = false): void {
    this.end(request);
    if (this.state !== "running") return;
    this.state = "pausing";
    const resume = () => {
      if (this.state !== "pausing") return;
      this.state = "running";
      this.fill();
    };
    if (isGone && this.link.connected()) {
      void this.options.onConsumerGone().finally(resume);
    } else {
      this.pause = setTimeout(resume, PAUSE_MS);
      this.pause.unref();
    }
  }

  private end(request: Request): void {
    clearTimeout(request.silence);
    request.subscription.unsubscribe();
    this.requests.delete(request);
  }
}

function itemOf(msg: Msg, message: Omit<WorkItem, "ack" | "retry">): WorkItem {
  const { subject, sequence, at, headers, payload } = message;
  // A lost connection cannot send the answer: the item comes again, which is allowed after both answers.
  const respond = (text: string) => {
    try {
      msg.respond(text);
    } catch {
      // closed
    }
  };
  return {
    subject,
    sequence,
    headers,
    payload,
    at,
    ack: () => respond("+ACK"),
    retry: (delayMs) =>
      respond(`-NAK ${JSON.stringify({ delay: Math.max(0, Math.round(delayMs)) * NANOS_PER_MS })}`),
  };
}

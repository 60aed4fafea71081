/** The outside systems that orders call, over a bad network: payment gateway, carrier, document store, mail server. */
import { createHash } from "node:crypto";
import { memoryDocuments } from "../../src/adapters/memory/documents.ts";
import type { VirtualClock } from "../../src/adapters/memory/virtual-clock.ts";
import { EffectError } from "../../src/runtime/definition.ts";
import { Unavailable } from "../../src/runtime/ports.ts";
import type { Documents } from "../../src/runtime/workers/document-store.ts";
import type { Carrier } from "../../src/services/fulfillment/carrier.ts";
import { type Mail, type Mailer, MailRefused } from "../../src/services/email/mailer.ts";
import type { PaymentGateway } from "../../src/services/payments/gateway.ts";
import { GatewayModel } from "../unit/services/orders/gateway-model.ts";
import type { FaultCounter } from "./fault-counter.ts";
import type { LogAudit } from "./log-audit.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";
import type { Violations } from "./violations.ts";

/** What the outside systems are made of. */
export type ProviderOptions = {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly faults: FaultCounter;
  readonly audit: LogAudit;
  readonly violations: Violations;
  readonly trace: Trace;
};

const SLOWEST_MS = 40;

/** The same label for the same key. */
const labelOf = (key: string): { readonly trackingNumber: string } => ({
  trackingNumber: createHash("sha256").update(key).digest("hex").slice(0, 10),
});

/** See the top of the file. */
export class Providers {
  readonly books: GatewayModel;
  readonly gateway: PaymentGateway;
  readonly carrier: Carrier;
  readonly documents: Documents;
  /** Names of the documents that are stored. */
  readonly stored = new Set<string>();
  readonly mailer: Mailer;
  /** By Message-ID, the number of times that the mail server accepted it. */
  readonly mails = new Map<string, number>();
  private readonly options: ProviderOptions;
  private readonly parcels = new Map<string, string>();

  constructor(options: ProviderOptions) {
    this.options = options;
    this.books = new GatewayModel(() => options.clock.now());
    this.gateway = this.makeGateway();
    this.carrier = this.makeCarrier();
    this.documents = this.makeDocuments();
    this.mailer = { send: (mail) => this.send(mail), close: () => {} };
  }

  /** Draws whether the gateway declines and refuses now. */
  changeMood(): void {
    const { faults } = this.options;
    this.books.declines = faults.strikes("payment declined", 0.15);
    this.books.refusesCaptures = faults.strikes("capture refused", 0.15);
  }

  private makeGateway(): PaymentGateway {
    const { books } = this;
    return {
      authorize: (request, by) =>
        this.call("authorizePayment", request.orderId, () => books.authorize(request, by)),
      createPage: (request, by) =>
        this.call("createPaymentPage", request.orderId, () => books.createPage(request, by)),
      checkPayment: (request) =>
        this.call("checkPayment", request.orderId, () => books.checkPayment(request)),
      capture: (request, by) =>
        this.call("capturePayment", request.orderId, () => books.capture(request, by)),
      void: (request, by) => this.call("voidPayment", request.orderId, () => books.void(request, by)),
      refund: (request, by) => this.call("refundPayment", request.orderId, () => books.refund(request, by)),
      queryStatus: (by) => this.call("", by.key, () => books.queryStatus(by)),
    };
  }

  private makeCarrier(): Carrier {
    return {
      createLabel: ({ orderId }, { key }) =>
        this.call("createShippingLabel", orderId, async () => {
          this.parcels.set(key, orderId);
          return labelOf(key);
        }),
      handOver: ({ orderId }) =>
        this.call("handOverParcel", orderId, async () => ({ outcome: "taken" }) as const),
      queryStatus: ({ key }) =>
        this.call("", key, async () => (this.parcels.has(key) ? labelOf(key) : undefined)),
    };
  }

  private makeDocuments(): Documents {
    const stored = memoryDocuments();
    const reach = async <T>(work: () => Promise<T>): Promise<T> => {
      await this.pass();
      if (this.options.faults.strikes("document store away", 0.6))
        throw new Unavailable("the document store is away");
      return await work();
    };
    return {
      put: (name, document) =>
        reach(async () => {
          await stored.put(name, document);
          this.stored.add(name);
        }),
      get: (name) => reach(() => stored.get(name)),
    };
  }

  /** @param source of the effect; empty for a query */
  private async call<T>(source: string, order: string, work: () => Promise<T>): Promise<T> {
    const { audit, faults, trace, violations } = this.options;
    if (source !== "" && audit.order(order)?.opened.has(source) !== true)
      violations.add(`${source} of ${order} is called, and the log has no record that opened it`);
    trace.say("outside", `${source || "query"} ${order}`);
    await this.pass();
    // Never answered: the caller's time limit ends it.
    if (faults.strikes("provider call lost", 0.2)) return await new Promise(() => {});
    if (faults.strikes("provider error", 0.12)) throw this.error();
    const done = await work();
    if (faults.strikes("provider answer lost", 0.12)) return await new Promise(() => {});
    await this.pass();
    return done;
  }

  private error(): EffectError {
    return this.options.random.chance(0.5)
      ? new EffectError("retryable", "busy", "the provider is busy")
      : new EffectError("unknown", "broken", "the connection broke");
  }

  private async send(mail: Mail): Promise<void> {
    const { faults, random } = this.options;
    await this.pass();
    const fails = faults.strikes("mail server away", 0.5);
    // It may have accepted the mail before the connection broke.
    if (!fails || random.chance(0.5))
      this.mails.set(mail.messageId, (this.mails.get(mail.messageId) ?? 0) + 1);
    if (!mail.to.address.includes("@")) throw new MailRefused("no such mailbox");
    if (fails) throw new Error("the mail server is away");
  }

  private pass(): Promise<void> {
    return this.options.clock.sleep(this.options.random.between(0, SLOWEST_MS));
  }
}

import { Books } from "../../../../nodes/gateway/books.ts";
import { type Choice, Pages } from "../../../../nodes/gateway/pages.ts";
import type { Decision, Operation } from "../../../../nodes/gateway/operation.ts";
import type { Refusal } from "../../../../nodes/simulators/refusal.ts";
import type { Booking } from "../../../../src/services/payments/reconciliation.ts";
import { EffectError } from "../../../../src/runtime/definition.ts";
import type {
  AuthorizeInput,
  AuthorizeOutput,
  CaptureOutput,
  CheckInput,
  CheckOutput,
  PageInput,
  PageOutput,
  RefundOutput,
  SettleInput,
  VoidInput,
  VoidOutput,
} from "../../../../machines/types.ts";
import type { GatewayDeclined, GatewayPaid } from "../../../../machines/payment-events.ts";
import type {
  GatewayCall,
  GatewayOutcome,
  PaymentGateway,
} from "../../../../src/services/payments/gateway.ts";

/** The sums at the gateway for an order, minor units. */
export type Balance = { readonly authorized: number; readonly settled: number; readonly refunded: number };

/** A week, as in the simulator. */
const LIFE_MS = 604_800_000;

/** The payment gateway in memory, on the simulator's own books: idempotent by key, without a network. */
export class GatewayModel implements PaymentGateway {
  readonly books = new Books();
  readonly pages = new Pages(this.books);
  private readonly outcomes = new Map<string, GatewayOutcome>();
  private readonly operations: Operation[] = [];
  private readonly ids = new Map<string, string[]>();
  /** Reasons with which the next authorizations are declined and the next captures refused. */
  declines = false;
  refusesCaptures = false;
  private readonly now: () => number;

  /** @param now ms since the epoch */
  constructor(now: () => number = () => 0) {
    this.now = now;
  }

  async authorize(request: AuthorizeInput, call: GatewayCall): Promise<AuthorizeOutput> {
    const { orderId, method, token, amount } = request;
    return this.once(call, "authorize", orderId, () =>
      this.declines
        ? this.books.decline(orderId, "card_declined")
        : this.books.authorize({ orderId, method, token, ...amount }, `auth_${this.outcomes.size}`, {
            expiresAt: this.now() + LIFE_MS,
          }),
    ) as AuthorizeOutput;
  }

  async createPage(request: PageInput, call: GatewayCall): Promise<PageOutput> {
    const { orderId, amount, expiresInMs } = request;
    const id = `pay_${orderId}`;
    return this.once(call, "page", orderId, () =>
      this.pages.create({ orderId, ...amount, expiresInMs }, id, `http://127.0.0.1/pay/${id}`, this.now()),
    ) as PageOutput;
  }

  async checkPayment({ payment }: CheckInput): Promise<CheckOutput> {
    const page = this.pages.find(payment, this.now());
    if (page === undefined) throw new EffectError("refused", "unknown_payment", payment);
    if (page.authorization !== null) return { outcome: "paid", authorization: page.authorization };
    if (page.status === "declined") return { outcome: "declined", reason: page.reason ?? "declined" };
    return { outcome: page.status === "closed" ? "closed" : "pending" };
  }

  /** What the customer does on the page. @returns the callback; undefined when the page does not take it */
  choose(orderId: string, choice: Choice): (GatewayPaid | GatewayDeclined) | undefined {
    const payment = `pay_${orderId}`;
    const authorization = `auth_${payment}`;
    const decision = this.pages.choose(payment, choice, authorization, this.now());
    if ("refused" in decision) return undefined;
    this.take(`${payment}:${decision.kind}`, decision);
    if (decision.booked === null)
      return { type: "gateway.declined", payment, reason: "declined_by_customer" };
    this.ids.set(orderId, [...(this.ids.get(orderId) ?? []), authorization]);
    const { booked, authorizations } = decision;
    this.take(`${payment}:capture`, {
      kind: "capture",
      orderId,
      result: { status: "captured" },
      booked,
      authorizations,
    });
    return { type: "gateway.paid", payment, authorization, amount: booked };
  }

  async capture(request: SettleInput, call: GatewayCall): Promise<CaptureOutput> {
    const { orderId, authorization, amount } = request;
    // A key's stored outcome is returned again, whatever the gateway refuses now.
    if (this.refusesCaptures && !this.outcomes.has(call.key))
      return { outcome: "declined", reason: "capture_refused" } as const;
    const decide = (): Decision | Refusal =>
      this.books.capture({ orderId, authorization, ...amount }, this.now());
    try {
      return this.once(call, "capture", orderId, decide) as CaptureOutput;
    } catch (error) {
      if (error instanceof EffectError) return { outcome: "declined", reason: error.code } as const;
      throw error;
    }
  }

  async void({ orderId, authorization }: VoidInput, call: GatewayCall): Promise<VoidOutput> {
    return this.once(call, "void", orderId, () =>
      this.books.void({ orderId, authorization }, this.now()),
    ) as VoidOutput;
  }

  async refund(request: SettleInput, call: GatewayCall): Promise<RefundOutput> {
    const { orderId, authorization, amount } = request;
    const decide = (): Decision | Refusal => this.books.refund({ orderId, authorization, ...amount });
    return this.once(call, "refund", orderId, decide) as RefundOutput;
  }

  async queryStatus({ key }: GatewayCall): Promise<GatewayOutcome | undefined> {
    return this.outcomes.get(key);
  }

  /** The lines of the order in the gateway's ledger. */
  bookings(orderId: string): Booking[] {
    const booked = this.operations.flatMap((one) =>
      one.orderId === orderId && one.booked !== null
        ? [{ orderId, kind: one.kind as Booking["kind"], ...one.booked }]
        : [],
    );
    const lapsed = this.books.lapsed(this.now(), orderId);
    return [
      ...booked,
      ...lapsed.map(({ amount, currency }) => ({ orderId, kind: "lapse" as const, amount, currency })),
    ];
  }

  /** Sums over all authorizations of an order that were not voided and have not lapsed. */
  balance(orderId: string): Balance {
    let [authorized, settled, refunded] = [0, 0, 0];
    for (const id of this.ids.get(orderId) ?? []) {
      const one = this.books.authorization(orderId, id);
      if (one === undefined) continue;
      if (!one.voided) authorized += one.amount;
      settled += one.captured;
      refunded += one.refunded;
    }
    for (const { amount } of this.books.lapsed(this.now(), orderId)) authorized -= amount;
    return { authorized, settled, refunded };
  }

  /** Number of all authorizations of an order. */
  authorizations(orderId: string): number {
    return this.ids.get(orderId)?.length ?? 0;
  }

  /** Each method expects the kind of outcome that its decision has. */
  private once(
    { key }: GatewayCall,
    kind: Decision["kind"],
    orderId: string,
    decide: () => Decision | Refusal,
  ): GatewayOutcome {
    const earlier = this.outcomes.get(key);
    if (earlier) return earlier;
    const decision = decide();
    if ("refused" in decision) throw new EffectError("refused", decision.code, decision.code);
    this.take(key, decision);
    const { result } = decision;
    const outcome: GatewayOutcome =
      result.status === "authorized"
        ? {
            outcome: "authorized",
            authorization: result.id,
            ...(decision.expiresAt !== undefined && { expiresInMs: decision.expiresAt - this.now() }),
          }
        : result.status === "declined"
          ? { outcome: "declined", reason: result.reason }
          : result.status === "pending"
            ? { payment: result.id, url: result.url }
            : { outcome: result.status };
    if (result.status === "authorized") {
      this.ids.set(orderId, [...(this.ids.get(orderId) ?? []), result.id]);
    }
    this.outcomes.set(key, outcome);
    if (kind !== decision.kind) throw new Error(`expected ${kind}, decided ${decision.kind}`);
    return outcome;
  }

  private take(key: string, decision: Decision): void {
    const operation = { idempotencyKey: key, fingerprint: key, at: "", ...decision };
    this.operations.push(operation);
    this.books.apply(operation);
    this.pages.apply(operation);
  }
}

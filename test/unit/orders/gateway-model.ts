import { Books } from "../../../nodes/gateway/books.ts";
import type { Decision, Refusal } from "../../../nodes/gateway/operation.ts";
import { EffectError } from "../../../src/runtime/definition.ts";
import type {
  AuthorizeInput,
  AuthorizeOutput,
  CaptureOutput,
  RefundOutput,
  SettleInput,
  VoidInput,
  VoidOutput,
} from "../../../machines/types.ts";
import type { GatewayCall, GatewayOutcome, PaymentGateway } from "../../../src/services/payments/gateway.ts";

/** What the gateway holds for an order, minor units. */
export type Balance = { readonly authorized: number; readonly settled: number; readonly refunded: number };

/** The payment gateway in memory, on the simulator's own books: idempotent by key, without a network. */
export class GatewayModel implements PaymentGateway {
  readonly books = new Books();
  private readonly outcomes = new Map<string, GatewayOutcome>();
  private readonly ids = new Map<string, string[]>();
  /** Cards that the next authorisations are declined for, and captures that are refused. */
  declines = false;
  refusesCaptures = false;

  async authorize(request: AuthorizeInput, call: GatewayCall): Promise<AuthorizeOutput> {
    const { orderId, method, token, amount } = request;
    return this.once(call, "authorize", orderId, () =>
      this.declines
        ? this.books.decline(orderId, "card_declined")
        : this.books.authorize({ orderId, method, token, ...amount }, `auth_${this.outcomes.size}`),
    ) as AuthorizeOutput;
  }

  async capture(request: SettleInput, call: GatewayCall): Promise<CaptureOutput> {
    const { orderId, authorization, amount } = request;
    if (this.refusesCaptures) return { outcome: "declined", reason: "capture_refused" } as const;
    const decide = (): Decision | Refusal => this.books.capture({ orderId, authorization, ...amount });
    try {
      return this.once(call, "capture", orderId, decide) as CaptureOutput;
    } catch (error) {
      if (error instanceof EffectError) return { outcome: "declined", reason: error.code } as const;
      throw error;
    }
  }

  async void({ orderId, authorization }: VoidInput, call: GatewayCall): Promise<VoidOutput> {
    return this.once(call, "void", orderId, () => this.books.void({ orderId, authorization })) as VoidOutput;
  }

  async refund(request: SettleInput, call: GatewayCall): Promise<RefundOutput> {
    const { orderId, authorization, amount } = request;
    const decide = (): Decision | Refusal => this.books.refund({ orderId, authorization, ...amount });
    return this.once(call, "refund", orderId, decide) as RefundOutput;
  }

  async lookup({ key }: GatewayCall): Promise<GatewayOutcome | undefined> {
    return this.outcomes.get(key);
  }

  /** Sums over all authorisations of an order that were not voided. */
  balance(orderId: string): Balance {
    let [authorized, settled, refunded] = [0, 0, 0];
    for (const id of this.ids.get(orderId) ?? []) {
      const one = this.books.authorization(orderId, id);
      if (one === undefined) continue;
      if (!one.voided) authorized += one.amount;
      settled += one.captured;
      refunded += one.refunded;
    }
    return { authorized, settled, refunded };
  }

  /** Number of authorisations an order ever got. */
  authorizations(orderId: string): number {
    return this.ids.get(orderId)?.length ?? 0;
  }

  /** Each method asks for the kind of outcome that its decision gives. */
  private once(
    { key }: GatewayCall,
    kind: "authorize" | "capture" | "void" | "refund",
    orderId: string,
    decide: () => Decision | Refusal,
  ): GatewayOutcome {
    const earlier = this.outcomes.get(key);
    if (earlier) return earlier;
    const decision = decide();
    if ("refused" in decision) throw new EffectError("refused", decision.code, decision.code);
    this.books.apply({ idempotencyKey: key, fingerprint: key, at: "", ...decision });
    const { result } = decision;
    const outcome: GatewayOutcome =
      result.status === "authorized"
        ? { outcome: "authorized", authorization: result.id }
        : result.status === "declined"
          ? { outcome: "declined", reason: result.reason }
          : { outcome: result.status };
    if (result.status === "authorized") {
      this.ids.set(orderId, [...(this.ids.get(orderId) ?? []), result.id]);
    }
    this.outcomes.set(key, outcome);
    if (kind !== decision.kind) throw new Error(`asked for ${kind}, decided ${decision.kind}`);
    return outcome;
  }
}

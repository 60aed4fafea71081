/**
 * Payments that customers make on the gateway's pages: a fold over operations, beside the books.
 * Owns: the pages.  Does not own: money (the books own it); HTTP; time.
 * Invariants
 *   pages.P1. A page is decided once: paid or declined, and then never changes.
 *   pages.P2. A page is paid with all of its amount, authorized and captured in one step.
 * Proved by: test/unit/nodes/gateway-pages.test.ts
 */
import type { Refusal } from "../simulators/refusal.ts";
import type { Books } from "./books.ts";
import type { Decision, Operation, Page, PageRequest } from "./operation.ts";

/** `closed`: voided by the shop, or too old; it may still be paid late, as some providers allow. */
export type PageStatus = "pending" | "paid" | "declined" | "closed";

/** The present state of a page. */
export type PageView = Page & {
  readonly orderId: string;
  readonly status: PageStatus;
  /** The payment's authorization; null without one. */
  readonly authorization: string | null;
  /** Why it was declined or closed; null otherwise. */
  readonly reason: string | null;
};

type Stored = Page & { readonly orderId: string; authorization: string | null; declined: boolean };

/** The customer's choice. */
export type Choice = "pay" | "pay_late" | "decline";

/** All pages. Decisions change nothing; `apply` does. */
export class Pages {
  private readonly books: Books;
  private readonly pages = new Map<string, Stored>();

  constructor(books: Books) {
    this.books = books;
  }

  /** The page with this id, as of `now` (ms since the epoch); undefined for an unknown id. */
  find(id: string, now: number): PageView | undefined {
    const page = this.pages.get(id);
    if (page === undefined) return undefined;
    const { authorization, declined, orderId } = page;
    const view = (status: PageStatus, reason: string | null): PageView => ({
      id,
      orderId,
      amount: page.amount,
      currency: page.currency,
      expiresAt: page.expiresAt,
      status,
      authorization,
      reason,
    });
    if (authorization !== null) return view("paid", null);
    if (declined) return view("declined", "declined_by_customer");
    if (this.books.isClosed(orderId)) return view("closed", "closed_by_shop");
    return now >= page.expiresAt ? view("closed", "expired") : view("pending", null);
  }

  /** Decides on a new page for the order. `url`: its public address. */
  create(request: PageRequest, id: string, url: string, now: number): Decision | Refusal {
    const { orderId, amount, currency, expiresInMs } = request;
    if (this.books.isClosed(orderId)) return { refused: 409, code: "order_closed" };
    return {
      kind: "page",
      orderId,
      result: { status: "pending", id, url },
      booked: null,
      authorizations: [],
      page: { id, amount, currency, expiresAt: now + expiresInMs },
    };
  }

  /** Decides on the customer's choice. A payment is an authorization that the books capture next. */
  choose(id: string, choice: Choice, authorization: string, now: number): Decision | Refusal {
    const page = this.find(id, now);
    if (page === undefined) return { refused: 404, code: "unknown_payment" };
    const takes: PageStatus = choice === "pay_late" ? "closed" : "pending";
    if (page.status !== takes) return { refused: 409, code: `payment_${page.status}` };
    const { orderId, amount, currency, expiresAt } = page;
    const of = { id, amount, currency, expiresAt };
    if (choice === "decline") {
      const result = { status: "declined", reason: "declined_by_customer" } as const;
      return { kind: "decline", orderId, result, booked: null, authorizations: [], page: of };
    }
    const decision = this.books.authorize(
      { orderId, method: "async", token: "", amount, currency },
      authorization,
      { late: choice === "pay_late" },
    );
    return { ...decision, page: of };
  }

  /** Applies an operation, if it is about a page. */
  apply({ kind, orderId, page, authorizations }: Operation): void {
    if (page === undefined) return;
    if (kind === "page") {
      this.pages.set(page.id, { ...page, orderId, authorization: null, declined: false });
      return;
    }
    const stored = this.pages.get(page.id);
    if (stored === undefined) throw new Error(`ledger names an unknown page ${page.id}`);
    if (kind === "decline") stored.declined = true;
    if (kind === "authorize") stored.authorization = authorizations[0] ?? null;
  }
}

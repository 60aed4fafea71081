import * as fc from "fast-check";
import t from "tap";
import { Books } from "../../../nodes/gateway/books.ts";
import type { Decision, Operation } from "../../../nodes/gateway/operation.ts";
import type { Refusal } from "../../../nodes/simulators/refusal.ts";

const EUR = "EUR";
const NOW = 1_000_000;
const authorizeRequest = (orderId: string, amount: number, method = "credit_card") => ({
  orderId,
  method,
  token: "tok_ok",
  amount,
  currency: EUR,
});

/** Books a decision like the ledger does; a refusal changes nothing. */
function book(books: Books, decision: Decision | Refusal): Decision | Refusal {
  if ("refused" in decision) return decision;
  const operation: Operation = { idempotencyKey: "k", fingerprint: "f", at: "", ...decision };
  books.apply(operation);
  return decision;
}
const outcome = (decision: Decision | Refusal): string =>
  "refused" in decision
    ? decision.code
    : decision.result.status === "declined"
      ? decision.result.reason
      : decision.result.status;

t.test("money moves only as far as it was authorized", async (t) => {
  const books = new Books();
  const capture = (amount?: number, authorization: string | null = "a1") =>
    outcome(book(books, books.capture({ orderId: "o", authorization, ...(amount && { amount }) }, NOW)));
  const refund = (amount?: number) =>
    outcome(book(books, books.refund({ orderId: "o", authorization: "a1", ...(amount && { amount }) })));

  t.equal(capture(1), "unknown_authorization", "nothing can be captured before an authorization");
  t.equal(capture(1, null), "no_authorization");
  t.equal(outcome(book(books, books.authorize(authorizeRequest("o", 1000), "a1"))), "authorized");
  t.equal(refund(1), "not_captured");
  t.equal(capture(1001), "amount_above_authorized");
  t.equal(capture(400), "captured");
  t.equal(capture(601), "amount_above_authorized", "partial captures add up");
  t.equal(capture(), "captured", "without an amount the rest is captured");
  t.equal(capture(), "already_captured");
  t.equal(outcome(books.void({ orderId: "o", authorization: null }, NOW)), "already_captured");
  t.equal(refund(1001), "amount_above_captured");
  t.equal(refund(1000), "refunded");
  t.equal(refund(), "already_refunded");
  t.equal(
    outcome(books.refund({ orderId: "o", authorization: "a1", amount: 1, currency: "USD" })),
    "currency_mismatch",
  );
});

t.test("a void ends an authorization and every later one of the order", async (t) => {
  const books = new Books();
  book(books, books.authorize(authorizeRequest("o", 500), "a1"));
  const voided = book(books, books.void({ orderId: "o", authorization: null }, NOW));
  t.match(voided, { result: { status: "voided" }, booked: { amount: 500, currency: EUR } });
  t.equal(outcome(books.capture({ orderId: "o", authorization: "a1" }, NOW)), "authorization_voided");
  t.equal(outcome(books.void({ orderId: "o", authorization: "a1" }, NOW)), "nothing_to_void");
  t.equal(outcome(books.authorize(authorizeRequest("o", 500), "a2")), "order_voided");
});

t.test("a void that comes first refuses a late authorization", async (t) => {
  const books = new Books();
  const first = book(books, books.void({ orderId: "o", authorization: null }, NOW));
  t.match(first, { result: { status: "nothing_to_void" }, booked: null });
  t.equal(outcome(books.authorize(authorizeRequest("o", 500), "a1")), "order_voided");
  t.equal(outcome(books.authorize(authorizeRequest("other", 500), "a2")), "authorized");
});

t.test("a debit card is settled at once, so it is refunded or reversed as a whole", async (t) => {
  const books = new Books();
  book(books, books.authorize(authorizeRequest("o", 500, "debit_card"), "a1"));
  t.equal(outcome(books.capture({ orderId: "o", authorization: "a1" }, NOW)), "already_captured");
  t.equal(outcome(book(books, books.void({ orderId: "o", authorization: null }, NOW))), "voided");
  t.equal(outcome(books.refund({ orderId: "o", authorization: "a1" })), "authorization_voided");

  book(books, books.authorize(authorizeRequest("p", 500, "debit_card"), "a2"));
  t.equal(outcome(book(books, books.refund({ orderId: "p", authorization: "a2", amount: 100 }))), "refunded");
  t.equal(
    outcome(books.void({ orderId: "p", authorization: null }, NOW)),
    "already_captured",
    "a void does not refund again",
  );
});

t.test("an authorization that was not captured in time is refused for capture and void", async (t) => {
  const books = new Books();
  const until = { expiresAt: NOW + 100 };
  const named = { orderId: "o", authorization: "a1" };
  book(books, books.authorize(authorizeRequest("o", 500), "a1", until));
  t.equal(outcome(books.capture(named, NOW + 99)), "captured", "a moment before");
  t.same(books.lapsed(NOW + 99), []);
  t.equal(outcome(books.capture(named, NOW + 100)), "authorization_expired");
  t.equal(outcome(books.void(named, NOW + 100)), "authorization_expired");
  t.equal(outcome(books.void({ orderId: "o", authorization: null }, NOW + 100)), "nothing_to_void");
  const lapse = { orderId: "o", authorization: "a1", amount: 500, currency: EUR, at: NOW + 100 };
  t.same(books.lapsed(NOW + 100), [lapse]);
  t.same(books.lapsed(NOW + 100, "another"), []);

  book(books, books.capture({ ...named, amount: 200 }, NOW));
  t.same(books.lapsed(NOW + 100), [{ ...lapse, amount: 300 }], "what was captured does not lapse");
  t.equal(outcome(books.void(named, NOW + 100)), "already_captured");
  t.equal(outcome(book(books, books.refund(named))), "refunded", "and is refunded later");

  book(books, books.authorize(authorizeRequest("d", 500, "debit_card"), "a2", until));
  t.same(books.lapsed(NOW + 100, "d"), [], "a debit card is settled");
  t.equal(outcome(books.void({ orderId: "d", authorization: "a2" }, NOW + 100)), "voided");
});

t.test("an order has one currency at the gateway", async (t) => {
  const books = new Books();
  book(books, books.authorize(authorizeRequest("o", 500), "a1"));
  t.equal(
    outcome(books.authorize({ ...authorizeRequest("o", 500), currency: "USD" }, "a2")),
    "currency_mismatch",
  );
});

t.test("after any requests in any order, 0 <= refunded <= captured <= amount", async () => {
  const step = fc.record({
    kind: fc.constantFrom("authorize", "capture", "refund", "void"),
    which: fc.integer({ min: 0, max: 2 }),
    amount: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
    method: fc.constantFrom("credit_card", "debit_card"),
    all: fc.boolean(),
    // Authorizations live 100 ms, and the steps are some time apart.
    later: fc.integer({ min: 0, max: 40 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const books = new Books();
      let net = 0;
      let at = NOW;
      for (const { kind, which, amount, method, all, later } of steps) {
        at += later;
        const id = `a${which}`;
        const known = books.authorization("o", id);
        const request = {
          orderId: "o",
          authorization: all ? null : id,
          ...(amount !== undefined && { amount }),
        };
        if (kind === "authorize" && known) continue;
        const decision = book(
          books,
          kind === "authorize"
            ? books.authorize(authorizeRequest("o", amount ?? 100, method), id, { expiresAt: at + 100 })
            : kind === "capture"
              ? books.capture(request, at)
              : kind === "refund"
                ? books.refund(request)
                : books.void(request, at),
        );
        if (!("refused" in decision) && decision.booked !== null) {
          if (kind === "capture" || decision.settled === true) net += decision.booked.amount;
          if (kind === "refund") net -= decision.booked.amount;
          if (kind === "void") {
            for (const one of decision.authorizations) {
              if (books.authorization("o", one)?.settledAtOnce) {
                net -= books.authorization("o", one)?.amount ?? 0;
              }
            }
          }
        }
        for (const lapse of books.lapsed(at, "o")) {
          const one = books.authorization("o", lapse.authorization);
          if (one === undefined || one.voided || lapse.amount !== one.amount - one.captured) return false;
          if (one.expiresAt === undefined || one.expiresAt > at || one.settledAtOnce) return false;
        }
        let held = 0;
        for (let n = 0; n < 3; n++) {
          const one = books.authorization("o", `a${n}`);
          if (one === undefined) continue;
          held += one.captured - one.refunded;
          if (!(0 <= one.refunded && one.refunded <= one.captured && one.captured <= one.amount))
            return false;
        }
        if (held !== net || net < 0) return false;
      }
      return true;
    }),
    { numRuns: 300 },
  );
});

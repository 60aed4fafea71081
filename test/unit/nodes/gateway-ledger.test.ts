import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { attempt, Ledger } from "../../../nodes/gateway/ledger.ts";
import { behaviorOf, FaultCounter } from "../../../nodes/gateway/tokens.ts";

const noon = Date.UTC(2026, 0, 1, 12);
const request = { orderId: "o", method: "credit_card", token: "tok_ok", amount: 500, currency: "EUR" };
const tried = (key: string, amount = 500) => attempt(key, "authorize", ["o", amount]);

t.test("a repeated key gives the stored operation and counts once", async (t) => {
  const ledger = new Ledger(join(t.testdir(), "ledger.jsonl"), () => noon);
  const first = ledger.book(tried("k1"), (books) => books.authorize(request, "a1"));
  const again = ledger.book(tried("k1"), (books) => books.authorize(request, "a2"));
  t.same(again, first);
  t.same(ledger.entries(), [
    {
      idempotencyKey: "k1",
      orderId: "o",
      kind: "authorize",
      amount: 500,
      currency: "EUR",
      at: "2026-01-01T12:00:00.000Z",
    },
  ]);
  ledger.close();
});

t.test("a key used for another request is refused, and nothing is booked", async (t) => {
  const ledger = new Ledger(join(t.testdir(), "ledger.jsonl"), () => noon);
  ledger.book(tried("k1"), (books) => books.authorize(request, "a1"));
  const other = ledger.book(tried("k1", 600), (books) => books.authorize({ ...request, amount: 600 }, "a2"));
  t.same(other, { refused: 422, code: "idempotency_key_reused" });
  t.equal(ledger.entries().length, 1);
  ledger.close();
});

t.test("a lapsed amount is an entry from that moment on, also after a restart", async (t) => {
  const path = join(t.testdir(), "ledger.jsonl");
  const before = new Ledger(path, () => noon);
  before.book(tried("k1"), (books, now) => books.authorize(request, "a1", { expiresAt: now + 1000 }));
  t.same(
    before.entries().map(({ kind }) => kind),
    ["authorize"],
  );
  before.close();
  const after = new Ledger(path, () => noon + 1000);
  for (const orderId of ["o", undefined])
    t.match(after.entries(orderId), [
      { kind: "authorize", amount: 500 },
      {
        idempotencyKey: "a1:lapse",
        orderId: "o",
        kind: "lapse",
        amount: 500,
        at: "2026-01-01T12:00:01.000Z",
      },
    ]);
  after.close();
});

t.test("a declined operation is stored under its key but is not an entry of the ledger", async (t) => {
  const ledger = new Ledger(join(t.testdir(), "ledger.jsonl"), () => noon);
  ledger.book(tried("k1"), (books) => books.decline("o", "card_declined"));
  t.match(ledger.find("k1")?.result, { status: "declined", reason: "card_declined" });
  t.same(ledger.entries(), []);
  t.same(ledger.entries("o"), []);
  ledger.close();
});

t.test("after a restart keys, results and sums are as before", async (t) => {
  const path = join(t.testdir(), "sub", "ledger.jsonl");
  const before = new Ledger(path, () => noon);
  before.book(tried("k1"), (books) => books.authorize(request, "a1"));
  before.book(attempt("k2", "capture", [1]), (books, now) =>
    books.capture({ orderId: "o", authorization: "a1", amount: 300 }, now),
  );
  before.book(attempt("k3", "void", []), (books, now) =>
    books.void({ orderId: "late", authorization: null }, now),
  );
  const entries = before.entries();
  before.close();

  const after = new Ledger(path, () => noon + 1000);
  t.same(after.entries(), entries);
  t.match(after.find("k1")?.result, { status: "authorized", id: "a1" });
  t.match(after.books.authorization("o", "a1"), { captured: 300, amount: 500 });
  const late = after.book(attempt("k4", "authorize", ["late"]), (books) =>
    books.authorize({ ...request, orderId: "late" }, "a2"),
  );
  t.match(late, { result: { status: "declined", reason: "order_voided" } });
  after.close();
});

t.test("a torn last line is removed: its client was never answered", async (t) => {
  const path = join(t.testdir(), "ledger.jsonl");
  const before = new Ledger(path, () => noon);
  before.book(tried("k1"), (books) => books.authorize(request, "a1"));
  before.close();
  const whole = readFileSync(path, "utf8");
  appendFileSync(path, whole.slice(0, 40));

  const after = new Ledger(path, () => noon);
  t.equal(after.entries().length, 1);
  after.book(tried("k2"), (books) => books.authorize(request, "a2"));
  after.close();
  t.equal(new Ledger(path, () => noon).entries().length, 2, "the next line is complete");
});

t.test("a file with an invalid line is refused, and the line is named", async (t) => {
  const path = join(t.testdir(), "ledger.jsonl");
  writeFileSync(path, "not json\n");
  t.throws(() => new Ledger(path, () => noon), { message: /ledger\.jsonl:1 is not a line of the ledger/ });
});

t.test("tokens: names of object properties are unknown tokens", async (t) => {
  t.equal(behaviorOf("tok_ok"), "authorize");
  t.equal(behaviorOf("constructor"), "unknown");
  t.equal(behaviorOf("__proto__"), "unknown");
  t.equal(behaviorOf(""), "unknown");
});

t.test("a fault counter strikes up to its limit per key and forgets the oldest key", async (t) => {
  const counter = new FaultCounter(2, 2);
  t.same(
    [counter.strikes("a"), counter.strikes("a"), counter.strikes("a"), counter.strikes("b")],
    [true, true, false, true],
  );
  counter.strikes("c");
  t.equal(counter.strikes("a"), true, "forgotten when two newer keys came");
});

import t from "tap";
import * as fc from "fast-check";
import { failureOf } from "../../../machines/effect.ts";
import { collectsExactly, sameMoney } from "../../../machines/money.ts";
import { mayReserveAgain, mayRetry, retry, retryDelayMs } from "../../../machines/retry.ts";
import type { Money } from "../../../machines/types.ts";

const euro = (amount: number): Money => ({ amount, currency: "EUR" });

t.test("money is the same only in amount and currency", async (t) => {
  t.ok(sameMoney(euro(1), { currency: "EUR", amount: 1 }));
  t.notOk(sameMoney(euro(1), euro(2)));
  t.notOk(sameMoney(euro(1), { amount: 1, currency: "USD" }));
});

t.test("at the door exactly what is due is collected", async (t) => {
  t.ok(collectsExactly("in_person", euro(100), euro(100)));
  t.notOk(collectsExactly("in_person", euro(100), euro(99)));
  t.notOk(collectsExactly("cash_on_delivery", euro(100), undefined));
  t.notOk(collectsExactly("cash_on_delivery", euro(100), { amount: 100, currency: "USD" }));
  t.ok(collectsExactly("credit_card", euro(100), undefined));
  t.ok(collectsExactly("credit_card", euro(100), euro(0)));
  t.notOk(collectsExactly("debit_card", euro(100), euro(100)));
});

t.test("pauses double from the first to the longest and stay finite for any number of tries", async (t) => {
  t.strictSame([1, 2, 3].map(retryDelayMs), [1000, 2000, 4000]);
  fc.assert(
    fc.property(fc.nat({ max: 1_000_000 }), (tries) => {
      const pause = retryDelayMs(tries);
      return pause >= retry.firstMs && pause <= retry.longestMs && pause <= retryDelayMs(tries + 1);
    }),
  );
});

t.test("retries end", async (t) => {
  t.ok(mayRetry(retry.most - 1));
  t.notOk(mayRetry(retry.most));
  t.ok(mayReserveAgain(7));
  t.notOk(mayReserveAgain(8));
});

t.test("a failure without the expected form is read as an unknown outcome", async (t) => {
  const refused = { code: "no", message: "no", kind: "refused" } as const;
  t.strictSame(failureOf(refused), refused);
  t.match(failureOf(new Error("broken")), { kind: "unknown", code: "unknown" });
  t.match(failureOf(undefined), { kind: "unknown" });
});

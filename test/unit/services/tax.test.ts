import * as fc from "fast-check";
import t from "tap";
import { rateText, taxIncluded } from "../../../src/services/documents/tax.ts";

const of = (amount: number, basisPoints: number) => {
  const { net, tax } = taxIncluded({ amount, currency: "EUR" }, basisPoints);
  return [net.amount, tax.amount];
};

t.test("the tax in a sum is rounded half up, the rest is net", async (t) => {
  t.same(of(12_300, 2300), [10_000, 2300]);
  t.same(of(4848, 2300), [3941, 907], "906.54 of tax");
  t.same(of(3, 2000), [2, 1], "0.5 is rounded up");
  t.same(of(1, 2300), [1, 0]);
  t.same(of(0, 2300), [0, 0]);
  t.same(of(1999, 0), [1999, 0]);
  t.same(of(Number.MAX_SAFE_INTEGER, 10_000), [4_503_599_627_370_495, 4_503_599_627_370_496]);
});

t.test("net and tax are the sum again, and the tax is the nearest whole amount", async () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat({ max: 10_000 }), (amount, rate) => {
      const gross = { amount, currency: "EUR" };
      const { net, tax } = taxIncluded(gross, rate);
      const whole = BigInt(10_000 + rate);
      // Twice the distance to the exact tax, in parts of `whole`.
      const off = 2n * (BigInt(tax.amount) * whole - BigInt(amount) * BigInt(rate));
      return (
        net.amount + tax.amount === amount &&
        net.amount >= 0 &&
        tax.amount >= 0 &&
        off > -whole &&
        off <= whole &&
        net.currency === "EUR" &&
        tax.currency === "EUR"
      );
    }),
    { numRuns: 2000 },
  );
});

t.test("rates are shown as percentages, exactly", async (t) => {
  for (const [basisPoints, text] of [
    [2300, "23 %"],
    [550, "5.5 %"],
    [25, "0.25 %"],
    [0, "0 %"],
    [10_000, "100 %"],
    [1960, "19.6 %"],
    [725, "7.25 %"],
  ] as const)
    t.equal(rateText(basisPoints), text);
});

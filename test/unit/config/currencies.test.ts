/** Codes and minor units are those of ISO 4217, whatever Node's own table says. */
import t from "tap";
import { isCurrency, minorDigits } from "../../../config/currencies.ts";

/** Where Node writes amounts without the decimals that ISO 4217 gives the currency. */
const WRITTEN_WHOLE = ["HUF", "COP", "PKR", "IRR", "SYP", "SOS", "MMK", "LAK", "ALL", "IDR"];

t.test("a currency has the minor unit of ISO 4217", async (t) => {
  for (const [digits, codes] of [
    [0, ["JPY", "KRW", "CLP", "ISK", "VND", "XAF", "XOF", "XPF", "UGX"]],
    [2, ["EUR", "USD", "GBP", "CZK", "PLN", "MGA", "MRU", "XCG", ...WRITTEN_WHOLE]],
    [3, ["KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD"]],
    [4, ["CLF", "UYW"]],
  ] as const)
    for (const code of codes) t.equal(minorDigits(code), digits, code);
});

t.test("a code that ISO 4217 does not list is no currency", async (t) => {
  for (const code of ["ZZZ", "eur", "EURO", "EU", "", "HRK", "XXX", "XTS", "toString"])
    t.notOk(isCurrency(code), code);
  for (const code of ["EUR", "USD", "HUF", "ZWG", "XCG", "SLE", "VED"]) t.ok(isCurrency(code), code);
});

t.test("an amount stored with a code of another list is shown with two decimals", async (t) => {
  t.equal(minorDigits("HRK"), 2);
  t.equal(minorDigits("ZZZ"), 2);
});

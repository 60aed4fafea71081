/** Amounts, times and numbers as the console writes them. */
import t from "tap";
import {
  formatCount,
  formatDuration,
  formatMoney,
  formatRelative,
  formatTime,
  inWords,
} from "../../../console/src/ui/format.ts";

t.test("an amount has the digits of its currency", async (t) => {
  t.equal(formatMoney({ amount: 3998, currency: "EUR" }, "en"), "€39.98");
  t.equal(formatMoney({ amount: 3998, currency: "JPY" }, "en"), "¥3,998");
  t.equal(formatMoney({ amount: 1234, currency: "KWD" }, "en").replace(/\s/u, " "), "KWD 1.234");
});

t.test("a length of time has one measure", async (t) => {
  t.strictSame([0, 59_999, 60_000, 3_599_999, 3_600_000, 86_399_999, 86_400_000, -5].map(formatDuration), [
    "0 s",
    "59 s",
    "1 min",
    "59 min",
    "1 h",
    "23 h",
    "1 d",
    "0 s",
  ]);
});

t.test("an instant is before, after, or now", async (t) => {
  t.equal(formatRelative(1_000, 1_500), "now");
  t.equal(formatRelative(0, 240_000), "4 min ago");
  t.equal(formatRelative(42_000, 0), "in 42 s");
  t.equal(formatTime(0, "utc", 99), "1970-01-01 00:00:00 UTC");
  t.equal(formatTime(0, "relative", 5000), "5 s ago");
  t.match(formatTime(0, "local", 99), /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/u);
});

t.test("numbers have groups, and names of the API are words", async (t) => {
  t.equal(formatCount(98_214), "98\u202f214");
  t.equal(inWords("payment_failed"), "payment failed");
});

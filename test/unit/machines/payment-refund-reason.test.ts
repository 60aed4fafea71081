/** The end of the order decides the reason of a refund, whatever call failed before. */
import t from "tap";
import type { Chart, Taken } from "./chart.ts";
import { reach, type W, when } from "./payment-stage.ts";

const card: W[] = ["order created", "authorized"];
const waiting: W[] = ["order created", "page made"];
const refundedTwice: W[] = ["refund unknown", "pause over", "refunded"];

/** The reason in the refund event that the last of these steps emits. */
function reasonAfter(reached: () => Chart, ...path: W[]): unknown {
  const chart = reached();
  let last: Taken | undefined;
  for (const event of path) last = when[event].happen(chart);
  return (last?.emitted.find(({ type }) => type === "payment.refunded") as { reason?: unknown } | undefined)
    ?.reason;
}

t.test(
  "a cancelled order is refunded because it was cancelled, though something had failed before",
  async (t) => {
    const refusedTwice: W[] = [
      "capture declined",
      "pause over",
      "capture declined",
      "pause over",
      "captured",
    ];
    t.equal(
      reasonAfter(
        reach("credit_card", ...card, "capture requested", ...refusedTwice, "order closed"),
        "refunded",
      ),
      "cancelled",
      "captured at the third try",
    );
    t.equal(
      reasonAfter(reach("debit_card", ...card, "order closed"), ...refundedTwice),
      "cancelled",
      "the gateway was away",
    );
    t.equal(
      reasonAfter(reach("async", ...waiting, "reported paid", "order closed"), ...refundedTwice),
      "cancelled",
      "paid on a page",
    );
    t.equal(
      reasonAfter(
        reach("async", ...waiting, "order closed", "void unknown", "pause over", "voided", "reported paid"),
        ...refundedTwice,
      ),
      "cancelled",
      "paid after the end",
    );
  },
);

t.test(
  "money that came after a decline or the deadline is refunded for that, though a refund failed",
  async (t) => {
    t.equal(
      reasonAfter(reach("async", ...waiting, "reported declined", "reported paid"), ...refundedTwice),
      "failed",
    );
    t.equal(
      reasonAfter(
        reach("async", ...waiting, "deadline over", "nothing to void", "reported paid"),
        ...refundedTwice,
      ),
      "expired",
    );
    t.equal(
      reasonAfter(
        reach("debit_card", "order created", "authorization timed out", "void refused"),
        "refunded",
      ),
      "expired",
    );
  },
);

t.test("the refund of a returned order says so, though a try had failed before", async (t) => {
  t.equal(reasonAfter(reach("debit_card", ...card, "sent back"), ...refundedTwice), "returned");
});

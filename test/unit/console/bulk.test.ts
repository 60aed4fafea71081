/** Commands to many orders: what the numbers of a preview and of an operation mean. */
import t from "tap";
import { bulkActions as allActions } from "../../../src/services/bulk/contract.ts";
import {
  actionWords,
  bulkActions,
  failedOf,
  goesOn,
  remainingMs,
  splitOf,
} from "../../../console/src/bulk/bulk-words.ts";
import { targetOf, wordsOf } from "../../../console/src/orders/many.ts";
import { listCodec } from "../../../console/src/orders/list-filter.ts";

t.test("every action of the API has words, and one of a later node keeps its name", async (t) => {
  t.strictSame(Object.keys(bulkActions).toSorted(), [...allActions].toSorted());
  t.strictSame(actionWords("audit"), { title: "audit" });
});

t.test("a preview splits its orders into those that take the action and those that refuse it", async (t) => {
  const eligible = [
    { state: "confirmed", count: 7 },
    { state: "ready", count: 3 },
  ];
  t.strictSame(splitOf({ count: 12, eligible }), { takes: 10, refuses: 2 });
  t.strictSame(splitOf({ count: 9, eligible }), { takes: 10, refuses: 0 }, "counted a moment earlier");
});

t.test("an operation says how long the rest takes, and which orders were not reached", async (t) => {
  const began = { startedAt: "2026-11-30T10:00:00.000Z", updatedAt: "2026-11-30T10:00:10.000Z" };
  t.equal(remainingMs({ ...began, count: 30, processed: 10 }), 20_000);
  t.equal(remainingMs({ ...began, count: 30, processed: 0 }), undefined);
  t.equal(remainingMs({ ...began, updatedAt: began.startedAt, count: 30, processed: 1 }), undefined);
  t.equal(
    failedOf({
      outcomes: [
        { code: "done", count: 4 },
        { code: "illegal_transition", count: 2 },
        { code: "unavailable", count: 1 },
      ],
    }),
    3,
  );
  t.equal(goesOn({ status: "stopping" }), true);
  t.equal(goesOn({ status: "stopped" }), false);
});

t.test("a selection goes as ids, a filter as what is in the address without its sort", async (t) => {
  t.strictSame(targetOf(new Set(["ord_1"])), { ids: ["ord_1"] });
  const filter = listCodec.read("?status=ready,confirmed&q=ada&sort=-total&parked=true");
  t.strictSame(targetOf(filter), { filter: { status: "confirmed,ready", q: "ada", parked: "true" } });
  t.strictSame(wordsOf(filter), ["status is confirmed or ready", "found by “ada”", "parked"]);
  t.strictSame(wordsOf(new Set(["ord_1"])), ["1 selected order"]);
  t.strictSame(wordsOf(new Set(["ord_1", "ord_2"])), ["2 selected orders"]);
});

/** Places of orders in the list they were opened from, saved views, rights of actions, machines as Mermaid. */
import t from "tap";
import { placeIn } from "../../../console/src/orders/list-place.ts";
import { viewLimits, viewsIn, withView } from "../../../console/src/orders/saved-views.ts";
import { permissionFor } from "../../../console/src/order/action-rights.ts";

t.test("an order has its place in the list, and those before and after it", async (t) => {
  const list = { href: "/orders", ids: ["a", "b", "c"], total: 214 };
  t.strictSame(placeIn(list, "b"), { number: 2, of: 214, before: "a", after: "c" });
  t.strictSame(placeIn(list, "a"), { number: 1, of: 214, after: "b" });
  t.strictSame(placeIn({ ...list, total: 1 }, "c"), { number: 3, of: 3, before: "b" }, "the list has grown");
  t.equal(placeIn(list, "z"), undefined);
  t.equal(placeIn(undefined, "a"), undefined);
});

const view = (name: string, search = "q=1") => ({ name, search });

t.test(
  "views are kept once for each name, up to a bound, and a damaged text has those that can be read",
  async (t) => {
    t.strictSame(withView([view("a"), view("b")], view("a", "q=2")), [view("b"), view("a", "q=2")]);
    const many = Array.from({ length: viewLimits.views }, (_, at) => view(`${at}`));
    t.equal(withView(many, view("new")).length, viewLimits.views);
    t.strictSame(withView(many, view("new"))[0], view("1"));
    t.strictSame(viewsIn(JSON.stringify([view("a"), null, { name: 7 }])), [view("a")]);
    for (const text of [null, "{", '{"a":1}', "[]"]) t.strictSame(viewsIn(text), []);
  },
);

t.test("every command needs the permission of its route", async (t) => {
  for (const [path, permission] of [
    ["cancel", "orders:cancel"],
    ["retry", "orders:retry"],
    ["resume", "parked:resolve"],
    ["skip", "parked:resolve"],
    ["fulfillment/settle", "orders:settle"],
    ["fulfillment/pick", "orders:fulfill"],
    ["fulfillment/report-lost", "orders:fulfill"],
  ] as const)
    t.equal(permissionFor(path), permission, path);
});

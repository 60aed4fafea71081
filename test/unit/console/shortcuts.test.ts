/** Keys that do something from any page, and what the palette finds. */
import t from "tap";
import {
  type Entry,
  isOrderId,
  isSearch,
  matching,
  moved,
} from "../../../console/src/app/palette-entries.ts";
import { readKey } from "../../../console/src/app/shortcuts.ts";

const places = new Map([["o", "/orders"]]);
const press = (key: string, more: object = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  at: 0,
  ...more,
});

const entry = (title: string, hint = ""): Entry => ({ id: title, title, hint, run: () => undefined });

t.test("two keys in a row go to a page, when the second comes soon", async (t) => {
  const { waiting } = readKey(undefined, press("g", { at: 100 }), places, false);
  t.equal(waiting, 100);
  t.strictSame(readKey(waiting, press("o", { at: 900 }), places, false), {
    action: { type: "go", path: "/orders" },
    waiting: undefined,
  });
  t.equal(readKey(waiting, press("o", { at: 1400 }), places, false).action, undefined);
  t.strictSame(readKey(waiting, press("p", { at: 900 }), places, false), { waiting: undefined });
});

t.test("no single key does anything while the user types, and the chord of the palette does", async (t) => {
  for (const key of ["/", "?", "p"]) {
    t.ok(readKey(undefined, press(key), places, false).action, key);
    t.notOk(readKey(undefined, press(key), places, true).action, `${key} while typing`);
    t.notOk(readKey(undefined, press(key, { altKey: true }), places, false).action, `${key} with Alt`);
  }
  t.notOk(readKey(undefined, press("g"), places, true).waiting);
  for (const chord of [{ ctrlKey: true }, { metaKey: true }])
    t.strictSame(readKey(undefined, press("k", chord), places, true).action, { type: "palette" });
});

t.test("the palette finds entries that have all words", async (t) => {
  const entries = [entry("Place an order"), entry("Orders", "page"), entry("Cluster", "page")];
  t.same(
    matching(entries, "ord").map(({ title }) => title),
    ["Orders", "Place an order"],
  );
  t.same(
    matching(entries, "page clu").map(({ title }) => title),
    ["Cluster"],
  );
  t.equal(matching(entries, "").length, 3);
  t.equal(isOrderId(" ord_4f0v5Xk2 "), true);
  t.equal(isOrderId("order"), false);
  t.equal(isSearch("ad"), false);
});

t.test("the choice moves in a circle", async (t) => {
  t.equal(moved(0, "ArrowUp", 3), 2);
  t.equal(moved(2, "ArrowDown", 3), 0);
  t.equal(moved(1, "a", 3), 1);
  t.equal(moved(0, "ArrowDown", 0), 0);
});

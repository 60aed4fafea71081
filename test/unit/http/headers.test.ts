import type { IncomingMessage } from "node:http";
import t from "tap";
import { etagOf, matches } from "../../../src/http/protocol/etag.ts";
import { decodeCursor, encodeCursor } from "../../../src/http/protocol/page-cursor.ts";
import { readPreferences } from "../../../src/http/protocol/preferences.ts";
import { requestIds } from "../../../src/http/protocol/request-id.ts";

t.test("Prefer: known preferences are applied, the others are ignored", async (t) => {
  const cases: [string | undefined, number, boolean, string][] = [
    [undefined, 7_500, false, ""],
    ["", 7_500, false, ""],
    ["respond-async", 0, true, "respond-async"],
    ["Respond-Async", 0, true, "respond-async"],
    ["wait=1", 1_000, false, "wait=1"],
    ["wait=60", 60_000, false, "wait=60"],
    ['wait="7"', 7_000, false, "wait=7"],
    ["respond-async, wait=5", 5_000, false, "respond-async, wait=5"],
    ["wait=5,respond-async", 5_000, false, "respond-async, wait=5"],
    ["wait=2, wait=9", 2_000, false, "wait=2"],
    ["wait=0", 7_500, false, ""],
    ["wait=61", 7_500, false, ""],
    ["wait=1e1", 7_500, false, ""],
    ["wait=-1", 7_500, false, ""],
    ["wait=99999999999999999999", 7_500, false, ""],
    ["wait", 7_500, false, ""],
    ["return=minimal", 7_500, false, ""],
    ["respond-async; foo=bar", 0, true, "respond-async"],
  ];
  for (const [header, waitMs, answerAtOnce, applied] of cases)
    t.strictSame(readPreferences(header, 7_500), { waitMs, answerAtOnce, applied }, String(header));
});

t.test("If-None-Match compares weakly, in lists, and matches any with *", async (t) => {
  const etag = etagOf(7);
  t.equal(etag, '"7"');
  for (const header of ['"7"', 'W/"7"', '"1", "7"', "*", '"1",W/"7"'])
    t.equal(matches(header, etag), true, header);
  for (const header of ['"8"', "7", '"77"', "", '"1","2"', undefined])
    t.equal(matches(header, etag), false, String(header));
});

t.test("a sane X-Request-Id is kept, any other is replaced", async (t) => {
  const idOf = requestIds(() => "new");
  const given = (id: string | string[]) =>
    idOf({ headers: { "x-request-id": id } } as unknown as IncomingMessage);
  t.equal(given("abc-1.2:3_4"), "abc-1.2:3_4");
  for (const bad of ["", "a b", 'a"b', "a\u0000", "é", "x".repeat(129)]) t.equal(given(bad), "req_new", bad);
  t.equal(given(["a", "b"]), "req_new");
  t.equal(idOf({ headers: {} } as IncomingMessage), "req_new");
});

t.test("a cursor decodes to the SKU it was made of, and no other text is accepted as one", async (t) => {
  for (const sku of ["TSHIRT-M", "a", "x".repeat(64)]) t.equal(decodeCursor(encodeCursor(sku)), sku);
  for (const bad of ["!!!", encodeCursor("../x"), encodeCursor("a b"), encodeCursor("x".repeat(65))])
    t.throws(() => decodeCursor(bad), { code: "validation_failed" });
});

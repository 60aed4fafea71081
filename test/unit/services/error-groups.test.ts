/** Failures of one fault are one group, whatever ids and numbers their errors have. */
import t from "tap";
import { errorGroups } from "../../../src/services/error-groups.ts";

const failure = (n: number, error: string, where = "email") => ({ id: `f${n}`, at: n, error, where });
const at = (ms: number) => new Date(ms).toISOString();

t.test("errors that differ in ids and numbers are one group, the most frequent first", async (t) => {
  const groups = errorGroups([
    failure(1, "550 no such user ord_01kb8y"),
    failure(2, "machine payment failed: no such method"),
    failure(3, "machine payment failed: no such method", "inbox:payment.settled"),
    failure(4, "551 no such user ord_9"),
    failure(5, "552 no such user 0f8fad5b-d9cb-469f-a165-70867728950e"),
  ]);
  t.strictSame(groups[0], {
    error: "… no such user …",
    where: "email",
    count: 3,
    oldest: at(1),
    newest: at(5),
    ids: ["f1", "f4", "f5"],
  });
  t.match(groups.slice(1), [
    { where: "email", count: 1, oldest: at(2) },
    { where: "inbox:payment.settled", count: 1, oldest: at(3) },
  ]);
});

t.test("a group names ten of its failures at most, and none is none", async (t) => {
  const many = errorGroups(Array.from({ length: 30 }, (_, n) => failure(n, "x")));
  t.match(many, [{ count: 30 }]);
  t.equal(many[0]?.ids.length, 10);
  t.strictSame(errorGroups([]), []);
});

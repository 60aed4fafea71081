import t from "tap";
import { compileFilters, isLiteralSubject } from "../../../src/adapters/jetstream/append-rules.ts";

const cases: readonly (readonly [filters: string[], subject: string, matches: boolean])[] = [
  [["a.b"], "a.b", true],
  [["a.b"], "a", false],
  [["a.b"], "a.b.c", false],
  [["a.b"], "a.bc", false],
  [["a.>"], "a.b", true],
  [["a.>"], "a.b.c", true],
  [["a.>"], "a", false],
  [["a.>"], "a.", false],
  [["a.>"], "ab.c", false],
  [["a.b.>"], "a.c.d", false],
  [["a.*"], "a.b", true],
  [["a.*"], "a.b.c", false],
  [["a.*.c"], "a.b.c", true],
  [["a.*.c"], "a.b.d", false],
  [["a.*.>"], "a.b.c.d", true],
  [["a.*.>"], "a.b", false],
  [["*"], "a", true],
  [["*"], "a.b", false],
  [[">"], "a", true],
  [[">"], "a.b", true],
  [["x", "a.*", "y.>"], "a.b", true],
  [["x", "a.*", "y.>"], "y.b.c", true],
  [["x", "a.*", "y.>"], "z", false],
  [[], "a", false],
];

t.test("a subject matches a filter token by token, as on the server", async (t) => {
  for (const [filters, subject, matches] of cases)
    t.equal(compileFilters(filters)(subject), matches, `${subject} of ${filters.join(", ") || "none"}`);
});

t.test("a message has one subject, without wildcards, spaces and empty tokens", async (t) => {
  for (const subject of ["a", "a.b", "a.b-c_d.0"]) t.ok(isLiteralSubject(subject), subject);
  for (const subject of ["", "a.*", "a.>", ".a", "a.", "a..b", "a b", "a\n", "a".repeat(1025)])
    t.notOk(isLiteralSubject(subject), JSON.stringify(subject).slice(0, 20));
});

import * as fc from "fast-check";
import t from "tap";
import { assertPlainUtf8, readJson } from "../../../src/http/protocol/json-body.ts";

const read = (text: string) => readJson(Buffer.from(text));

t.test("any JSON value of bounded depth is read like JSON.parse does", async (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom(undefined, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      t.strictSame(JSON.stringify(read(text)), JSON.stringify(JSON.parse(text)));
    }),
  );
});

t.test("colons and quotes inside strings are not taken for members", async (t) => {
  t.strictSame(read(String.raw`{"a:b":"x\":y\\","c":":{[\\\""}`), { "a:b": 'x":y\\', c: ':{[\\"' });
});

t.test("an empty body is no value", async (t) => t.equal(read(""), undefined));

const refused: [string, string, string][] = [
  ["a key twice", '{"a":1,"a":1}', "duplicate_key"],
  ["a key twice in a nested object", '{"a":[{"b":{"c":1,"c":2}}]}', "duplicate_key"],
  ["a key twice in two spellings", String.raw`{"a":1,"\u0061":2}`, "duplicate_key"],
  ["__proto__ twice", '{"__proto__":1,"__proto__":2}', "duplicate_key"],
  ["a cut text", '{"a":', "malformed_json"],
  ["two texts", "{}{}", "malformed_json"],
  ["only blanks", "  \n", "malformed_json"],
  ["NaN", '{"a":NaN}', "malformed_json"],
  ["a comment", "{/* */}", "malformed_json"],
  ["a trailing comma", "[1,]", "malformed_json"],
  ["a raw control character", '{"a":"\u0000"}', "malformed_json"],
  ["more depth than allowed", "[".repeat(33) + "]".repeat(33), "malformed_json"],
  ["endless depth", "[".repeat(65_536), "malformed_json"],
];
for (const [name, text, code] of refused)
  t.test(`${name} is refused`, async (t) => {
    t.throws(() => read(text), { name: "ProblemError", code });
  });

t.test("depth up to the bound is accepted", async (t) => {
  t.doesNotThrow(() => read("[".repeat(32) + "]".repeat(32)));
});

t.test("bytes that are not UTF-8 are refused", async (t) => {
  t.throws(() => readJson(Buffer.from([0x22, 0xff, 0x22])), { code: "malformed_json" });
  t.throws(() => readJson(Buffer.from('"ü"', "latin1")), { code: "malformed_json" });
});

t.test("__proto__ becomes an own member and changes no prototype", async (t) => {
  const value = read('{"__proto__":{"polluted":true}}') as object;
  t.ok(Object.hasOwn(value, "__proto__"));
  t.equal("polluted" in value, false);
});

t.test("only UTF-8 without content coding is plain", async (t) => {
  for (const type of [
    "application/json; charset=utf-8",
    'application/json;charset="UTF-8"',
    "Application/JSON",
  ])
    t.doesNotThrow(() => assertPlainUtf8({ "content-type": type }), type);
  const refused = { code: "unsupported_media_type" };
  t.throws(() => assertPlainUtf8({ "content-type": "application/json; charset=latin1" }), refused);
  t.throws(() => assertPlainUtf8({ "content-type": "application/json; charset=utf-16" }), refused);
  t.throws(
    () => assertPlainUtf8({ "content-type": "application/json", "content-encoding": "gzip" }),
    refused,
  );
  t.doesNotThrow(() =>
    assertPlainUtf8({ "content-type": "application/json", "content-encoding": "identity" }),
  );
});

/** Serializers are compiled when they are needed first: here all of them are, so that none of them can be broken. */
import t from "tap";
import { LazySerializers } from "../../../src/http/protocol/lazy-serializers.ts";
import { startApp } from "../../support/http-services.ts";

t.test("the serializer of every answer of every route compiles", async (t) => {
  const serializers = new LazySerializers();
  await startApp(t, { serializers });
  t.ok(serializers.compileAll() > 100);
});

t.test("a schema that is broken is found", (t) => {
  const serializers = new LazySerializers();
  const answer = { method: "GET", url: "/", httpStatus: "200", schema: { $ref: "Nothing#" } };
  const serialize = serializers.build({}, {})(answer);
  t.throws(() => serializers.compileAll(), /Nothing/u);
  t.throws(() => serialize({}), /Nothing/u);
  t.end();
});

t.test("an answer is serialized by its schema, the first time and later", (t) => {
  const schema = { type: "object", properties: { a: { $ref: "Word#" } } };
  const build = new LazySerializers().build({ Word: { $id: "Word", type: "string" } }, {});
  const serialize = build({ method: "GET", url: "/", httpStatus: "200", schema });
  for (const a of ["x", "y"]) t.equal(serialize({ a, secret: 1 }), JSON.stringify({ a }));
  t.end();
});

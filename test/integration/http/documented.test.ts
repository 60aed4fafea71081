/** The OpenAPI document keeps its word: its examples are requests that work, and every answer is as it states. */
import t from "tap";
import { withNulls } from "../../../src/http/openapi-nulls.ts";
import {
  type ApiDocument,
  answerCheck,
  exampleRequests,
  isStream,
  lacking,
  operationsOf,
} from "../../support/audits/api-requests.ts";
import { startAnswering } from "../../support/answering-services.ts";

const { app, restock } = await startAnswering(t);
const document = (await app.inject("/openapi.json")).json<ApiDocument>();
const operations = operationsOf(document);
const differs = answerCheck(document);

t.test("every body, path parameter and required parameter has an example", async (t) => {
  t.strictSame(
    operations.flatMap((one) => lacking(document, one)),
    [],
  );
});

for (const one of operations.filter((one) => !isStream(one)))
  t.test(`the examples of ${one.method} ${one.path} are answered as documented`, async (t) => {
    const statuses: number[] = [];
    for (const request of exampleRequests(document, one)) {
      restock();
      const answer = await app.inject(request);
      t.equal(differs(one, answer), "", `${JSON.stringify(request)} ${answer.body.slice(0, 300)}`);
      statuses.push(answer.statusCode);
    }
    t.ok(
      statuses.some((status) => status < 300),
      `${statuses.join(" ")}: one of them succeeds`,
    );
  });

t.test("an answer that is not as documented is found", async (t) => {
  const one = operations.find(({ method, path }) => method === "get" && path === "/v1/orders/{id}");
  if (one === undefined) throw new Error("no operation reads an order");
  const answer = await app.inject("/v1/orders/ord_4f0v5Xk2");
  t.equal(differs(one, answer), "");
  const json = { "content-type": "application/json" };
  const of = (body: object, statusCode = 200, headers: object = json) =>
    differs(one, { statusCode, headers: { ...headers }, body: JSON.stringify(body) });
  t.match(of({ ...answer.json<object>(), version: "7" }), /must be integer/u);
  t.match(of({ ...answer.json<object>(), id: undefined }), /must have required property 'id'/u);
  t.match(of({}, 418), /418 is not documented/u);
  t.match(of({}, 200, { "content-type": "text/plain" }), /text\/plain is not documented/u);
});

t.test("the document has no member of OpenAPI 3.0 in its schemas", async (t) => {
  t.notMatch(JSON.stringify(document), '"nullable":');
  t.strictSame(withNulls({ a: { type: "string", nullable: true }, b: { $ref: "#/x", nullable: true } }), {
    a: { type: ["string", "null"] },
    b: { anyOf: [{ $ref: "#/x" }, { type: "null" }] },
  });
  t.strictSame(withNulls([{ enum: ["x"], type: "string", nullable: true }]), [
    { enum: ["x", null], type: ["string", "null"] },
  ]);
  t.strictSame(withNulls({ properties: { nullable: { type: "boolean" } } }), {
    properties: { nullable: { type: "boolean" } },
  });
});

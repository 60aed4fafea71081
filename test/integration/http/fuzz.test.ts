/** Thousands of random requests from the OpenAPI document: none fails the server, and every error is a problem. */
import * as fc from "fast-check";
import t from "tap";
import { type ProblemCode, problems } from "../../../src/http/protocol/problems.ts";
import { type Fuzzed, fuzzed } from "../../support/audits/api-fuzz.ts";
import {
  type ApiAnswer,
  type ApiDocument,
  answerCheck,
  isStream,
  operationsOf,
} from "../../support/audits/api-requests.ts";
import { startAnswering } from "../../support/answering-services.ts";

const { app, restock } = await startAnswering(t);
const document = (await app.inject("/openapi.json")).json<ApiDocument>();
// An answer that does not end is tested with a real connection: test/integration/http/event-stream.test.ts.
const operations = operationsOf(document).filter((one) => !isStream(one));
const differs = answerCheck(document);

const REQUESTS = 3_000;
/** Problems of bare HTTP, which no operation documents. */
const bare: readonly string[] = ["not_found", "method_not_allowed", "request_timeout", "headers_too_large"];

/** What is wrong with an answer; empty: nothing. */
function faultOf({ itsOwn, one, request }: Fuzzed, answer: ApiAnswer): string {
  const { body, headers, statusCode } = answer;
  if (statusCode >= 500) return `status ${statusCode}: ${body}`;
  if (request.method === "HEAD") return "";
  let code = "";
  if (statusCode >= 400) {
    if (headers["content-type"] !== "application/problem+json") return `${statusCode} is no problem document`;
    const problem = JSON.parse(body) as { readonly code: ProblemCode; readonly status: number };
    if (problems[problem.code]?.status !== statusCode || problem.status !== statusCode)
      return `not of the list: ${body}`;
    code = problem.code;
  }
  return !itsOwn || bare.includes(code) ? "" : differs(one, answer);
}

t.test(`${REQUESTS} random requests are answered as documented, and no error is the server's`, async (t) => {
  const codes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fuzzed(document, operations), async (one) => {
      restock();
      const answer = await app.inject(one.request);
      const fault = faultOf(one, answer);
      if (fault !== "") throw new Error(fault);
      const code =
        answer.statusCode < 400 ? "success" : ((/"code":"(\w+)"/u.exec(answer.body) ?? [])[1] ?? "none");
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }),
    { numRuns: REQUESTS },
  );
  // Requests that are all refused for one reason prove little.
  t.ok((codes.get("success") ?? 0) > REQUESTS / 10, `${codes.get("success")} succeed`);
  t.ok(
    (codes.get("validation_failed") ?? 0) > REQUESTS / 20,
    `${codes.get("validation_failed")} are invalid`,
  );
  for (const code of ["malformed_json", "method_not_allowed", "unsupported_media_type", "order_not_found"])
    t.ok(codes.has(code), code);
});

t.test("an answer that breaks the rules is found", async (t) => {
  const one = operations.find(({ method, path }) => method === "get" && path === "/v1/orders/{id}");
  if (one === undefined) throw new Error("no operation reads an order");
  const asked: Fuzzed = { one, itsOwn: true, request: { method: "GET" } };
  const of = (statusCode: number, type: string, body: object) =>
    faultOf(asked, { statusCode, headers: { "content-type": type }, body: JSON.stringify(body) });
  t.match(of(500, "application/problem+json", {}), /status 500/u);
  t.match(of(404, "application/json", {}), /no problem document/u);
  t.match(of(404, "application/problem+json", { code: "lost", status: 404 }), /not of the list/u);
  t.match(of(404, "application/problem+json", { code: "refused", status: 409 }), /not of the list/u);
  t.match(of(200, "application/json", {}), /required property/u);
});

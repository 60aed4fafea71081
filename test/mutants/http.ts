/** Planted bugs of the API: idempotency keys, preferences, entity tags, bodies, commands, webhooks. */
import type { Mutant } from "./mutant.ts";

const PROTOCOL = "src/http/protocol";
const ORDERS = "src/http/orders";
const WEBHOOKS = "src/services/webhooks";
const HEADERS_TEST = "test/unit/http/headers.test.ts";
const BODY_TEST = "test/unit/http/json-body.test.ts";
const INTAKE_TEST = "test/unit/services/webhooks.test.ts";
const ORDERS_TEST = "test/integration/http/orders.test.ts";
const COMMANDS_TEST = "test/integration/http/commands.test.ts";
const PROBLEMS_TEST = "test/integration/http/problems.test.ts";
const PARKED_TEST = "test/integration/http/parked.test.ts";
const IDS_TEST = "test/unit/services/webhook-ids.test.ts";
const UNMATCHED_TEST = "test/unit/services/unmatched.test.ts";
const WEBHOOKS_TEST = "test/integration/http/webhooks.test.ts";
const OPERATIONS_TEST = "test/integration/http/operations.test.ts";

const BOUNDED_SERVER = "src/http/connections/bounded-server.ts";
const BOUNDED_SERVER_TEST = "test/unit/http/bounded-server.test.ts";

export const httpMutants: readonly Mutant[] = [
  {
    id: "http-serializers-not-compiled",
    does: "A schema that is broken is not found at the start, nor by the test that compiles all.",
    file: "src/http/protocol/lazy-serializers.ts",
    find: "      this.compiles.push(compiled);\n",
    replace: "",
    tests: ["test/integration/http/serializers.test.ts"],
  },
  {
    id: "http-under-way-one-more",
    does: "One request more than the bound is under way on a connection.",
    file: BOUNDED_SERVER,
    find: ">= bounds.answersUnderWay",
    replace: "> bounds.answersUnderWay",
    tests: [BOUNDED_SERVER_TEST],
  },
  {
    id: "http-under-way-never-less",
    does: "Requests that are answered count as under way.",
    file: BOUNDED_SERVER,
    find: 'response.once("close", () => change(socket, -1));',
    replace: 'response.once("error", () => change(socket, -1));',
    tests: [BOUNDED_SERVER_TEST],
  },
  {
    id: "http-under-way-goes-on",
    does: "A connection with too many requests under way stays open.",
    file: BOUNDED_SERVER,
    find: "    socket.destroy();\n",
    replace: "",
    tests: [BOUNDED_SERVER_TEST],
  },
  {
    id: "http-silent-connection",
    does: "A client that does not read its answers keeps its connection for ever.",
    file: BOUNDED_SERVER,
    find: "server.setTimeout(bounds.silentConnectionMs);",
    replace: "",
    tests: [BOUNDED_SERVER_TEST],
  },
  {
    id: "http-slow-request-interval",
    does: "A request that arrives too slowly is cut up to 30 s after its limit.",
    file: BOUNDED_SERVER,
    find: "connectionsCheckingInterval: bounds.checkEveryMs,",
    replace: "",
    tests: [BOUNDED_SERVER_TEST],
  },
  {
    id: "http-weak-tag-not-matched",
    does: "A weak entity tag in If-None-Match matches nothing.",
    file: `${PROTOCOL}/etag.ts`,
    find: "tag === etag || tag === `W/${etag}`;",
    replace: "tag === etag;",
    tests: [HEADERS_TEST],
  },
  {
    id: "http-first-tag-counts",
    does: "Only the first of several entity tags is compared.",
    file: `${PROTOCOL}/etag.ts`,
    find: `return header.split(",").some((item) => {`,
    replace: `return header.split(",", 1).some((item) => {`,
    tests: [HEADERS_TEST],
  },
  {
    id: "http-longest-wait-ignored",
    does: "The longest wait that a client may ask for is ignored.",
    file: `${PROTOCOL}/preferences.ts`,
    find: "seconds >= min && seconds <= max",
    replace: "seconds >= min && seconds < max",
    tests: [HEADERS_TEST],
  },
  {
    id: "http-last-wait-counts",
    does: "Of two waits the last one counts.",
    file: `${PROTOCOL}/preferences.ts`,
    find: "else seconds ??= waitOf(preference);",
    replace: "else seconds = waitOf(preference) ?? seconds;",
    tests: [HEADERS_TEST],
  },
  {
    id: "http-async-with-wait-answers-at-once",
    does: "A client that states both preferences is answered at once.",
    file: `${PROTOCOL}/preferences.ts`,
    find: "const answerAtOnce = respondAsync && seconds === undefined;",
    replace: "const answerAtOnce = respondAsync;",
    tests: [HEADERS_TEST],
  },
  {
    id: "http-wait-in-milliseconds",
    does: "The seconds of a wait are taken for milliseconds.",
    file: `${PROTOCOL}/preferences.ts`,
    find: "seconds * 1000,",
    replace: "seconds,",
    tests: [HEADERS_TEST],
  },
  {
    id: "http-one-level-too-deep",
    does: "A body may be nested one level deeper than the bound.",
    file: `${PROTOCOL}/json-body.ts`,
    find: "if (depth < httpLimits.bodyDepth) return depth + 1;",
    replace: "if (depth <= httpLimits.bodyDepth) return depth + 1;",
    tests: [BODY_TEST],
  },
  {
    id: "http-escaped-quote-ends-string",
    does: "An escaped quote ends a string, so a body is refused for keys that it does not have.",
    file: `${PROTOCOL}/json-body.ts`,
    find: "if (char === BACKSLASH) i++;",
    replace: "if (char === BACKSLASH) i += 0;",
    tests: [BODY_TEST],
  },
  {
    id: "http-duplicate-in-array-accepted",
    does: "A key that an object within an array names twice is accepted.",
    file: `${PROTOCOL}/json-body.ts`,
    find: "if (countKeys(value) !== members) throw",
    replace: "if (!Array.isArray(value) && countKeys(value) > members) throw",
    tests: [BODY_TEST],
  },
  {
    id: "http-idempotency-key-dropped",
    does: "The idempotency key does not reach the service when the client also waits.",
    file: `${ORDERS}/place-order.ts`,
    find: "...(key === undefined ? {} : { idempotencyKey: key }),",
    replace: "...(key === undefined || preferences.waitMs > 0 ? {} : { idempotencyKey: key }),",
    tests: [ORDERS_TEST],
  },
  {
    id: "http-wait-not-passed-on",
    does: "Every client waits as long as one without a preference.",
    file: `${ORDERS}/place-order.ts`,
    find: "waitMs: preferences.waitMs,",
    replace: "waitMs: preferences.answerAtOnce ? 0 : defaultWaitMs,",
    tests: [ORDERS_TEST],
  },
  {
    id: "http-faults-beyond-schema-unreported",
    does: "A duplicate SKU is accepted when the body fits its schema.",
    file: `${ORDERS}/place-order.ts`,
    find: "...orderFaults(request.body)];",
    replace: "...(broken ? orderFaults(request.body) : [])];",
    tests: [PROBLEMS_TEST],
  },
  {
    id: "http-duplicate-of-first-line-accepted",
    does: "A SKU that is also in the first line is accepted.",
    file: `${ORDERS}/order-faults.ts`,
    find: "if (earlier === undefined) first.set(sku, index);",
    replace: "if (!earlier) first.set(sku, index);",
    tests: [PROBLEMS_TEST],
  },
  {
    id: "http-unsettled-order-created",
    does: "An order that is not settled is answered 201.",
    file: `${ORDERS}/order-answers.ts`,
    find: `const settled = result.status === "placed" && !preferences.answerAtOnce;`,
    replace: `const settled = !preferences.answerAtOnce;`,
    tests: [ORDERS_TEST],
  },
  {
    id: "http-settled-order-ignores-async",
    does: "An order that settled with its first commit is answered 201 to a client that prefers not to wait.",
    file: `${ORDERS}/order-answers.ts`,
    find: `const settled = result.status === "placed" && !preferences.answerAtOnce;`,
    replace: `const settled = result.status === "placed" && (preferences.applied === "" || !preferences.answerAtOnce || result.order.version > 0);`,
    tests: [ORDERS_TEST],
  },
  {
    id: "http-order-without-tag",
    does: "An order that was placed is answered without its version.",
    file: `${ORDERS}/order-answers.ts`,
    find: `  reply.header("etag", etagOf(order.version));\n`,
    replace: `  if (status === 200) reply.header("etag", etagOf(order.version));\n`,
    tests: [ORDERS_TEST],
  },
  {
    id: "http-changed-order-not-modified",
    does: "An order that has changed is answered 304.",
    file: `${ORDERS}/read-order.ts`,
    find: `if (!matches(request.headers["if-none-match"], etag)) return`,
    replace: `if (!matches(request.headers["if-none-match"]?.replace(/\\d+/u, String(result.order.version)), etag)) return`,
    tests: [ORDERS_TEST],
  },
  {
    id: "http-failed-check-recorded-as-passed",
    does: "Every quality check is recorded as passed.",
    file: `${ORDERS}/order-commands.ts`,
    find: `command: ({ passed }) => ({ type: "quality-check", passed }),`,
    replace: `command: ({ passed }) => ({ type: "quality-check", passed: passed || true }),`,
    tests: [COMMANDS_TEST],
  },
  {
    id: "http-collected-amount-dropped",
    does: "The amount that was collected does not reach the order when it is zero.",
    file: `${ORDERS}/order-commands.ts`,
    find: `{ type: "deliver", ...(collected === undefined ? {} : { collected }) }`,
    replace: `{ type: "deliver", ...(collected?.amount ? {} : { collected: { amount: 0, currency: "EUR" } }) }`,
    tests: [COMMANDS_TEST],
  },
  {
    id: "http-cursor-dropped",
    does: "Every page of the parked orders is the first one.",
    file: `${ORDERS}/parked-orders.ts`,
    find: "const after = cursor === undefined ? {} :",
    replace: "const after = cursor === undefined || limit > 0 ? {} :",
    tests: [PARKED_TEST],
  },
  {
    id: "http-skip-of-any-parking",
    does: "A skip names the order instead of the parking.",
    file: `${ORDERS}/parked-orders.ts`,
    find: "await parked.skip(request.params.id, parkingId, how));",
    replace: "await parked.skip(request.params.id, parkingId && request.params.id, how));",
    tests: [PARKED_TEST],
  },
  {
    id: "http-isolated-node-answers",
    does: "An isolated node answers reads of orders.",
    file: "src/http/connections/isolation.ts",
    find: `const reason = url.startsWith("/v1/") && !FROM_MEMORY.has(url)`,
    replace: `const reason = url.startsWith("/v1/") && request.method !== "GET" && !FROM_MEMORY.has(url)`,
    tests: [OPERATIONS_TEST],
  },
  {
    id: "http-webhook-of-any-sender",
    does: "The gateway's messages are checked with the carrier's secret.",
    file: `${WEBHOOKS}/intake.ts`,
    find: "verify: (sender, headers, body) => verifiedId(secrets[sender], headers, body, now()),",
    replace:
      "verify: (sender, headers, body) =>\n" +
      `      verifiedId(secrets[sender === "payments" ? "carrier" : sender], headers, body, now()),`,
    tests: [INTAKE_TEST],
  },
  {
    id: "http-webhook-taken-when-isolated",
    does: "A message that an isolated node may not have stored is answered as taken.",
    file: `${WEBHOOKS}/intake.ts`,
    find: "return taken\n",
    replace: "return taken !== false\n",
    tests: [INTAKE_TEST],
  },
  {
    id: "http-webhook-taken-before-stored",
    does: "A message is answered as taken before it is stored.",
    file: `${WEBHOOKS}/intake.ts`,
    find: "const taken = await orIsolated(stored);",
    replace: "void stored.catch(() => {});\n      const taken = await orIsolated(Promise.resolve(true));",
    tests: [INTAKE_TEST],
  },
  {
    id: "http-paid-without-authorization",
    does: "A payment without an authorization counts as paid.",
    file: `${WEBHOOKS}/intake.ts`,
    find: `return type === "payment.paid" && authorization !== null
    ? { type: "gateway.paid", payment, authorization, amount }`,
    replace: `return type === "payment.paid"
    ? { type: "gateway.paid", payment, authorization: authorization ?? "", amount }`,
    tests: [INTAKE_TEST],
  },
  {
    id: "http-webhook-id-of-payment",
    does: "The message's id in the inbox is that of the payment, so its second report is lost.",
    file: `${WEBHOOKS}/intake.ts`,
    find: `return take(put({ sender: "payments", id, type, orderId: data.orderId, machine, event, body }));`,
    replace: `return take(
        put({ sender: "payments", id: data.payment || id, type, orderId: data.orderId, machine, event, body }),
      );`,
    tests: [INTAKE_TEST],
  },
  {
    id: "http-webhook-ids-shared",
    does: "The ids of all senders are one space.",
    file: `${WEBHOOKS}/intake.ts`,
    find: "(sender: WebhookSender, id: string): string => `${sender}/${id}`;",
    replace: "(sender: WebhookSender, id: string): string => `${sender && id}`;",
    tests: [IDS_TEST],
  },
  {
    id: "http-webhook-other-body-applied",
    does: "A repeat with another body goes to the order.",
    file: `${WEBHOOKS}/intake.ts`,
    find: "if (first && !isRepeatOf(first)) return countOther(sender, id, orderId);",
    replace: "if (first && !isRepeatOf(first)) countOther(sender, `${id}`, orderId);",
    tests: [IDS_TEST],
  },
  {
    id: "http-webhook-of-old-version-unknown",
    does: "A message that 0.1.0 stored under its id alone is not recognized.",
    file: `${WEBHOOKS}/intake.ts`,
    find: "return before.every((input) => input.machine === machine) ? before[0] : undefined;",
    replace: "return before.every((input) => input.machine !== machine) ? before[0] : undefined;",
    tests: [IDS_TEST],
  },
  {
    id: "http-unknown-order-without-owner",
    does: "An order that a reading does not show counts as unknown, without its owner.",
    file: `${WEBHOOKS}/order-inbox.ts`,
    find: `return reply.status === "ok";`,
    replace: `return reply.status !== "ok" && false;`,
    tests: [IDS_TEST],
  },
  {
    id: "http-unmatched-not-awaited",
    does: "A message that no order takes is taken whatever became of its entry.",
    file: `${WEBHOOKS}/unmatched.ts`,
    find: `  if (result.status === "unanswered")
    throw`,
    replace: `  if (result.status === "unanswered" && body.length === 0)
    throw`,
    tests: [UNMATCHED_TEST],
  },
  {
    id: "http-unmatched-card-number",
    does: "Card numbers of a message that no order takes are stored.",
    file: `${WEBHOOKS}/unmatched.ts`,
    find: "hideAddresses(hideCredentials(hideCardNumbers(text)))",
    replace: "hideAddresses(hideCredentials(text || hideCardNumbers(text)))",
    tests: [UNMATCHED_TEST],
  },
  {
    id: "http-old-signature-accepted",
    does: "A signature counts for twice its time.",
    file: `${WEBHOOKS}/signature.ts`,
    find: "> TOLERANCE_S) return undefined;",
    replace: "> 2 * TOLERANCE_S) return undefined;",
    tests: [INTAKE_TEST],
  },
  {
    id: "http-future-signature-accepted",
    does: "A signature from the future counts.",
    file: `${WEBHOOKS}/signature.ts`,
    find: "if (Math.abs(Math.floor(now / 1000) - Number(timestamp)) > TOLERANCE_S)",
    replace: "if (Math.floor(now / 1000) - Number(timestamp) > TOLERANCE_S)",
    tests: [INTAKE_TEST],
  },
  {
    id: "http-webhook-body-before-signature",
    does: "A handler takes a message whose signature was not verified.",
    file: "src/http/webhooks/routes.ts",
    find: `    if (id === undefined) {
      sendProblem(reply, "invalid_signature");
      return;
    }
    ids.set(request, id);`,
    replace: `    if (id === undefined && bytesOf(request).length === 0) {
      sendProblem(reply, "invalid_signature");
      return;
    }
    ids.set(request, id ?? "");`,
    tests: [WEBHOOKS_TEST],
  },
];

/**
 * What a caller sees of the persons of orders, applied where every answer leaves: a route cannot forget it.
 * Owns: nothing.  Does not own: which roles have which view (src/services/access/contract.ts).
 * Invariants
 *   view.V1. No answer and no event of a stream shows a caller more of a person than its view has; what cannot be
 *       masked, such as a document, is refused.
 *   view.V2. A caller that may see everything gets the bytes that its route has made.
 * Proved by: test/unit/http/personal-view.test.ts, test/security/others-data.test.ts
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import {
  type PersonalView,
  personalViewOf,
  permissions,
  type Reveals,
} from "../../services/access/contract.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { PROBLEM_TYPE, toProblem } from "../protocol/problems.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What its caller sees now: until it reveals an order, and again after that. */
    personalView: () => PersonalView;
  }
}

/** In place of what is not shown. */
const MASKED = "masked";
const ORDER_ROUTE = "/v1/orders/:id";
const JSON_TYPE = /^application\/(?:problem\+)?json\b/u;
/** Neither has anything of a person: lists as CSV (list-csv.ts), metrics. */
const PLAIN_TYPE = /^text\/(?:csv|plain)\b/u;
const E_MAIL = /[^\s"'<>()@,;:]{1,64}@[^\s"'<>()@,;:]{1,255}/gu;

/** Adds the hook. After the access of routes is decided. */
export function showByRole(app: HttpApp, reveals: Pick<Reveals, "isRevealed">): void {
  app.decorateRequest("personalView", (): PersonalView => "shown");
  app.addHook("onRequest", (request, _reply, done) => {
    request.personalView = () => viewOf(request, reveals);
    done();
  });
  app.addHook("onSend", (request, reply, payload, done) => {
    const view = request.personalView();
    if (view === "shown") return done(null, payload);
    done(null, seen(view, request, reply, payload));
  });
}

function viewOf(
  { caller, params, routeOptions: { config, url = "" } }: FastifyRequest,
  reveals: Pick<Reveals, "isRevealed">,
): PersonalView {
  const { access = "public" } = config;
  if (access === "public" || access === "signed" || caller.roles.length === 0) return "shown";
  const view = personalViewOf(caller.roles);
  const { id } = params as { readonly id?: string };
  const isOrders = url === ORDER_ROUTE || url.startsWith(`${ORDER_ROUTE}/`);
  return view === "masked" && isOrders && id !== undefined && reveals.isRevealed(id, caller.id)
    ? "shown"
    : view;
}

function seen(view: PersonalView, request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  if (payload === null || payload === undefined || payload === "") return payload;
  const type = String(reply.getHeader("content-type") ?? "");
  // A copy that a browser keeps would outlive the view.
  reply.header("cache-control", "private, no-store");
  if (JSON_TYPE.test(type) && (typeof payload === "string" || Buffer.isBuffer(payload))) {
    reply.removeHeader("content-length");
    return shownText(view, payload.toString());
  }
  if (PLAIN_TYPE.test(type)) return payload;
  const problem = toProblem("forbidden", request.id, {
    detail:
      "It shows a person's data, which this caller sees masked. `reveal` shows the order for ten minutes.",
    needs: permissions["orders:reveal"],
  });
  for (const name of ["content-disposition", "content-length", "etag"]) reply.removeHeader(name);
  reply.code(problem.status).header("content-type", PROBLEM_TYPE);
  return JSON.stringify(problem);
}

/** JSON as the caller of a request sees it. */
export function shownJson({ personalView }: Pick<FastifyRequest, "personalView">, json: string): string {
  const view = personalView();
  return view === "shown" ? json : shownText(view, json);
}

const shownText = (view: PersonalView, json: string): string =>
  JSON.stringify(shownTo(view, JSON.parse(json)));

/** A JSON value as a view shows it. Pure. */
export function shownTo(view: PersonalView, value: unknown): unknown {
  if (view === "shown") return value;
  if (typeof value === "string") return value.replaceAll(E_MAIL, MASKED);
  if (Array.isArray(value)) {
    const kept = view === "warehouse" ? value.filter((one) => !isOfPayment(one)) : value;
    return kept.map((one) => shownTo(view, one));
  }
  if (!isFields(value)) return value;
  const isOrder = "customer" in value;
  const shown = Object.entries(value).flatMap(([name, one]): [string, unknown][] => {
    if (view === "warehouse" && name === "machines" && isFields(one)) {
      const { payment: _, ...others } = one;
      return [[name, shownTo(view, others)]];
    }
    const rule = view === "warehouse" ? forWarehouse[name] : forMasked[name];
    const applies = rule !== undefined && (isOrder || !ofOrders.has(name));
    return [[name, applies ? rule(one) : shownTo(view, one)]];
  });
  return Object.fromEntries(shown);
}

type Fields = Readonly<Record<string, unknown>>;
type Rule = (value: unknown) => unknown;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

/** Texts are masked wherever they are in the value; `kept` names members that stay as they are. */
const masks =
  (...kept: readonly string[]): Rule =>
  (value) => {
    if (typeof value === "string") return MASKED;
    if (Array.isArray(value)) return value.map(masks());
    if (!isFields(value)) return value;
    const fields = Object.entries(value);
    return Object.fromEntries(fields.map(([name, one]) => [name, kept.includes(name) ? one : masks()(one)]));
  };

/** Free texts of an order. The same names mean other things elsewhere. */
const ofOrders: ReadonlySet<string> = new Set(["note", "metadata"]);

const secret = { email: masks(), phone: masks(), taxId: masks(), token: masks(), personal: masks() };

const forMasked: Readonly<Record<string, Rule>> = {
  ...secret,
  customer: masks("id"),
  shippingAddress: masks("country"),
  billingAddress: masks("country"),
  note: masks(),
  metadata: masks(),
};

/** Who delivers must know whether there is money to collect, and nothing else of the payment. */
const forWarehouse: Readonly<Record<string, Rule>> = {
  ...secret,
  phone: (value) => value,
  billingAddress: masks("country"),
  payment: (value) =>
    isFields(value) && "method" in value
      ? { method: value["method"], status: MASKED, ...("reason" in value && { reason: null, url: null }) }
      : MASKED,
};

const PAYMENT = /^payment(?:$|[.:])/u;

/** An item of a history, a list of messages, calls or timers that is about the payment. */
function isOfPayment(value: unknown): boolean {
  if (typeof value === "string") return PAYMENT.test(value);
  if (!isFields(value)) return false;
  return ["machine", "name", "from", "to", "type"].some((name) => {
    const one = value[name];
    return typeof one === "string" && PAYMENT.test(one);
  });
}

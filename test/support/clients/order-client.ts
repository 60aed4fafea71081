/** The HTTP interfaces of a cluster as callers use them. No retries here: each test states what it expects. */
import type { ClusterView, HealthCheck } from "../../../src/http/operations/operations-port.ts";
import type {
  HistoryItem,
  OrderCommand,
  OrderMessage,
  OrderView,
  PaymentMethod,
  PlaceOrder,
} from "../../../src/services/orders/contract.ts";

export type Answer<Body = Record<string, unknown>> = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
};

/** A problem of src/http/protocol/problems.ts. */
export type ProblemBody = {
  readonly code: string;
  readonly orderId?: string;
  readonly state?: string;
  readonly allowedEvents?: readonly string[];
  readonly missing?: readonly { sku: string; requested: number; available: number }[];
  readonly expected?: { readonly amount: number; readonly currency: string };
};

export type Stock = {
  readonly sku: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
};

/** One answer of a node, with the moments of its request and of its arrival. */
export type Exchange = {
  readonly url: string;
  readonly method: string;
  readonly request: object | undefined;
  readonly answer: Answer;
  /** Wall clock, ms. */
  readonly sentAt: number;
  /** Wall clock, ms: when the head of the answer was there. */
  readonly answeredAt: number;
};

const observers = new Set<(exchange: Exchange) => void>();

/** Passes every answer of this process's requests from now on to the observer. @returns ends it */
export function observeAnswers(observer: (exchange: Exchange) => void): () => void {
  observers.add(observer);
  return () => void observers.delete(observer);
}

/** Longer than the slowest answer: 10 s for the order and 5 s for finding its owner. */
const ANSWER_TIMEOUT_MS = 20_000;

/** An order of the sample catalogue; the default is one TSHIRT-M, paid with a card that the gateway accepts. */
export function orderOf(
  change: {
    readonly method?: PaymentMethod;
    /** Default `tok_ok`; left out where the method takes none. */
    readonly token?: string;
    readonly lines?: PlaceOrder["lines"];
    /** Default `ada@example.com`. */
    readonly email?: string;
  } = {},
): PlaceOrder {
  const method = change.method ?? "credit_card";
  const paysByCard = method === "credit_card" || method === "debit_card" || method === "tokenized";
  return {
    customer: { id: "cus_1", email: change.email ?? "ada@example.com", name: "Ada Byron" },
    lines: change.lines ?? [{ sku: "TSHIRT-M", quantity: 1 }],
    payment: paysByCard ? { method, token: change.token ?? "tok_ok" } : { method },
    shippingAddress: { line1: "1 Main St", city: "Oporto", postalCode: "4000-001", country: "PT" },
  };
}

/** @throws what `fetch` throws when there is no answer within 20 s */
export async function place(
  url: string,
  order: PlaceOrder,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer<OrderView & ProblemBody>> {
  return call(`${url}/v1/orders`, { method: "POST", body: order, headers });
}

/** A command: `cancel`, `retry`, or a step of fulfillment by its name. */
export function command(
  url: string,
  id: string,
  name: OrderCommand["type"],
  body?: object,
): Promise<Answer<OrderView & ProblemBody>> {
  const path = name === "cancel" || name === "retry" ? name : `fulfillment/${name}`;
  return call(`${url}/v1/orders/${id}/${path}`, { method: "POST", body });
}

/** Erases the personal data of a customer. */
export function eraseCustomer(
  url: string,
  customer: string,
): Promise<Answer<{ readonly code?: string; readonly status?: string; readonly orders?: unknown }>> {
  return call(`${url}/v1/customers/${encodeURIComponent(customer)}/erase`, {
    method: "POST",
    body: { reason: "asked by mail" },
  });
}

export function read(url: string, id: string): Promise<Answer<OrderView & ProblemBody>> {
  return call(`${url}/v1/orders/${id}`);
}

export async function history(url: string, id: string): Promise<readonly HistoryItem[]> {
  const answer = await call<{ items: readonly HistoryItem[] }>(`${url}/v1/orders/${id}/history`);
  if (answer.status !== 200) throw new Error(`history of ${id} answers ${answer.status}`);
  return answer.body.items;
}

/** The messages about an order, those that changed nothing included. */
export async function messages(url: string, id: string): Promise<readonly OrderMessage[]> {
  const answer = await call<{ items: readonly OrderMessage[] }>(`${url}/v1/orders/${id}/messages`);
  if (answer.status !== 200) throw new Error(`messages of ${id} answer ${answer.status}`);
  return answer.body.items;
}

export async function stock(url: string, sku: string): Promise<Stock> {
  const answer = await call<Stock>(`${url}/v1/inventory/${sku}`);
  if (answer.status !== 200) throw new Error(`stock of ${sku} answers ${answer.status}`);
  return answer.body;
}

/** Sets what is on hand and keeps the rest of an item that exists. */
export async function putStock(url: string, sku: string, onHand: number): Promise<void> {
  const item = await call<{ name: string; price: object }>(`${url}/v1/inventory/${sku}`);
  const known = item.status === 200 ? item.body : { name: sku, price: { amount: 1000, currency: "EUR" } };
  const { name, price } = known;
  const answer = await call(`${url}/v1/inventory/${sku}`, { method: "PUT", body: { onHand, name, price } });
  if (answer.status !== 200) throw new Error(`PUT of ${sku} answers ${answer.status}`);
}

/** One line of the gateway's ledger. */
export type LedgerEntry = {
  readonly idempotencyKey: string;
  readonly orderId: string;
  readonly kind: "authorize" | "capture" | "void" | "refund" | "lapse";
  readonly amount: number;
  readonly currency: string;
};

/** The gateway's bookings, oldest first; of one order, or of all. */
export async function ledger(gatewayUrl: string, orderId?: string): Promise<readonly LedgerEntry[]> {
  const query = orderId === undefined ? "" : `?orderId=${orderId}`;
  return (await call<{ entries: readonly LedgerEntry[] }>(`${gatewayUrl}/ledger${query}`)).body.entries;
}

export type Mail = { readonly to: string; readonly subject: string; readonly text: string };

/** The newest 1000 mails, oldest first. */
export async function mails(mailboxUrl: string): Promise<readonly Mail[]> {
  return (await call<readonly Mail[]>(`${mailboxUrl}/messages`)).body;
}

/** The cluster as this node sees it. */
export async function clusterView(url: string): Promise<ClusterView> {
  const answer = await call<ClusterView>(`${url}/v1/cluster`);
  if (answer.status !== 200) throw new Error(`${url}/v1/cluster answers ${answer.status}`);
  return answer.body;
}

/** Status of `GET /health/ready`. */
export async function readiness(url: string): Promise<number> {
  return (await call(`${url}/health/ready`)).status;
}

/** The same status, and the result of one check. */
export async function healthCheck(
  url: string,
  name: string,
): Promise<{ readonly status: number; readonly check: HealthCheck | undefined }> {
  const { status, body } = await call<{ readonly checks: readonly HealthCheck[] }>(`${url}/health/ready`);
  return { status, check: body.checks.find((check) => check.name === name) };
}

async function call<Body>(
  url: string,
  request: {
    readonly method?: string;
    readonly body?: object | undefined;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<Answer<Body>> {
  const { method = "GET", body, headers = {} } = request;
  const sentAt = Date.now();
  const response = await fetch(url, {
    method,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answeredAt = Date.now();
  const answer = {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Body,
  };
  const exchange = { url, method, request: body, answer: answer as Answer, sentAt, answeredAt };
  for (const observer of observers) observer(exchange);
  return answer;
}

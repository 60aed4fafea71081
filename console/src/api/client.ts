/** Requests to the API of the node that serves the page. */
import { ApiProblem, noAnswer } from "./problem.ts";

/** Values of a query; `undefined` and empty ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** What a request may have besides its address. */
export type RequestOptions = {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
};

/** An answer with its headers. */
export type Answer<Body> = { readonly status: number; readonly body: Body; readonly headers: Headers };

/** A path with its query. */
export function addressOf(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return search === "" ? path : `${path}?${search}`;
}

/** Sends a request. @throws ApiProblem for every answer that is no success, and when none comes */
export async function send<Body>(path: string, options: RequestOptions = {}): Promise<Answer<Body>> {
  const { body, headers = {}, method = "GET", query, signal } = options;
  const response = await fetch(addressOf(path, query), {
    method,
    headers: { accept: "application/json", ...(body === undefined ? {} : jsonBody), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw noAnswer();
  });
  const read = (await response.json().catch(() => undefined)) as unknown;
  if (!response.ok) throw new ApiProblem(response.status, isRecord(read) ? read : {});
  if (read === undefined) throw new ApiProblem(response.status, { title: "The answer is no JSON" });
  return { status: response.status, body: read as Body, headers: response.headers };
}

/** Reads. @throws ApiProblem */
export async function get<Body>(path: string, query?: Query, signal?: AbortSignal): Promise<Body> {
  return (await send<Body>(path, { ...(query ? { query } : {}), signal })).body;
}

const jsonBody = { "content-type": "application/json" };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

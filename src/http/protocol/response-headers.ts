/** Headers that every answer carries. Set once per request, as one object: this is the hot path. */

/** Answers of the API are data: a browser may load, frame or guess nothing from them. */
const api = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
} as const;

/**
 * Pages may use what this node serves and nothing else, so the reference works offline and reports to no other host.
 * Its bundle adds its styles and configuration inline.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

type HeaderSink = {
  readonly request: { readonly id: string };
  headers(values: Record<string, string>): unknown;
  header(name: string, value: string): unknown;
};

/** Sets the headers of API answers and `X-Request-Id`. Pages then replace the content security policy. */
export function setStandardHeaders(reply: HeaderSink): void {
  reply.headers(api);
  reply.header("x-request-id", reply.request.id);
}

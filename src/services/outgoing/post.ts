/**
 * Sends one webhook: one request to a checked address, without redirects, with bounds on time and answer.
 * Owns: one connection for each request.  Does not own: signatures, tries.
 * Invariants
 *   outgoing.P1. A connection is made to an address that was checked when its name was resolved, for this request: a
 *                name whose addresses change reaches no other one.
 * Proved by: test/unit/services/outgoing/post.test.ts
 */
import { lookup as lookUp, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { Agent, request } from "undici";
import { hostOf, isAllowedAddress, urlFault } from "./target.ts";

/** What became of one try. `status` null: no answer. `error` null: it was accepted (2xx). */
export type PostResult = { readonly status: number | null; readonly error: string | null };

/** Resolves a name to all of its addresses. */
export type Resolve = (
  name: string,
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** Of one request, its answer included, ms. */
export const POST_TIMEOUT_MS = 10_000;
/** Bytes of an answer that are read; nothing of it is kept. */
export const ANSWER_BYTES = 16 * 1024;

class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

const systemResolve: Resolve = (name, done) => lookUp(name, { all: true }, done);

/** How webhooks are sent. */
export type PostOptions = {
  /** Loopback and `http:` are allowed. */
  readonly development: boolean;
  /** Tests only. */
  readonly resolve?: Resolve;
  /** Tests only, ms. */
  readonly timeoutMs?: number;
};

/** Sends webhooks. Never throws: what fails is a result. */
export function poster({ development, resolve = systemResolve, timeoutMs = POST_TIMEOUT_MS }: PostOptions) {
  const agent = new Agent({
    connect: { lookup: checkedLookup(resolve, development), timeout: timeoutMs },
    maxResponseSize: ANSWER_BYTES,
    maxHeaderSize: ANSWER_BYTES,
  });
  return async (
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    stop: AbortSignal,
  ): Promise<PostResult> => {
    // An address in place of a name is never resolved.
    const fault = urlFault(url, development);
    if (fault !== undefined) return { status: null, error: "address_refused" };
    try {
      const { body: answer, statusCode: status } = await request(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json", "user-agent": "Orderly" },
        body,
        signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]),
        dispatcher: agent,
        // The next try resolves and checks anew.
        reset: true,
      });
      // The status is all that counts: a long or broken rest changes nothing.
      await answer.dump({ limit: ANSWER_BYTES }).catch(() => undefined);
      return { status, error: status >= 200 && status < 300 ? null : `http_${status}` };
    } catch (error) {
      return { status: null, error: codeOf(error, stop) };
    }
  };
}

/** Sends one webhook; see `poster`. */
export type Post = ReturnType<typeof poster>;

function checkedLookup(resolve: Resolve, development: boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, found) => {
      if (error) return callback(error, "", 0);
      const [first] = found;
      // One bad address is enough: which of them is taken is not ours to choose.
      const isAllowed = found.every(({ address }) => isAllowedAddress(address, development));
      if (!first || !isAllowed) return callback(new AddressRefused(hostname), "", 0);
      if (options.all === true) callback(null, [...found]);
      else callback(null, first.address, first.family);
    });
  };
}

/** A short name of a failure: an error's own text may hold what the endpoint has sent. */
function codeOf(error: unknown, stop: AbortSignal): string {
  if (stop.aborted) return "stopped";
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof AddressRefused) return "address_refused";
    if (cause.name === "TimeoutError" || cause.name.endsWith("TimeoutError")) return "timeout";
  }
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && /^[A-Z0-9_]{1,60}$/u.test(code) ? code.toLowerCase() : "no_answer";
}

/** The host that a try is about, for logs. */
export const hostOfUrl = (url: string): string => (URL.canParse(url) ? hostOf(new URL(url)) : "");

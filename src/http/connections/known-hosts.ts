/**
 * Who may send a request, as a browser shows it: a page of another site must neither write here nor read, and a name
 * that was made to point at this machine (DNS rebinding) is not this node. Pure.
 *
 * An address of digits and `localhost` cannot be rebound, so they are always known, with any port. Every other name is
 * known only when the settings name it. A page may send from the host that it was sent from, or from a named one.
 * Callers that are no browsers send no `Origin`.
 * Source: RFC 9110 section 7.2 (Host), RFC 6454 (Origin), W3C Fetch Metadata.
 */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** Names that lead here, in lower case, each as `host` (any port) or `host:port`. */
export type KnownHosts = ReadonlySet<string>;

/** The parts of a request that are checked. */
export type Knock = Pick<IncomingMessage, "rawHeaders" | "method" | "url">;

const READING: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const OWN_PAGES: ReadonlySet<string> = new Set(["same-origin", "none"]);

/** The known hosts of a process: those of its public address, and those that its settings add, separated by commas. */
export function knownHosts(publicUrl: string | undefined, allowed: string): KnownHosts {
  const names = allowed.split(",").map((name) => name.trim().toLowerCase());
  const own = publicUrl !== undefined && URL.canParse(publicUrl) ? new URL(publicUrl).host : "";
  return new Set([own, ...names].filter((name) => name !== ""));
}

/**
 * Why a request is refused, for people; undefined when it may be served.
 * @param signed its sender is known by a signature: only the host counts
 */
export function foreign(request: Knock, known: KnownHosts, signed = false): string | undefined {
  const { rawHeaders, method = "GET", url = "/" } = request;
  const host = only(valuesOf(rawHeaders, "host"));
  const authority = host === undefined ? undefined : authorityOf(host);
  if (authority === undefined) return "the request needs exactly one valid Host";
  if (!isKnown(authority, known))
    return `Host "${authority.host}" is not a name of this server; ORDERLY_ALLOWED_HOSTS adds names`;
  if (!url.startsWith("/") && url !== "*" && originOf(url)?.host !== authority.host)
    return "the address of the request names another host than Host";
  if (signed) return undefined;
  const origins = valuesOf(rawHeaders, "origin");
  if (origins.length > 0) {
    const origin = originOf(only(origins) ?? "");
    const isOwn = origin !== undefined && (origin.host === authority.host || known.has(origin.host));
    if (!isOwn) return "the request comes from a page of another origin";
  }
  const sites = valuesOf(rawHeaders, "sec-fetch-site");
  if (!READING.has(method) && !sites.every((site) => OWN_PAGES.has(site)))
    return "the request comes from a page of another site";
  return undefined;
}

/** Every value of a header: Node joins or drops repetitions elsewhere. @param raw names and values in turn */
function valuesOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name);
}

const only = (values: readonly string[]): string | undefined => (values.length === 1 ? values[0] : undefined);

/** Of `host` or `host:port`; undefined when it is neither. */
function authorityOf(text: string): URL | undefined {
  return /^[^\s/\\?#@]+$/u.test(text) && URL.canParse(`http://${text}`)
    ? new URL(`http://${text}`)
    : undefined;
}

/** Of `http://host`, with a port where it is not the usual one. */
function originOf(text: string): URL | undefined {
  return /^https?:\/\//iu.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

function isKnown(authority: URL, known: KnownHosts): boolean {
  const { hostname } = authority;
  return hostname === "localhost" || isIP(hostname.replace(/^\[|\]$/gu, "")) > 0 || isNamed(authority, known);
}

/** Named by the settings, with its port or with any. */
const isNamed = ({ host, hostname }: URL, known: KnownHosts): boolean =>
  known.has(host) || known.has(hostname);

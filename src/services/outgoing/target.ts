/**
 * Where webhooks may be sent: addresses of the public internet, over HTTPS. Pure. A name is checked when it is
 * resolved, at every try, because its addresses change; this file says which addresses are allowed.
 * Source: OWASP, Server Side Request Forgery Prevention; RFC 6890 (special-purpose addresses).
 */
import ipaddr from "ipaddr.js";

const PORTS: ReadonlySet<string> = new Set(["", "443", "8443"]);
/** IPv4 addresses in IPv6 of a deprecated form (RFC 4291), which the library takes for ordinary ones. */
const IPV4_COMPATIBLE = [ipaddr.IPv6.parse("::"), 96] as const;

/** Whether an address is one of the public internet. Another text is none. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  // An IPv4 address that is written as IPv6 is judged as what it is.
  const address = ipaddr.process(text);
  if (address.range() !== "unicast") return false;
  return !(address instanceof ipaddr.IPv6 && address.match(...IPV4_COMPATIBLE));
}

const isLoopback = (text: string): boolean =>
  ipaddr.isValid(text) && ipaddr.process(text).range() === "loopback";

/** Whether webhooks may be sent to an address. @param development loopback is allowed too */
export const isAllowedAddress = (text: string, development: boolean): boolean =>
  isPublicAddress(text) || (development && isLoopback(text));

/** The host of an address without the brackets of IPv6. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/gu, "");

/**
 * Why webhooks may not be sent to a URL; undefined when they may, as far as the URL says.
 * @param development `http:` and any port are allowed, for loopback
 */
export function urlFault(text: string, development: boolean): string | undefined {
  if (!URL.canParse(text)) return "must be a URL";
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return "must have no user name and no password";
  if (url.hash !== "") return "must have no fragment";
  const host = hostOf(url);
  // The parser has made four numbers of every way to write an IPv4 address.
  const isAddress = ipaddr.isValid(host);
  if (isAddress && !isAllowedAddress(host, development)) return "must be no address of a private network";
  if (development && (isLoopback(host) || host === "localhost")) {
    return url.protocol === "https:" || url.protocol === "http:" ? undefined : "must begin with https://";
  }
  if (url.protocol !== "https:") return "must begin with https://";
  if (!PORTS.has(url.port)) return "must have port 443 or 8443";
  return undefined;
}

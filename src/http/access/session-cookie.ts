/**
 * The cookie by which the console's pages show an API key (RFC 6265). No script can read it, no other site can send it,
 * and a browser takes it over TLS or from this machine alone.
 */

/** The prefix makes browsers insist on `Secure`, `Path=/` and no domain. */
const NAME = "__Host-orderly";
/** A working day. */
const LIFE_S = 8 * 3600;
const ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Strict";
const IN_HEADER = new RegExp(`(?:^|;\\s*)${NAME}=([\\w-]+)`, "u");

/** The header that keeps a key. @param key of the form of a key's text: no character of it needs quoting */
export const keepsKey = (key: string): string => `${NAME}=${key}; ${ATTRIBUTES}; Max-Age=${LIFE_S}`;

/** The header that forgets it. */
export const forgetsKey = `${NAME}=; ${ATTRIBUTES}; Max-Age=0`;

/** The key that the header `Cookie` shows. */
export function keyInCookie(cookie: string | undefined): string | undefined {
  return IN_HEADER.exec(cookie ?? "")?.[1];
}

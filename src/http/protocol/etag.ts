/** Entity tags of orders: the version, as a strong tag (RFC 9110, section 8.8.3). */

/** The strong entity tag of a version: `"3"`, with its quotes. */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** Whether `If-None-Match` names this tag, by weak comparison, or any tag. A malformed header matches nothing. */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((item) => {
    const tag = item.trim();
    return tag === "*" || tag === etag || tag === `W/${etag}`;
  });
}

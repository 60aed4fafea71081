/** Entity tags of orders and of stock: the version, as a strong tag (RFC 9110, section 8.8.3). */

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

const TAGS = /^\s*(?:W\/)?"[^"]*"(?:\s*,\s*(?:W\/)?"[^"]*")*\s*$/u;
const STRONG = /^"([1-9]\d{0,15})"$/u;

/**
 * The versions that `If-Match` or `If-None-Match` names. Tags that are no version of ours match nothing.
 * @param weak compares weakly, as `If-None-Match` does; `If-Match` compares strongly, and weak tags match nothing
 * @returns undefined for a header of another form
 */
export function versionsIn(header: string, { weak }: { weak: boolean }): number[] | "any" | undefined {
  if (header.trim() === "*") return "any";
  if (!TAGS.test(header)) return undefined;
  return header.split(",").flatMap((item) => {
    const tag = item.trim();
    const version = STRONG.exec(weak ? tag.replace(/^W\//u, "") : tag)?.[1];
    return version === undefined ? [] : [Number(version)];
  });
}

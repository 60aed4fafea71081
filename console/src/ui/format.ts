/** Texts of amounts, times and numbers. Pure. */

/** How instants are shown. */
export const timeModes = ["relative", "local", "utc"] as const;
/** One of {@link timeModes}. */
export type TimeMode = (typeof timeModes)[number];

const formats = new Map<string, Intl.NumberFormat>();

const formatOf = (currency: string, locale: string | undefined): Intl.NumberFormat => {
  const key = `${locale} ${currency}`;
  const format = formats.get(key) ?? new Intl.NumberFormat(locale, { style: "currency", currency });
  formats.set(key, format);
  return format;
};

/** Digits after the point of a currency. */
export const currencyDigits = (currency: string): number =>
  formatOf(currency, "en").resolvedOptions().maximumFractionDigits ?? 2;

/** An amount with its currency, as this locale writes it. @param amount minor units */
export function formatMoney(
  { amount, currency }: { amount: number; currency: string },
  locale?: string,
): string {
  return formatOf(currency, locale).format(amount / 10 ** currencyDigits(currency));
}

const counting = new Intl.NumberFormat("en", { useGrouping: true });

/** A number with groups of three, by thin spaces. */
export const formatCount = (count: number): string => counting.format(count).replaceAll(",", "\u202f");

const STEPS = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86_400, 3600, "h"],
  [Number.POSITIVE_INFINITY, 86_400, "d"],
] as const;

/** A length of time in its greatest whole measure: `42 s`, `4 min`, `3 h`, `2 d`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [, size, name] = STEPS.find(([below]) => seconds < below) ?? STEPS[3];
  return `${Math.floor(seconds / size)} ${name}`;
}

/** An instant against now: `now`, `4 min ago`, `in 42 s`. */
export function formatRelative(at: number, now: number): string {
  const past = now - at;
  if (Math.abs(past) < 1000) return "now";
  return past > 0 ? `${formatDuration(past)} ago` : `in ${formatDuration(-past)}`;
}

/** Date and time in UTC, to the second: `2026-11-30 21:44:59 UTC`. */
export const formatUtc = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;

const two = (value: number): string => String(value).padStart(2, "0");

/** Date and time on this machine's clock. */
export function formatLocal(at: number): string {
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${formatClock(at)}`;
}

/** The time of day on this machine's clock. */
export function formatClock(at: number): string {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** An instant as the chosen mode shows it. */
export function formatTime(at: number, mode: TimeMode, now: number): string {
  if (mode === "relative") return formatRelative(at, now);
  return mode === "utc" ? formatUtc(at) : formatLocal(at);
}

/** A name of the API in words: `payment_failed` is `payment failed`. */
export const inWords = (name: string): string => name.replaceAll("_", " ").replaceAll("-", " ");

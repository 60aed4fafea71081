/** Amounts. */
import type { Money as MoneyValue } from "../api/types.ts";
import { formatMoney } from "./format.ts";

/** An amount in the writing of the browser's language; a dash when there is none yet. */
export function Money({ value }: { readonly value: MoneyValue | null }) {
  return value === null ? <span className="dim">–</span> : <span>{formatMoney(value)}</span>;
}

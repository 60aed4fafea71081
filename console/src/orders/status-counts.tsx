/** How many orders are in each status; a press filters by it. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { OrderCounts, OrderStatus } from "../api/types.ts";
import { StateChip } from "../ui/chip.tsx";
import { formatCount } from "../ui/format.ts";
import { orderStatuses } from "./list-filter.ts";
import { orderMeanings } from "./meanings.ts";
import styles from "./orders.module.css";

/** The row. Statuses without orders are left out, unless they are chosen. */
export function StatusCounts({
  query,
  chosen,
  onChange,
}: {
  readonly query: UseQueryResult<OrderCounts>;
  readonly chosen: readonly OrderStatus[];
  readonly onChange: (chosen: readonly OrderStatus[]) => void;
}) {
  const counts = new Map(query.data?.counts.map(({ key, value }) => [key, value]));
  const shown = orderStatuses.filter((status) => (counts.get(status) ?? 0) > 0 || chosen.includes(status));
  if (shown.length === 0) return null;
  return (
    <div className={styles["counts"]} role="group" aria-label="Orders by status" tabIndex={-1}>
      {shown.map((status) => {
        const on = chosen.includes(status);
        return (
          <button
            key={status}
            type="button"
            className={styles["count"]}
            aria-pressed={on}
            onClick={() => onChange(on ? chosen.filter((one) => one !== status) : [...chosen, status])}
          >
            <StateChip meaning={orderMeanings[status]} label={status} />
            <b>{formatCount(counts.get(status) ?? 0)}</b>
          </button>
        );
      })}
    </div>
  );
}

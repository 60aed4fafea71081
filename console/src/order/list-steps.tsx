/** "3 of 214": the orders before and after this one in the list that it was opened from. */
import { useMemo } from "react";
import { useLocation } from "wouter";
import { leftList } from "../orders/left-list.ts";
import { placeIn } from "../orders/list-place.ts";
import { IconButton } from "../ui/button.tsx";
import { formatCount } from "../ui/format.ts";
import { useKeys } from "./use-keys.ts";
import styles from "./order.module.css";

/** Absent for an order that was opened from elsewhere. `,` and `.` go to the one before and after. */
export function ListSteps({ id }: { readonly id: string }) {
  const [, navigate] = useLocation();
  const place = useMemo(() => placeIn(leftList(), id), [id]);
  const go = (to: string | undefined) =>
    to !== undefined && navigate(`/orders/${to}${window.location.search}`);
  useKeys({ ",": () => go(place?.before), ".": () => go(place?.after) });
  if (!place) return null;
  return (
    <span className={styles["steps"]} role="group" aria-label="In the list">
      <IconButton
        icon="left"
        label="Order before this one"
        disabled={place.before === undefined}
        onClick={() => go(place.before)}
      />
      <span>
        {formatCount(place.number)} of {formatCount(place.of)}
      </span>
      <IconButton
        icon="right"
        label="Order after this one"
        disabled={place.after === undefined}
        onClick={() => go(place.after)}
      />
    </span>
  );
}

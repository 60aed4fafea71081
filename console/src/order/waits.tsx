/** What an order waits for, with the time that is left. */
import type { OrderWait } from "../api/types.ts";
import { MarkIcon } from "../charts/marks.tsx";
import { formatDuration } from "../ui/format.ts";
import { useTimedText } from "../ui/time.tsx";
import { callName } from "./commits.ts";
import type { OrderNow } from "./order-queries.ts";
import { waitWords } from "./wait-words.ts";
import styles from "./order.module.css";

const marks = {
  effect: "call",
  timer: "time",
  event: "moving",
  person: "person",
  customer: "person",
  nothing: "ended",
} as const;

/** One line for each machine that waits for something; those that have ended say nothing. */
export function Waits({ order }: { readonly order: OrderNow }) {
  const waits = order.waits.filter((wait) => wait.for !== "nothing");
  // What waits for another machine is explained by that one.
  const own = waits.filter((wait) => wait.for !== "event");
  const shown = own.length > 0 ? own : waits;
  if (shown.length === 0) return <p className={styles["waits"]}>Nothing is awaited: this order has ended.</p>;
  return (
    <ul className={styles["waits"]} aria-label="What the order waits for">
      {shown.map((wait) => (
        <li key={wait.machine}>
          <MarkIcon name={marks[wait.for]} />
          <span>
            <span className="dim">{wait.machine}</span> {wait.waitsFor} <Clock wait={wait} order={order} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Clock({ order, wait }: { readonly wait: OrderWait; readonly order: OrderNow }) {
  const isTimed = wait.dueAt !== undefined || (wait.attempt ?? 0) > 1;
  const text = useTimedText((now) => (isTimed ? waitWords(wait, now) : ""));
  const effect = wait.for === "effect" ? order.effects.find(({ name }) => name === wait.name) : undefined;
  const held = useTimedText((now) => `unchanged for ${formatDuration(now - Date.parse(order.updatedAt))}`);
  const payment = order.payment.reason;
  return (
    <span className={styles["clock"]}>
      {text !== "" && <strong>{text}</strong>}
      <span className="dim">{held}</span>
      {effect && (
        <span className="dim">
          {callName(effect.name)}, key <code>{effect.key}</code>
        </span>
      )}
      {wait.machine === "payment" && payment !== null && <span className="dim">last: {payment}</span>}
    </span>
  );
}

/** All shortcuts, and the switch for them. */
import { Dialog } from "../ui/dialog.tsx";
import type { PageRoute } from "./routes.ts";
import styles from "./overlays.module.css";

const always = [
  ["Ctrl K", "Find a page, an order or an action"],
  ["/", "Search"],
  ["p", "Pause live changes, and resume them"],
  ["?", "This help"],
] as const;

const inLists = [
  ["j k", "Next row, previous row; also the arrows"],
  ["Enter", "Open the row"],
  ["x", "Select the row"],
  ["Home End", "First row, last row"],
] as const;

const onOrders = [
  ["[ ]", "Record before, record after"],
  [", .", "Order before, order after, in the list that it was opened from"],
  ["d", "Try the next step, without doing it"],
  ["e", "Machines as an outline, and back"],
] as const;

/** The dialog. */
export default function Help({
  routes,
  on,
  onSwitch,
  onClose,
}: {
  readonly routes: readonly PageRoute[];
  readonly on: boolean;
  readonly onSwitch: (on: boolean) => void;
  readonly onClose: () => void;
}) {
  const places = routes.flatMap(({ rail }) => (rail ? [[`g ${rail.key}`, rail.label] as const] : []));
  return (
    <Dialog title="Shortcuts" onClose={onClose}>
      <Keys title="Everywhere" keys={always} />
      <Keys title="Pages" keys={places} />
      <Keys title="In lists" keys={inLists} />
      <Keys title="On an order" keys={onOrders} />
      <label>
        <input type="checkbox" checked={on} onChange={({ target }) => onSwitch(target.checked)} /> Single keys
        do something
      </label>
    </Dialog>
  );
}

function Keys({
  title,
  keys,
}: {
  readonly title: string;
  readonly keys: readonly (readonly [string, string])[];
}) {
  return (
    <div>
      <h3>{title}</h3>
      <dl className={styles["keys"]}>
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(" ").map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

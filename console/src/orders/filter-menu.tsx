/** A button that opens a list of checkboxes: the values of one filter. */
import { useRef } from "react";
import { buttonClass } from "../ui/button.tsx";
import { Icon } from "../ui/icon.tsx";
import styles from "./orders.module.css";

/** The menu closes on Escape, and when the focus leaves it. */
export function FilterMenu<Value extends string>({
  title,
  values,
  chosen,
  nameOf,
  onChange,
}: {
  readonly title: string;
  readonly values: readonly Value[];
  readonly chosen: readonly Value[];
  readonly nameOf: (value: Value) => string;
  readonly onChange: (chosen: readonly Value[]) => void;
}) {
  const details = useRef<HTMLDetailsElement>(null);
  const close = () => {
    if (details.current) details.current.open = false;
  };
  return (
    <details
      ref={details}
      className={styles["menu"]}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) close();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !details.current?.open) return;
        close();
        details.current.querySelector("summary")?.focus();
      }}
    >
      <summary className={buttonClass}>
        {title}
        {chosen.length > 0 && ` · ${chosen.length}`}
        <Icon name="down" />
      </summary>
      <div role="group" aria-label={title} tabIndex={-1}>
        {values.map((value) => (
          <label key={value} className={styles["option"]}>
            <input
              type="checkbox"
              checked={chosen.includes(value)}
              onChange={({ target }) =>
                onChange(target.checked ? [...chosen, value] : chosen.filter((one) => one !== value))
              }
            />
            {nameOf(value)}
          </label>
        ))}
      </div>
    </details>
  );
}

/** Buttons. */
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Icon, type IconName } from "./icon.tsx";
import styles from "./ui.module.css";

type Kind = "plain" | "primary" | "danger" | "quiet";
type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  readonly kind?: Kind;
  readonly icon?: IconName;
  readonly children: ReactNode;
};

/** A button with words. */
export function Button({ kind = "plain", icon, children, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} className={styles["button"]} data-kind={kind}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A button with an icon alone; `label` is its name, and its tooltip. */
export function IconButton({
  icon,
  label,
  kind = "quiet",
  ...rest
}: Omit<ButtonProps, "children" | "icon"> & { readonly icon: IconName; readonly label: string }) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      className={`${styles["button"]} ${styles["iconButton"]}`}
      data-kind={kind}
    >
      <Icon name={icon} />
    </button>
  );
}

/** Classes of a link that is drawn as a button. */
export const buttonClass = styles["button"];

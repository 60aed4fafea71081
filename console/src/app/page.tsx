/** The frame of a page: its title, its buttons, and the window's title. */
import { type ReactNode, useEffect } from "react";
import styles from "./page.module.css";

/** Parameters of a page's path. */
export type PageParams = Readonly<Record<string, string>>;

/** The window's title of a page. @param environment shown first where it is not production */
export function useTitle(title: string): void {
  useEffect(() => {
    const prefix = document.documentElement.dataset["environment"] === "production" ? "" : "[dev] ";
    document.title = `${prefix}${title} · Orderly`;
  }, [title]);
}

/** A page. `fills`: its last part takes the rest of the height, and scrolls by itself. */
export function Page({
  title,
  heading,
  actions,
  fills = false,
  children,
}: {
  readonly title: string;
  /** In place of the title, when that is more than a text. */
  readonly heading?: ReactNode;
  readonly actions?: ReactNode;
  readonly fills?: boolean;
  readonly children: ReactNode;
}) {
  useTitle(title);
  return (
    <div className={styles["page"]} data-fills={fills || undefined}>
      <div className={styles["head"]}>
        <h1>{heading ?? title}</h1>
        {actions}
      </div>
      {children}
    </div>
  );
}

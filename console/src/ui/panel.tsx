/** A part of a page with data of its own: loading, empty, failed and out of date are its states, not the page's. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { problemOf } from "../api/problem.ts";
import { Button } from "./button.tsx";
import { Time } from "./time.tsx";
import styles from "./ui.module.css";

/** Lines of the same height as what is being loaded. */
export function Skeleton({ lines = 4 }: { readonly lines?: number }) {
  return (
    <div className={styles["skeleton"]} role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, at) => (
        <span key={at} />
      ))}
    </div>
  );
}

/** Nothing is there: what would be, and how to get it. */
export function Empty({
  title,
  children,
  actions,
}: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}) {
  return (
    <div className={styles["state"]}>
      <strong>{title}</strong>
      {children && <p className="dim">{children}</p>}
      {actions && <div className={styles["stateActions"]}>{actions}</div>}
    </div>
  );
}

/** What went wrong, in the words of the API, and a button that tries again. */
export function Failure({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const { code, detail, requestId, title } = problemOf(error);
  return (
    <div className={styles["state"]} role="alert">
      <strong>{title}</strong>
      {detail && <p className="dim">{detail}</p>}
      <p className="dim mono">
        {code}
        {requestId && ` · request ${requestId}`}
      </p>
      {retry && (
        <div className={styles["stateActions"]}>
          <Button icon="retry" onClick={retry}>
            Try again
          </Button>
        </div>
      )}
    </div>
  );
}

/** A frame with a title. */
export function Frame({
  title,
  actions,
  flush = false,
  children,
}: {
  readonly title: string;
  readonly actions?: ReactNode;
  /** Without a margin around what is inside: tables. */
  readonly flush?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <section className={styles["panel"]} aria-label={title}>
      <div className={styles["panelHead"]}>
        <h2>{title}</h2>
        {actions}
      </div>
      <div className={styles["panelBody"]} data-flush={flush || undefined}>
        {children}
      </div>
    </section>
  );
}

/** Shows what a query has: a skeleton, the failure, or the data; data that could not be renewed stays, and says so. */
export function Loaded<Data>({
  query,
  lines,
  children,
}: {
  readonly query: UseQueryResult<Data>;
  readonly lines?: number;
  readonly children: (data: Data) => ReactNode;
}) {
  const { data, dataUpdatedAt, error, refetch } = query;
  const retry = () => void refetch();
  if (data === undefined)
    return error ? <Failure error={error} retry={retry} /> : <Skeleton {...(lines ? { lines } : {})} />;
  return (
    <>
      {error && (
        <div className={styles["stale"]} role="status">
          <span>
            {problemOf(error).title}. This is from <Time at={new Date(dataUpdatedAt).toISOString()} />.
          </span>
          <Button kind="quiet" icon="retry" onClick={retry}>
            Try again
          </Button>
        </div>
      )}
      {children(data)}
    </>
  );
}

/** A frame around what a query has. */
export function Panel<Data>({
  title,
  actions,
  query,
  flush = false,
  lines,
  children,
}: {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly query: UseQueryResult<Data>;
  readonly flush?: boolean;
  readonly lines?: number;
  readonly children: (data: Data) => ReactNode;
}) {
  return (
    <Frame title={title} actions={actions} flush={flush || query.data === undefined}>
      <Loaded query={query} {...(lines ? { lines } : {})}>
        {children}
      </Loaded>
    </Frame>
  );
}

/** The first page: how many orders are where, what needs a person, the cluster, and what changed last. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { clusterQuery, countsQuery, ordersQuery } from "../api/queries.ts";
import type { Cluster, OrderCounts, OrderList } from "../api/types.ts";
import { Page } from "../app/page.tsx";
import { useThrottled } from "../live/use-throttled.ts";
import { useTopic } from "../live/use-live.ts";
import { orderMeanings } from "../orders/meanings.ts";
import { newest } from "../orders/merge-rows.ts";
import { buttonClass } from "../ui/button.tsx";
import { StateChip } from "../ui/chip.tsx";
import { formatCount } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { Id } from "../ui/id.tsx";
import { Empty, Panel } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { needsQuery } from "./needs.ts";
import styles from "./overview.module.css";

const LATEST = 12;
const NEEDS_EVERY_MS = 3000;
const latest = ordersQuery({ sort: "-updatedAt", limit: LATEST });

/** The page. */
export default function OverviewPage() {
  const client = useQueryClient();
  const renew = useThrottled(() => {
    void client.invalidateQueries({ queryKey: needsQuery.queryKey });
  }, NEEDS_EVERY_MS);
  useTopic("orders", ({ data, event }) => {
    renew();
    if (event === "counts") client.setQueryData(countsQuery("status").queryKey, data as OrderCounts);
    else if (event === "gap") void client.invalidateQueries({ queryKey: ["orders"] });
    else
      client.setQueryData(latest.queryKey, (before) =>
        before ? { ...before, items: newest((data as OrderList).items, before.items, LATEST) } : before,
      );
  });
  useTopic("cluster", ({ data, event }) => {
    if (event === "cluster") client.setQueryData(clusterQuery.queryKey, data as Cluster);
  });
  return (
    <Page
      title="Overview"
      actions={
        <Link href="/orders/new" className={buttonClass ?? ""}>
          <Icon name="plus" />
          Place an order
        </Link>
      }
    >
      <Flow />
      <div className={styles["columns"]}>
        <Needs />
        <Latest />
        <ClusterStrip />
      </div>
    </Page>
  );
}

function Flow() {
  const query = useQuery(countsQuery("status"));
  return (
    <Panel title="Orders by status" query={query} lines={4}>
      {({ counts }) => {
        const byKey = new Map(counts.map(({ key, value }) => [key, value]));
        const total = counts.reduce((all, { value }) => all + value, 0);
        if (total === 0)
          return (
            <Empty
              title="No orders yet"
              actions={
                <Link href="/orders/new?kind=all" className={buttonClass ?? ""}>
                  Place one of each kind
                </Link>
              }
            >
              Every order that is placed appears here, in the status that it is in.
            </Empty>
          );
        return (
          <div className={styles["flow"]}>
            {Object.entries(orderMeanings).map(([status, meaning]) => {
              const value = byKey.get(status) ?? 0;
              return (
                <Link
                  key={status}
                  href={`/orders?status=${status}`}
                  className={styles["step"] ?? ""}
                  data-none={value === 0 || undefined}
                >
                  <span>
                    <StateChip meaning={meaning} label={status} />
                  </span>
                  <span className={styles["number"]}>{formatCount(value)}</span>
                </Link>
              );
            })}
          </div>
        );
      }}
    </Panel>
  );
}

function Needs() {
  const query = useQuery(needsQuery);
  return (
    <Panel title="Needs a person" query={query} flush>
      {(found) => (
        <ul className={styles["list"]}>
          {found.map(({ need, value }) => (
            <li key={need.title}>
              <Link href={need.href} className={styles["need"] ?? ""} data-none={value === 0 || undefined}>
                <span>{need.title}</span>
                <small>{need.why}</small>
                <b>{formatCount(value)}</b>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Latest() {
  const query = useQuery(latest);
  return (
    <Panel title="Changed last" query={query} flush>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="Nothing has changed yet">Orders appear here at each step that they take.</Empty>
        ) : (
          <ul className={styles["list"]}>
            {items.map(({ id, status, updatedAt }) => (
              <li key={id} className={styles["change"]}>
                <Id id={id} to={`/orders/${id}`} copy={false} />
                <StateChip meaning={orderMeanings[status]} label={status} />
                <span className="dim">
                  <Time at={updatedAt} />
                </span>
              </li>
            ))}
          </ul>
        )
      }
    </Panel>
  );
}

function ClusterStrip() {
  const query = useQuery(clusterQuery);
  return (
    <Panel
      title="Cluster"
      query={query}
      flush
      actions={
        <Link href="/cluster" className={buttonClass ?? ""}>
          Open
        </Link>
      }
    >
      {({ nodes, partitions, workers }) => {
        const orphans = partitions.filter(({ node }) => node === null).length;
        const letters = workers.reduce((all, { deadLetters }) => all + (deadLetters ?? 0), 0);
        return (
          <ul className={styles["list"]}>
            {nodes.map(({ id, outboxDepth, partitions: owned, startedAt }) => (
              <li key={id} className={styles["change"]}>
                <strong>{id}</strong>
                <span>
                  {owned.length} partitions, outbox {outboxDepth}
                </span>
                <span className="dim">
                  <Time at={startedAt} />
                </span>
              </li>
            ))}
            <li className={styles["change"]}>
              <span>{orphans === 0 ? "Every partition has an owner" : "Partitions without an owner"}</span>
              <StateChip
                meaning={orphans === 0 ? "done" : "held"}
                label={`${partitions.length - orphans} of ${partitions.length}`}
              />
            </li>
            <li className={styles["change"]}>
              <span>Dead letters</span>
              <Link href="/messages/dead-letters">{letters}</Link>
            </li>
          </ul>
        );
      }}
    </Panel>
  );
}

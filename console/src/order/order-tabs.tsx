/** What else there is about an order: its story in sentences, its lines, messages, and all of it as JSON. */
import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import type { ChartIndex } from "../charts/machine-chart.ts";
import type { HistoryItem, OrderInstant } from "../api/types.ts";
import { CopyButton } from "../ui/id.tsx";
import { Money } from "../ui/money.tsx";
import { Empty, Loaded, Skeleton } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { storyOf } from "./commits.ts";
import { MoneyTab } from "./money-tab.tsx";
import { messagesQuery, type OrderNow } from "./order-queries.ts";
import styles from "./order.module.css";

/** The tabs. */
export const orderTabs = ["story", "money", "order", "messages", "json"] as const;
/** One of {@link orderTabs}. */
export type OrderTab = (typeof orderTabs)[number];

const names: Readonly<Record<OrderTab, string>> = {
  story: "Story",
  money: "Money",
  order: "Lines and documents",
  messages: "Messages",
  json: "JSON",
};

/** The tabs with the one that is chosen. */
export function OrderTabs({
  charts,
  commits,
  instant,
  onTab,
  order,
  tab,
}: {
  readonly order: OrderNow;
  readonly charts: ReadonlyMap<string, ChartIndex>;
  /** Up to the instant that is shown. */
  readonly commits: readonly HistoryItem[];
  /** The record that is shown; absent: the order as it is now. */
  readonly instant: OrderInstant | "loading" | undefined;
  readonly tab: OrderTab;
  readonly onTab: (tab: OrderTab) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const move = (by: number): void => {
    const to = orderTabs[(orderTabs.indexOf(tab) + by + orderTabs.length) % orderTabs.length] ?? tab;
    onTab(to);
    list.current?.querySelector<HTMLElement>(`#tab-${to}`)?.focus();
  };
  return (
    <section className={styles["tabs"]} aria-label="About the order">
      <div
        ref={list}
        role="tablist"
        aria-label="About the order"
        onKeyDown={({ key }) => {
          if (key === "ArrowRight") move(1);
          if (key === "ArrowLeft") move(-1);
        }}
      >
        {orderTabs.map((one) => (
          <button
            key={one}
            type="button"
            role="tab"
            id={`tab-${one}`}
            aria-selected={tab === one}
            aria-controls="tab-panel"
            tabIndex={tab === one ? 0 : -1}
            onClick={() => onTab(one)}
          >
            {names[one]}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
        {tab === "story" && <Story charts={charts} commits={commits} />}
        {tab === "money" && <MoneyTab order={order} />}
        {tab === "order" && <Lines order={order} />}
        {tab === "messages" && <Messages id={order.id} />}
        {tab === "json" &&
          (instant === "loading" ? <Skeleton lines={8} /> : <Json value={instant ?? order} />)}
      </div>
    </section>
  );
}

function Story({
  charts,
  commits,
}: {
  readonly charts: ReadonlyMap<string, ChartIndex>;
  readonly commits: readonly HistoryItem[];
}) {
  const story = storyOf(commits, (machine, state) => charts.get(machine)?.state(state)?.texts?.says);
  return (
    <ol className={styles["story"]}>
      {story.map(({ at, text, version }, place) => (
        <li key={`${version} ${place}`}>
          <span className="dim">
            <Time at={at} />
          </span>
          <span>{text}</span>
        </li>
      ))}
    </ol>
  );
}

function Lines({ order }: { readonly order: OrderNow }) {
  const { invoice, lines, shippingAddress, total } = order;
  const { city, company, country, line1, line2, postalCode } = shippingAddress as Readonly<
    Record<string, string>
  >;
  return (
    <div className={styles["lines"]}>
      <div className={styles["scrolls"]}>
        <table className={styles["plain"]}>
          <caption className="visually-hidden">Lines</caption>
          <thead>
            <tr>
              <th scope="col">SKU</th>
              <th scope="col">Pieces</th>
              <th scope="col">Price</th>
              <th scope="col">Shipped</th>
              <th scope="col">Canceled</th>
              <th scope="col">Returned</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <tr key={line.id}>
                <td>{line.sku}</td>
                <td>{line.quantity}</td>
                <td>
                  <Money value={line.unitPrice} />
                </td>
                <td>{line.shipped}</td>
                <td>{line.cancelled}</td>
                <td>{line.returned}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <dl className={styles["facts"]}>
        <dt>Total</dt>
        <dd>
          <Money value={total} />
        </dd>
        <dt>Ships to</dt>
        <dd>{[company, line1, line2, postalCode, city, country].filter(Boolean).join(", ")}</dd>
        <dt>Tracking</dt>
        <dd>{order.fulfillment.trackingNumber ?? <span className="dim">no parcel yet</span>}</dd>
        <dt>Invoice</dt>
        <dd>
          {invoice === null ? (
            <span className="dim">not issued yet</span>
          ) : (
            <a href={`/v1/orders/${order.id}/invoice`}>{invoice.number}</a>
          )}
          {invoice?.creditNote && (
            <>
              {" "}
              canceled by <a href={`/v1/orders/${order.id}/credit-note`}>{invoice.creditNote.number}</a>
            </>
          )}
        </dd>
      </dl>
    </div>
  );
}

function Messages({ id }: { readonly id: string }) {
  const query = useQuery(messagesQuery(id));
  return (
    <Loaded query={query}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No messages yet">
            What the payment gateway, the carrier and the workers send about this order appears here.
          </Empty>
        ) : (
          <div className={styles["scrolls"]}>
            <table className={styles["plain"]}>
              <caption className="visually-hidden">Messages</caption>
              <thead>
                <tr>
                  <th scope="col">At</th>
                  <th scope="col">Type</th>
                  <th scope="col">For</th>
                  <th scope="col">Led to</th>
                  <th scope="col">Says</th>
                </tr>
              </thead>
              <tbody>
                {items.map(({ at, data, id, machine, type, version }) => (
                  <tr key={id}>
                    <td>
                      <Time at={at} />
                    </td>
                    <td>{type}</td>
                    <td>{machine}</td>
                    <td>{version === null ? <span className="dim">nothing</span> : `record ${version}`}</td>
                    <td className="mono">{JSON.stringify(data)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )
      }
    </Loaded>
  );
}

function Json({ value }: { readonly value: unknown }) {
  const text = JSON.stringify(value, null, 2);
  return (
    <div className={styles["json"]}>
      <CopyButton text={text} what="the JSON" />
      <pre>{text}</pre>
    </div>
  );
}

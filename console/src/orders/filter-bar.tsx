/** Search and filters of the list, those that are set, and the views that are asked for often. */
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { Button, IconButton } from "../ui/button.tsx";
import { inputClass } from "../ui/field.tsx";
import { inWords } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import type { SetSearch } from "../url/use-search-state.ts";
import { FilterMenu } from "./filter-menu.tsx";
import {
  type ListFilter,
  listCodec,
  methodTitles,
  noFilter,
  setFilters,
  waits,
  waitTitles,
} from "./list-filter.ts";
import { fulfillmentStatuses, paymentStatuses } from "./meanings.ts";
import { withView } from "./saved-views.ts";
import { readViews, storeViews } from "./view-store.ts";
import styles from "./orders.module.css";

const TYPING_MS = 250;
const stuck = ["5m", "15m", "1h", "1d"] as const;
const methods = Object.keys(methodTitles) as (keyof typeof methodTitles)[];

type BarProps = { readonly filter: ListFilter; readonly setFilter: SetSearch<ListFilter> };

/** Search, menus, and what is set. */
export function FilterBar({ filter, setFilter }: BarProps) {
  const set = setFilters(filter);
  const isStuck = stuck.filter((one) => one === filter.stuckFor);
  return (
    <>
      <div className={styles["bar"]}>
        <Search value={filter.q} onChange={(q) => setFilter({ q }, { replace: true })} />
        <FilterMenu
          title="Payment"
          values={paymentStatuses}
          chosen={filter.payment}
          nameOf={inWords}
          onChange={(payment) => setFilter({ payment })}
        />
        <FilterMenu
          title="Fulfillment"
          values={fulfillmentStatuses}
          chosen={filter.fulfillment}
          nameOf={inWords}
          onChange={(fulfillment) => setFilter({ fulfillment })}
        />
        <FilterMenu
          title="Paid by"
          values={methods}
          chosen={filter.method}
          nameOf={(method) => methodTitles[method]}
          onChange={(method) => setFilter({ method })}
        />
        <FilterMenu
          title="Waits for"
          values={waits}
          chosen={filter.waitsFor}
          nameOf={(wait) => waitTitles[wait]}
          onChange={(waitsFor) => setFilter({ waitsFor })}
        />
        <FilterMenu
          title="Unchanged for"
          values={stuck}
          chosen={isStuck}
          nameOf={(one) => one}
          onChange={(chosen) => setFilter({ stuckFor: chosen.find((one) => !isStuck.includes(one)) ?? "" })}
        />
      </div>
      {set.length > 0 && (
        <div className={styles["bar"]}>
          {set.map(({ text, without }) => (
            <span key={text} className={styles["pill"]}>
              {text}
              <IconButton icon="close" label={`Remove: ${text}`} onClick={() => setFilter(without)} />
            </span>
          ))}
          <Button kind="quiet" onClick={() => setFilter({ ...noFilter, sort: filter.sort })}>
            Remove all
          </Button>
        </div>
      )}
    </>
  );
}

/** The field keeps what is typed, and passes it on when the typing pauses. `/` goes to it. */
function Search({ value, onChange }: { readonly value: string; readonly onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => {
    // The address was changed by something else: a view, or the way back.
    if (value !== sent.current) setText(value);
    sent.current = value;
  }, [value]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return (
    <div className={styles["searchBox"]}>
      <Icon name="search" />
      <input
        type="search"
        className={inputClass}
        aria-label="Search orders"
        data-search
        placeholder="id, customer, SKU, tracking, invoice"
        value={text}
        onChange={({ target }) => {
          const typed = target.value;
          setText(typed);
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(() => {
            sent.current = typed.trim();
            onChange(typed.trim());
          }, TYPING_MS);
        }}
      />
    </div>
  );
}

const SaveView = lazy(() => import("./save-view.tsx"));

const DAY_MS = 86_400_000;

/** Views that are asked for often; each is an address. */
export function Views({ filter }: { readonly filter: ListFilter }) {
  const today = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS).toISOString();
  const views: readonly (readonly [string, Partial<ListFilter>])[] = [
    ["All", {}],
    ["Needs a person", { waitsFor: ["person"] }],
    ["Stuck 15 min", { stuckFor: "15m" }],
    ["Charge failed", { payment: ["capture_failed"] }],
    ["Parked", { parked: true }],
    ["Today", { createdAfter: today }],
  ];
  const [saved, setSaved] = useState(readViews);
  const [asks, setAsks] = useState(false);
  const whole = listCodec.write(filter);
  const change = (next: typeof saved) => {
    setSaved(next);
    storeViews(next);
  };
  const now = listCodec.write({ ...filter, sort: "-createdAt" });
  return (
    <nav className={styles["views"]} aria-label="Views">
      {views.map(([title, values]) => {
        const search = listCodec.write({ ...noFilter, ...values });
        return (
          <Link
            key={title}
            href={search === "" ? "/orders" : `/orders?${search}`}
            className={styles["view"] ?? ""}
            aria-current={search === now ? "true" : undefined}
          >
            {title}
          </Link>
        );
      })}
      {saved.map(({ name, search }) => (
        <span key={name} className={styles["saved"]}>
          <Link
            href={`/orders?${search}`}
            className={styles["view"] ?? ""}
            aria-current={search === whole ? "true" : undefined}
          >
            {name}
          </Link>
          <IconButton
            icon="close"
            label={`Remove the view ${name}`}
            onClick={() => change(saved.filter((one) => one.name !== name))}
          />
        </span>
      ))}
      {whole !== "" && !saved.some(({ search }) => search === whole) && (
        <Button kind="quiet" icon="plus" onClick={() => setAsks(true)}>
          Save this view
        </Button>
      )}
      {asks && (
        <Suspense fallback={null}>
          <SaveView
            onClose={() => setAsks(false)}
            onSave={(name) => {
              change(withView(saved, { name, search: whole }));
              setAsks(false);
            }}
          />
        </Suspense>
      )}
    </nav>
  );
}

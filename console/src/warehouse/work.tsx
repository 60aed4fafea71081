/** The open order: what is in it, what has been counted, and the button of the step. */
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { insightQuery, stockQuery } from "../api/queries.ts";
import type { Order } from "../api/types.ts";
import { TextField } from "../ui/field.tsx";
import { currencyDigits, formatMoney } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { Empty, Loaded } from "../ui/panel.tsx";
import { collects, type Counted, neededOf, readAmount, type StepName, stepOf, steps } from "./steps.ts";
import styles from "./warehouse.module.css";

type Act = (body: Readonly<Record<string, unknown>>, done: string) => void;

/** The order, or what to do when none is open. */
export function Work({
  query,
  isOpen,
  name,
  counted,
  setCounted,
  busy,
  canFinish,
  act,
}: {
  readonly query: UseQueryResult<Order>;
  readonly isOpen: boolean;
  readonly name: StepName;
  readonly counted: Counted;
  readonly setCounted: (counted: Counted) => void;
  readonly busy: boolean;
  readonly canFinish: boolean;
  readonly act: Act;
}) {
  const step = steps[name];
  if (!isOpen)
    return <Empty title={`${step.title}: no order is open`}>The oldest is at the top of the list.</Empty>;
  return (
    <Loaded query={query}>
      {(order) => (
        <>
          <h2 className={styles["what"]}>
            {step.title} <span>{order.id}</span>
          </h2>
          {name === "held" || stepOf(order) !== name ? (
            <Why order={order} name={name} />
          ) : (
            <>
              <ul>
                {order.lines.map((line) => (
                  <Line
                    key={line.id}
                    line={line}
                    counts={step.counts}
                    counted={counted}
                    setCounted={setCounted}
                  />
                ))}
              </ul>
              <Actions order={order} name={name} disabled={busy || !canFinish} busy={busy} act={act} />
            </>
          )}
        </>
      )}
    </Loaded>
  );
}

function Line({
  line,
  counts,
  counted,
  setCounted,
}: {
  readonly line: Order["lines"][number];
  readonly counts: boolean;
  readonly counted: Counted;
  readonly setCounted: (counted: Counted) => void;
}) {
  const { data } = useQuery(stockQuery);
  const { sku } = line;
  const needed = neededOf(line);
  const have = counts ? (counted[sku] ?? 0) : needed;
  const set = (value: number) => setCounted({ ...counted, [sku]: value });
  return (
    <li className={styles["line"]} data-complete={counts && have >= needed ? true : undefined}>
      <span>
        <strong>
          {needed} × {sku}
        </strong>{" "}
        <span className="dim">{data?.find((item) => item.sku === sku)?.name}</span>
      </span>
      {counts && (
        <span className={styles["counter"]}>
          <button
            type="button"
            className={`${styles["big"]} ${styles["square"]}`}
            aria-label={`One ${sku} less`}
            disabled={have === 0}
            onClick={() => set(have - 1)}
          >
            <Icon name="minus" />
          </button>
          <b>
            {have} of {needed}
          </b>
          <button
            type="button"
            className={`${styles["big"]} ${styles["square"]}`}
            aria-label={`One ${sku} more`}
            disabled={have >= needed}
            onClick={() => set(have + 1)}
          >
            <Icon name="plus" />
          </button>
        </span>
      )}
    </li>
  );
}

function Actions({
  order,
  name,
  disabled,
  busy,
  act,
}: {
  readonly order: Order;
  readonly name: StepName;
  readonly disabled: boolean;
  readonly busy: boolean;
  readonly act: Act;
}) {
  const step = steps[name];
  if (name === "deliver" && collects(order)) return <Collect order={order} busy={busy} act={act} />;
  return (
    <div className={styles["actions"]}>
      <button
        type="button"
        className={styles["big"]}
        data-kind="primary"
        disabled={disabled}
        onClick={() => act(name === "check" ? { passed: true } : {}, step.done)}
      >
        {step.verb} <kbd>Enter</kbd>
      </button>
      {name === "check" && (
        <button
          type="button"
          className={styles["big"]}
          disabled={busy}
          onClick={() => act({ passed: false }, "sent back to the picking")}
        >
          Not passed: pick again
        </button>
      )}
    </div>
  );
}

/** The receiver pays: the amount is typed, and has to be the one that is due, to the cent. */
function Collect({
  order: { total },
  busy,
  act,
}: {
  readonly order: Order;
  readonly busy: boolean;
  readonly act: Act;
}) {
  const [text, setText] = useState("");
  if (total === null) return null;
  const amount = readAmount(text, currencyDigits(total.currency));
  const right = amount === total.amount;
  return (
    <div className={styles["money"]}>
      <p>
        To collect: <strong>{formatMoney(total)}</strong>
      </p>
      <TextField
        label="Collected"
        inputMode="decimal"
        value={text}
        fault={text !== "" && !right ? `${formatMoney(total)} is due` : undefined}
        onChange={({ target }) => setText(target.value)}
      />
      <button
        type="button"
        className={styles["big"]}
        data-kind="primary"
        disabled={!right || busy}
        onClick={() => act({ collected: total }, steps.deliver.done)}
      >
        Paid and delivered
      </button>
    </div>
  );
}

/** Why no step is possible here, in the words of the machines. */
function Why({ order, name }: { readonly order: Order; readonly name: StepName }) {
  const query = useQuery(insightQuery(order.id, "waits"));
  const at = stepOf(order);
  return (
    <>
      {at !== undefined && at !== name && (
        <p>
          This order is in <Link href={`/warehouse?step=${at}&order=${order.id}`}>{steps[at].title}</Link>.
        </p>
      )}
      <Loaded query={query}>
        {({ waits = [] }) => (
          <ul>
            {waits
              .filter((wait) => wait.for !== "nothing")
              .map(({ machine, says, waitsFor }) => (
                <li key={machine} className={styles["line"]}>
                  <span>
                    <strong>{says}</strong> <span className="dim">Waits for: {waitsFor}</span>
                  </span>
                </li>
              ))}
          </ul>
        )}
      </Loaded>
      <Link href={`/orders/${order.id}`} className={styles["big"] ?? ""}>
        Open the order
      </Link>
    </>
  );
}

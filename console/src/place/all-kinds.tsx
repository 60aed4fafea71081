/** Places one order of each kind, and shows what became of each. */
import { useState } from "react";
import { Link } from "wouter";
import { placeOrder } from "../api/orders.ts";
import { problemOf } from "../api/problem.ts";
import type { Order, PaymentMethod } from "../api/types.ts";
import { Page } from "../app/page.tsx";
import { Button, buttonClass } from "../ui/button.tsx";
import { StateChip } from "../ui/chip.tsx";
import { Frame } from "../ui/panel.tsx";
import { orderMeanings } from "../orders/meanings.ts";
import { bodyOf, type Draft, kinds, methods, randomKey } from "./order-draft.ts";
import styles from "./place.module.css";

type Outcome = { readonly pending: boolean; readonly order?: Order; readonly error?: unknown };

/** The page. @param draft the customer and the items of all of them */
export function AllKinds({ draft, back }: { readonly draft: Draft; readonly back: () => void }) {
  const [outcomes, setOutcomes] = useState<Partial<Record<PaymentMethod, Outcome>>>({});
  const place = async (method: PaymentMethod) => {
    const set = (outcome: Outcome) => setOutcomes((before) => ({ ...before, [method]: outcome }));
    set({ pending: true });
    try {
      set({ pending: false, order: await placeOrder(bodyOf({ ...draft, method }), randomKey()) });
    } catch (error) {
      set({ pending: false, error });
    }
  };
  const isPending = Object.values(outcomes).some(({ pending }) => pending);
  return (
    <Page
      title="Place one of each kind"
      actions={
        <>
          <Button onClick={back}>Place a single one</Button>
          <Button
            kind="primary"
            disabled={isPending}
            onClick={() => void Promise.all(methods.map((method) => place(method)))}
          >
            Place all six
          </Button>
        </>
      }
    >
      <Frame title="Six orders, one for each way to pay">
        <ul className={styles["lines"]} aria-live="polite">
          {methods.map((method) => (
            <Kind
              key={method}
              method={method}
              outcome={outcomes[method] ?? { pending: false }}
              place={() => void place(method)}
            />
          ))}
        </ul>
      </Frame>
      <div className={styles["actions"]}>
        <Link href="/orders" className={buttonClass ?? ""}>
          All orders
        </Link>
      </div>
    </Page>
  );
}

function Kind({
  method,
  outcome: { error, order, pending },
  place,
}: {
  readonly method: PaymentMethod;
  readonly outcome: Outcome;
  readonly place: () => void;
}) {
  const { title, what } = kinds[method];
  return (
    <li>
      <span>
        <strong>{title}</strong> <span className="dim">{what}</span>
      </span>
      <span>
        {order && (
          <>
            <StateChip meaning={orderMeanings[order.status]} label={order.status} />{" "}
            <Link href={`/orders/${order.id}`} className="mono">
              {order.id}
            </Link>
          </>
        )}
        {error !== undefined && <StateChip meaning="failed" label={problemOf(error).code} />}
      </span>
      <Button disabled={pending} aria-label={`Place: ${title}`} onClick={place}>
        {pending ? "Placing…" : order ? "Another" : "Place"}
      </Button>
    </li>
  );
}

/** Places an order: a form that shows what the request is, and what it would do. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { stockQuery } from "../api/queries.ts";
import { dryPlace, placeOrder } from "../api/orders.ts";
import { isTransient } from "../api/problem.ts";
import type { Stock } from "../api/types.ts";
import { Page } from "../app/page.tsx";
import { formatMoney } from "../ui/format.ts";
import { Button, buttonClass } from "../ui/button.tsx";
import { SelectField, TextField } from "../ui/field.tsx";
import { CopyButton } from "../ui/id.tsx";
import { Failure, Frame } from "../ui/panel.tsx";
import { useToasts } from "../ui/toast.tsx";
import { useSearchState } from "../url/use-search-state.ts";
import { AllKinds } from "./all-kinds.tsx";
import { Lines } from "./lines.tsx";
import {
  bodyOf,
  curlOf,
  type Draft,
  draftCodec,
  firstDraft,
  kinds,
  methods,
  randomKey,
  takesToken,
  tokens,
} from "./order-draft.ts";
import { Prediction } from "./prediction.tsx";
import styles from "./place.module.css";

/** The page. */
export default function PlacePage() {
  const [search, setSearch] = useSearchState(draftCodec);
  const [, navigate] = useLocation();
  const { report } = useToasts();
  const [fields, setFields] = useState(firstDraft);
  const stock = useQuery(stockQuery);
  const draft: Draft = { ...fields, method: search.method, token: search.token || firstDraft.token };
  const body = bodyOf(draft);
  const { answered, keyNow } = useKeyOf(JSON.stringify(body));
  const change = (changed: Partial<Draft>) => setFields((before) => ({ ...before, ...changed }));
  const trial = useMutation({ mutationFn: () => dryPlace(body) });
  const placing = useMutation({
    mutationFn: () => placeOrder(body, keyNow()),
    onError: (error) => {
      if (!isTransient(error)) answered();
    },
    onSuccess: ({ id, status }) => {
      report(
        <>
          <Link href={`/orders/${id}`}>{id}</Link> is {status.replaceAll("_", " ")}
        </>,
      );
      navigate(`/orders/${id}`);
    },
  });
  if (search.kind === "all") return <AllKinds draft={fields} back={() => setSearch({ kind: "one" })} />;
  return (
    <Page
      title="Place an order"
      actions={<Button onClick={() => setSearch({ kind: "all" })}>One of each kind</Button>}
    >
      <form
        className={styles["columns"]}
        onSubmit={(event) => {
          event.preventDefault();
          placing.mutate();
        }}
      >
        <div className={styles["stack"]}>
          <Frame title="How it is paid">
            <div className={styles["kinds"]} role="radiogroup" aria-label="How it is paid">
              {methods.map((method) => (
                <label key={method} className={styles["kind"]}>
                  <input
                    type="radio"
                    name="method"
                    value={method}
                    checked={method === draft.method}
                    onChange={() => setSearch({ method }, { replace: true })}
                  />
                  <strong>{kinds[method].title}</strong>
                  <span>{kinds[method].what}</span>
                </label>
              ))}
            </div>
            {takesToken(draft.method) && (
              <SelectField
                label="Token"
                hint="Of the gateway simulator: each lets it do something else."
                value={draft.token}
                onChange={({ target }) => setSearch({ token: target.value }, { replace: true })}
              >
                {Object.entries(tokens).map(([token, what]) => (
                  <option key={token} value={token}>
                    {token}: {what}
                  </option>
                ))}
              </SelectField>
            )}
          </Frame>
          <Lines lines={draft.lines} stock={stock} onChange={(lines) => change({ lines })} />
          <Customer draft={draft} change={change} />
        </div>
        <div className={styles["stack"]}>
          <Frame title="Place it">
            <Total draft={draft} stock={stock.data} />
            <div className={styles["actions"]}>
              <Button type="submit" kind="primary" disabled={placing.isPending || draft.lines.length === 0}>
                {placing.isPending ? "Placing…" : "Place the order"}
              </Button>
              <Button disabled={trial.isPending || draft.lines.length === 0} onClick={() => trial.mutate()}>
                What would happen?
              </Button>
            </div>
            {placing.error && <Refusal error={placing.error} />}
            {trial.error && <Failure error={trial.error} retry={() => trial.mutate()} />}
            {trial.data && <Prediction prediction={trial.data} />}
          </Frame>
          <Frame title="The same request">
            <div className={styles["curlBox"]}>
              <pre className={styles["curl"]}>{curlOf(window.location.origin, "/v1/orders", body)}</pre>
              <CopyButton text={curlOf(window.location.origin, "/v1/orders", body)} what="the request" />
            </div>
          </Frame>
        </div>
      </form>
    </Page>
  );
}

/**
 * The same key while the request is the same and has no answer: a second press places nothing twice. An answer, also a
 * refusal, ends it: the next press is another order.
 */
function useKeyOf(text: string): { readonly keyNow: () => string; readonly answered: () => void } {
  const made = useRef<{ readonly text: string; readonly key: string } | undefined>(undefined);
  return {
    keyNow: () => {
      if (made.current?.text !== text) made.current = { text, key: randomKey() };
      return made.current.key;
    },
    answered: () => {
      made.current = undefined;
    },
  };
}

function Refusal({ error }: { readonly error: unknown }) {
  const id = (error as { members?: { orderId?: unknown } }).members?.orderId;
  return (
    <>
      <Failure error={error} />
      {typeof id === "string" && (
        <Link href={`/orders/${id}`} className={buttonClass ?? ""}>
          Open {id}
        </Link>
      )}
    </>
  );
}

function Total({ draft, stock }: { readonly draft: Draft; readonly stock: readonly Stock[] | undefined }) {
  const priced = draft.lines.map(({ quantity, sku }) => {
    const price = stock?.find((item) => item.sku === sku)?.price;
    return price && { amount: price.amount * quantity, currency: price.currency };
  });
  const [first] = priced;
  if (!first || priced.some((price) => price?.currency !== first.currency))
    return <p className="dim">The total is computed by the server, from its catalogue.</p>;
  const amount = priced.reduce((all, price) => all + (price?.amount ?? 0), 0);
  return (
    <p className="dim">
      Total by today's prices: <strong>{formatMoney({ amount, currency: first.currency })}</strong>
    </p>
  );
}

function Customer({
  draft,
  change,
}: {
  readonly draft: Draft;
  readonly change: (changed: Partial<Draft>) => void;
}) {
  const field = (name: Exclude<keyof Draft, "lines">, label: string, more: object = {}) => (
    <TextField
      label={label}
      value={draft[name]}
      onChange={({ target }) => change({ [name]: target.value })}
      required
      {...more}
    />
  );
  return (
    <Frame title="Customer and address">
      <div className={styles["fields"]}>
        {field("name", "Name")}
        {field("email", "E-mail", { type: "email" })}
        {field("customerId", "Customer id")}
        {field("line1", "Street")}
        {field("city", "City")}
        {field("postalCode", "Postal code", { required: false })}
        {field("country", "Country", {
          pattern: "[A-Za-z]{2}",
          maxLength: 2,
          hint: "ISO code, such as PT",
        })}
      </div>
    </Frame>
  );
}

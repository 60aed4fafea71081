/** The order's money beside the gateway's ledger: sums that have to agree, and a plain mark where they do not. */
import { useQuery } from "@tanstack/react-query";
import { problemOf } from "../api/problem.ts";
import { leavesOf } from "../charts/machine-chart.ts";
import { Button } from "../ui/button.tsx";
import { StateChip } from "../ui/chip.tsx";
import { formatMoney } from "../ui/format.ts";
import { Empty } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { impliedSums, type LaneRow, laneOf, sumsOf } from "./money.ts";
import type { OrderNow } from "./order-queries.ts";
import { hasSimulators, ledgerQuery } from "./outside.ts";
import styles from "./order.module.css";

const verdicts = {
  agrees: ["done", "agrees"],
  differs: ["failed", "differs"],
  unknown: ["time", "not compared"],
} as const;

/** The tab. */
export function MoneyTab({ order }: { readonly order: OrderNow }) {
  const { id, machines, payment, total } = order;
  const ledger = useQuery(ledgerQuery(id));
  const [leaf = ""] = leavesOf(machines["payment"]?.state);
  const state = leaf.split(".")[0] ?? "";
  const ours = impliedSums(state, payment.method, total?.amount ?? 0);
  const lane = laneOf(ours, ledger.data && sumsOf(ledger.data, payment.method));
  const currency = total?.currency ?? ledger.data?.[0]?.currency ?? "EUR";
  const differs = lane.some(({ verdict }) => verdict === "differs");
  return (
    <>
      {differs && (
        <p className={styles["warning"]} role="alert">
          The order and the gateway do not agree. `orderly reconcile` says what to do.
        </p>
      )}
      <div className={styles["scrolls"]}>
        <table className={styles["plain"]}>
          <caption className="visually-hidden">Sums</caption>
          <thead>
            <tr>
              <th scope="col">Sum</th>
              <th scope="col">The order says</th>
              <th scope="col">The gateway says</th>
              <th scope="col">Together</th>
            </tr>
          </thead>
          <tbody>
            {lane.map((row) => (
              <Row key={row.name} row={row} currency={currency} />
            ))}
          </tbody>
        </table>
      </div>
      {ours === undefined && (
        <p className="dim">
          Money is moving: the payment is in {leaf.replaceAll("_", " ")}. Its sums follow.
        </p>
      )}
      {!hasSimulators() ? (
        <p className="dim">
          This page reads the ledger of the simulator only. <code>node orderly.mjs reconcile</code> compares
          all orders with the gateway.
        </p>
      ) : ledger.error ? (
        <p role="alert">
          The gateway's ledger cannot be read: {problemOf(ledger.error).title}.{" "}
          <Button kind="quiet" icon="retry" onClick={() => void ledger.refetch()}>
            Try again
          </Button>
        </p>
      ) : ledger.data?.length === 0 ? (
        <Empty title="The gateway has booked nothing for this order" />
      ) : (
        <div className={styles["scrolls"]}>
          <table className={styles["plain"]}>
            <caption className="visually-hidden">The gateway's ledger</caption>
            <thead>
              <tr>
                <th scope="col">Booked</th>
                <th scope="col">What</th>
                <th scope="col">Amount</th>
                <th scope="col">Idempotency key</th>
              </tr>
            </thead>
            <tbody>
              {ledger.data?.map(({ amount, at, currency: of, idempotencyKey, kind }) => (
                <tr key={`${idempotencyKey} ${kind}`}>
                  <td>
                    <Time at={at} />
                  </td>
                  <td>{kind}</td>
                  <td>{formatMoney({ amount, currency: of })}</td>
                  <td className="mono">{idempotencyKey}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ currency, row }: { readonly row: LaneRow; readonly currency: string }) {
  const [meaning, label] = verdicts[row.verdict];
  const shown = (amount: number | undefined) =>
    amount === undefined ? <span className="dim">not known</span> : formatMoney({ amount, currency });
  return (
    <tr>
      <th scope="row">{row.name}</th>
      <td>{shown(row.ours)}</td>
      <td>{shown(row.gateway)}</td>
      <td>
        <StateChip meaning={meaning} label={label} />
      </td>
    </tr>
  );
}

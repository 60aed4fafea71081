/** What the list shows of an order. */
import { Link } from "wouter";
import type { OrderRow } from "../api/types.ts";
import { StateChip } from "../ui/chip.tsx";
import type { Column } from "../ui/data-table.tsx";
import { Id } from "../ui/id.tsx";
import { Money } from "../ui/money.tsx";
import { Time } from "../ui/time.tsx";
import { listCodec, noFilter, waitTitles } from "./list-filter.ts";
import { fulfillmentMeaning, orderMeanings, paymentMeaning } from "./meanings.ts";
import styles from "./orders.module.css";

function Waits({ row: { parked, waitsFor } }: { readonly row: OrderRow }) {
  if (parked) return <StateChip meaning="held" label="parked" />;
  if (waitsFor.length === 0) return <span className="dim">–</span>;
  return <span>{waitsFor.map((wait) => waitTitles[wait]).join(", ")}</span>;
}

/** The columns; those that matter less are left out of narrow tables. */
export function orderColumns(): readonly Column<OrderRow>[] {
  return [
    {
      key: "id",
      title: "Order",
      width: "minmax(196px, 1.2fr)",
      cell: ({ id }) => <Id id={id} to={`/orders/${id}`} copy={false} />,
    },
    {
      key: "status",
      title: "Status",
      width: "142px",
      cell: ({ status }) => <StateChip meaning={orderMeanings[status]} label={status} />,
    },
    {
      key: "payment",
      title: "Payment",
      width: "128px",
      from: 760,
      cell: ({ payment }) => <StateChip meaning={paymentMeaning(payment.status)} label={payment.status} />,
    },
    {
      key: "fulfillment",
      title: "Fulfillment",
      width: "144px",
      from: 880,
      cell: ({ fulfillment }) => (
        <StateChip meaning={fulfillmentMeaning(fulfillment.status)} label={fulfillment.status} />
      ),
    },
    {
      key: "total",
      title: "Total",
      width: "84px",
      align: "end",
      sort: ["-total", "total"],
      cell: ({ total }) => <Money value={total} />,
    },
    {
      key: "customer",
      title: "Customer",
      width: "minmax(80px, 0.7fr)",
      from: 1180,
      cell: ({ customer }) => (
        <Link href={`/orders?${listCodec.write({ ...noFilter, customerId: customer.id })}`}>
          {customer.id}
        </Link>
      ),
    },
    {
      key: "waits",
      title: "Waits for",
      width: "minmax(110px, 0.8fr)",
      from: 1010,
      cell: (row) => <Waits row={row} />,
    },
    {
      key: "created",
      title: "Placed",
      width: "minmax(86px, 0.5fr)",
      from: 1180,
      sort: ["-createdAt", "createdAt"],
      cell: ({ createdAt }) => <Time at={createdAt} />,
    },
    {
      key: "updated",
      title: "Changed",
      width: "minmax(78px, 0.5fr)",
      sort: ["-updatedAt", "updatedAt"],
      cell: ({ updatedAt }) => <Time at={updatedAt} />,
    },
    {
      key: "partition",
      title: "Part.",
      width: "36px",
      align: "end",
      from: 1240,
      cell: ({ partition }) => <Link href={`/orders?partition=${partition}`}>{partition}</Link>,
    },
  ];
}

/** An order in the list of a phone. */
export function CompactOrder({ row }: { readonly row: OrderRow }) {
  return (
    <div className={styles["compact"]}>
      <div>
        <Id id={row.id} to={`/orders/${row.id}`} copy={false} />
        <Money value={row.total} />
      </div>
      <div>
        <StateChip meaning={orderMeanings[row.status]} label={row.status} />
        <span className="dim">
          <Time at={row.updatedAt} />
        </span>
      </div>
    </div>
  );
}

/** What waits for each step. */
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { ordersQuery } from "../api/queries.ts";
import type { OrderList } from "../api/types.ts";
import { formatCount } from "../ui/format.ts";
import { Empty, Loaded } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { type StepName, stepNames, steps } from "./steps.ts";
import styles from "./warehouse.module.css";

/** The steps, with how many orders wait for each. */
export function StepTabs({ chosen }: { readonly chosen: StepName }) {
  return (
    <nav className={styles["steps"]} aria-label="Steps">
      {stepNames.map((name) => (
        <StepTab key={name} name={name} chosen={name === chosen} />
      ))}
    </nav>
  );
}

function StepTab({ name, chosen }: { readonly name: StepName; readonly chosen: boolean }) {
  const { filter, title } = steps[name];
  const { data } = useQuery(ordersQuery({ ...filter, limit: 1 }));
  return (
    <Link
      href={name === "pick" ? "/warehouse" : `/warehouse?step=${name}`}
      className={styles["step"] ?? ""}
      aria-current={chosen ? "true" : undefined}
    >
      {title} <b>{data ? formatCount(data.total.value) : ""}</b>
    </Link>
  );
}

/** The orders of one step, the oldest first. */
export function Queue({
  query,
  chosen,
  name,
  onOpen,
}: {
  readonly query: UseQueryResult<OrderList>;
  readonly chosen: string;
  readonly name: StepName;
  readonly onOpen: (id: string) => void;
}) {
  return (
    <section className={styles["queue"]} aria-label={`Orders to ${name}`}>
      <Loaded query={query} lines={6}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing waits here">Orders appear by themselves.</Empty>
          ) : (
            <ul>
              {items.map(({ createdAt, id, lines }) => (
                <li key={id}>
                  <button
                    type="button"
                    className={styles["waiting"]}
                    aria-current={id === chosen ? "true" : undefined}
                    onClick={() => onOpen(id)}
                  >
                    <span>{id}</span>
                    <small>
                      {lines.length} {lines.length === 1 ? "line" : "lines"}, <Time at={createdAt} />
                    </small>
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}

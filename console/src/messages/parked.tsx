/** Orders that an input has stopped, grouped by what was wrong with it. */
import { type UseQueryResult, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { parkedQuery, resumeOrder, skipInput, type Whole } from "../api/operations.ts";
import type { ParkedOrder } from "../api/types.ts";
import { useTopic } from "../live/use-live.ts";
import { useThrottled } from "../live/use-throttled.ts";
import { Button } from "../ui/button.tsx";
import { Id } from "../ui/id.tsx";
import { Empty, Panel } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { groupByCause } from "./grouping.ts";
import { type Run, RunEach } from "./run-each.tsx";
import styles from "./messages.module.css";

const RENEW_MS = 3000;

const resumeOf = (orders: readonly ParkedOrder[]): Run => ({
  title: "Try the input again",
  says: "The owner applies the input that stopped the order once more, and then every input that waited. Where the program is the same the order stops again, and nothing is lost.",
  verb: "Try again",
  reason: "optional",
  each: orders.map(({ orderId }) => ({ name: orderId, act: (reason) => resumeOrder(orderId, reason) })),
});

const skipOf = ({ input, orderId, parkingId }: ParkedOrder): Run => ({
  title: "Skip this input",
  says: `The input ${input ?? ""} is dropped for this order: what it said never happens here. The history records it. It cannot be undone.`,
  verb: "Skip the input",
  danger: true,
  reason: "required",
  each: [{ name: orderId, act: (reason) => skipInput(orderId, parkingId ?? "", reason) }],
});

/** The list. */
export function Parked({ query }: { readonly query: UseQueryResult<Whole<ParkedOrder>> }) {
  const client = useQueryClient();
  const [run, setRun] = useState<Run | undefined>(undefined);
  const reread = () => void client.invalidateQueries({ queryKey: parkedQuery.queryKey });
  const renew = useThrottled(reread, RENEW_MS);
  useTopic("orders", renew);
  return (
    <>
      <Panel title="Parked orders" query={query} flush>
        {({ items, more }) => {
          if (items.length === 0)
            return (
              <Empty title="No order is parked">
                An order whose machines fail on an input stops there, and waits here for an operator.
              </Empty>
            );
          const groups = groupByCause(items, {
            where: ({ input }) => input ?? "no input",
            reason: ({ reason }) => reason,
            at: ({ since }) => since,
            order: ({ orderId }) => orderId,
          });
          return (
            <>
              {more && <p className={styles["note"]}>These are the oldest {items.length}; there are more.</p>}
              {groups.map(({ items: orders, key, since, title }) => (
                <div key={key} className={styles["group"]}>
                  <details open={groups.length === 1}>
                    <summary>
                      <strong>{title}</strong>
                      <small>
                        {orders.length} orders, the first <Time at={since} />
                      </small>
                    </summary>
                    {orders.map((order) => (
                      <Order
                        key={order.orderId}
                        order={order}
                        resume={() => setRun(resumeOf([order]))}
                        skip={() => setRun(skipOf(order))}
                      />
                    ))}
                  </details>
                  <div className={styles["all"]}>
                    <Button icon="retry" onClick={() => setRun(resumeOf(orders))}>
                      Try {orders.length === 1 ? "it" : `all ${orders.length}`} again…
                    </Button>
                  </div>
                </div>
              ))}
            </>
          );
        }}
      </Panel>
      {run && (
        <RunEach
          run={run}
          onClose={() => {
            setRun(undefined);
            reread();
          }}
        />
      )}
    </>
  );
}

function Order({
  order: { input, orderId, parkingId, reason, since, version },
  resume,
  skip,
}: {
  readonly order: ParkedOrder;
  readonly resume: () => void;
  readonly skip: () => void;
}) {
  return (
    <div className={styles["item"]}>
      <div>
        <Id id={orderId} to={`/orders/${orderId}`} copy={false} />{" "}
        <span className="dim">at version {version}</span>
        <div className="dim">
          {input && <span className="mono">{input}</span>} {reason} · <Time at={since} />
        </div>
      </div>
      <div className={styles["actions"]}>
        <Button aria-label={`Try again… ${orderId}`} onClick={resume}>
          Try again…
        </Button>
        {parkingId !== null && (
          <Button kind="danger" aria-label={`Skip… the input of ${orderId}`} onClick={skip}>
            Skip…
          </Button>
        )}
      </div>
    </div>
  );
}

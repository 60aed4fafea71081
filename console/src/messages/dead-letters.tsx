/** Events that workers abandoned, grouped by what was wrong. */
import { type UseQueryResult, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { deadLettersQuery, discardDeadLetter, replayDeadLetter, type Whole } from "../api/operations.ts";
import type { DeadLetter } from "../api/types.ts";
import { useTopic } from "../live/use-live.ts";
import { useThrottled } from "../live/use-throttled.ts";
import { Button } from "../ui/button.tsx";
import { Id } from "../ui/id.tsx";
import { Empty, Panel } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { groupByCause } from "./grouping.ts";
import { type Run, RunEach } from "./run-each.tsx";
import styles from "./messages.module.css";

const RENEW_MS = 1500;

const replayOf = (letters: readonly DeadLetter[]): Run => ({
  title: letters.length === 1 ? "Replay this event" : "Replay these events",
  says: "The workers get them again, with a new count of attempts. Work that was done before is not done twice, unless the dead letter says that its mark is unreadable or too old.",
  verb: "Replay",
  each: letters.map(({ id, orderId, type }) => ({
    name: `${id} ${type} ${orderId}`,
    act: () => replayDeadLetter(id),
  })),
});

const discardOf = (letters: readonly DeadLetter[]): Run => ({
  title: letters.length === 1 ? "Discard this event" : "Discard these events",
  says: "The workers never get them: what they would have done does not happen. It cannot be undone.",
  verb: "Discard",
  danger: true,
  reason: "required",
  each: letters.map(({ id, orderId, type }) => ({
    name: `${id} ${type} ${orderId}`,
    act: (reason) => discardDeadLetter(id, reason),
  })),
});

/** The list. */
export function DeadLetters({ query }: { readonly query: UseQueryResult<Whole<DeadLetter>> }) {
  const client = useQueryClient();
  const [run, setRun] = useState<Run | undefined>(undefined);
  const reread = () => void client.invalidateQueries({ queryKey: deadLettersQuery.queryKey });
  const renew = useThrottled(reread, RENEW_MS);
  useTopic("messages", renew);
  return (
    <>
      <Panel title="Dead letters" query={query} flush>
        {({ items, more }) => {
          if (items.length === 0)
            return (
              <Empty title="No worker has abandoned an event">
                An event that a worker could not handle, however often it tried, would be here.
              </Empty>
            );
          const groups = groupByCause(items, {
            where: ({ worker }) => worker,
            reason: ({ reason }) => reason,
            at: ({ at }) => at,
            order: ({ orderId }) => orderId,
          });
          return (
            <>
              {more && <p className={styles["note"]}>These are the oldest {items.length}; there are more.</p>}
              {groups.map(({ items: letters, key, orders, since, title }) => (
                <div key={key} className={styles["group"]}>
                  <details>
                    <summary>
                      <strong>{title}</strong>
                      <small>
                        {letters.length} letters of {orders} orders, the first <Time at={since} />
                      </small>
                    </summary>
                    {letters.map((letter) => (
                      <Letter
                        key={letter.id}
                        letter={letter}
                        replay={() => setRun(replayOf([letter]))}
                        discard={() => setRun(discardOf([letter]))}
                      />
                    ))}
                  </details>
                  <div className={`${styles["all"]} ${styles["actions"]}`}>
                    <Button icon="retry" onClick={() => setRun(replayOf(letters))}>
                      Replay all {letters.length}…
                    </Button>
                    <Button kind="danger" onClick={() => setRun(discardOf(letters))}>
                      Discard all…
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

function Letter({
  letter,
  replay,
  discard,
}: {
  readonly letter: DeadLetter;
  readonly replay: () => void;
  readonly discard: () => void;
}) {
  const { at, attempts, id, kind, orderId, reason, type } = letter;
  return (
    <div className={styles["item"]}>
      <div>
        <span className="mono">
          {id} {type}
        </span>{" "}
        {orderId !== "" && <Id id={orderId} to={`/orders/${orderId}`} copy={false} />}
        <div className="dim">
          {reason} · {kind.replaceAll("_", " ")}, {attempts} attempts, <Time at={at} />
        </div>
      </div>
      <div className={styles["actions"]}>
        <Button aria-label={`Replay… ${id}`} onClick={replay}>
          Replay…
        </Button>
        <Button kind="danger" aria-label={`Discard… ${id}`} onClick={discard}>
          Discard…
        </Button>
      </div>
    </div>
  );
}

/** A command to many orders while it goes on, and what became of each. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { problemOf } from "../api/problem.ts";
import type { BulkAction, BulkOperation } from "../api/types.ts";
import { useRefusal } from "../api/use-permission.ts";
import { Page } from "../app/page.tsx";
import { useTopic } from "../live/use-live.ts";
import { useThrottled } from "../live/use-throttled.ts";
import { Button, buttonClass } from "../ui/button.tsx";
import { StateChip } from "../ui/chip.tsx";
import { formatCount, formatDuration, inWords } from "../ui/format.ts";
import { Id } from "../ui/id.tsx";
import { Empty, Failure, Frame, Skeleton } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { useToasts } from "../ui/toast.tsx";
import { patternParam, searchCodec } from "../url/search-codec.ts";
import { useSearchState } from "../url/use-search-state.ts";
import BulkDialog from "./bulk-dialog.tsx";
import { bulkQuery, idsWith, readItems, stopBulk } from "./bulk-queries.ts";
import {
  actionWords,
  bulkActions,
  bulkMeanings,
  failedOf,
  goesOn,
  isDone,
  remainingMs,
} from "./bulk-words.ts";
import styles from "./bulk.module.css";

const codec = searchCodec({ outcome: patternParam(/^[a-z_]{1,64}$/u) });
const ITEMS_EVERY_MS = 1500;

/** The page. */
export default function BulkPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const { id = "" } = params;
  const client = useQueryClient();
  const query = useQuery(bulkQuery(id));
  const renewItems = useThrottled(
    () => void client.invalidateQueries({ queryKey: ["bulk", id, "items"] }),
    ITEMS_EVERY_MS,
  );
  useTopic(query.data ? `bulk:${id}` : undefined, ({ data, event }) => {
    if (event === "bulk") client.setQueryData(bulkQuery(id).queryKey, data as BulkOperation);
    else void client.invalidateQueries({ queryKey: bulkQuery(id).queryKey, exact: true });
    renewItems();
  });
  if (query.data) return <Operation bulk={query.data} />;
  const missing = query.error && problemOf(query.error).code === "bulk_not_found";
  return (
    <Page title={missing ? "No such operation" : "Many orders"}>
      {missing ? (
        <Empty
          title={`There is no operation ${id}`}
          actions={
            <Link href="/orders" className={buttonClass ?? ""}>
              All orders
            </Link>
          }
        >
          The id may not be complete.
        </Empty>
      ) : query.error ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : (
        <Skeleton lines={8} />
      )}
    </Page>
  );
}

function Operation({ bulk }: { readonly bulk: BulkOperation }) {
  const { action, count, id, processed, reason, startedAt, status, updatedAt } = bulk;
  const client = useQueryClient();
  const refusal = useRefusal("bulk:run");
  const { fail } = useToasts();
  const stop = useMutation({
    mutationFn: () => stopBulk(id),
    onSuccess: (stopped) => client.setQueryData(bulkQuery(id).queryKey, stopped),
    onError: fail,
  });
  const left = remainingMs(bulk);
  const runs = goesOn(bulk);
  const { title } = actionWords(action);
  return (
    <Page
      title={`${title}: ${formatCount(count)} orders`}
      heading={
        <span className={styles["heading"]}>
          {title}: {formatCount(count)} {count === 1 ? "order" : "orders"}
          <StateChip meaning={bulkMeanings[status]} label={status} />
        </span>
      }
      actions={
        runs && (
          <Button
            kind="danger"
            icon="pause"
            disabled={status === "stopping" || stop.isPending || refusal !== undefined}
            title={refusal}
            onClick={() => stop.mutate()}
          >
            {status === "stopping" ? "Stopping" : "Stop"}
          </Button>
        )
      }
    >
      <Frame title="Progress">
        <p>“{reason}”</p>
        <progress
          className={styles["progress"]}
          max={Math.max(1, count)}
          value={processed}
          aria-label="Progress"
        />
        <p className="dim" role="status">
          {formatCount(processed)} of {formatCount(count)} have their outcome
          {runs && left !== undefined && `, about ${formatDuration(left)} left`}
        </p>
        <p className="dim">
          <Id id={id} /> started <Time at={startedAt} />, {runs ? "last change" : "ended"}{" "}
          <Time at={updatedAt} />
        </p>
        {status === "stopped" && (
          <p>{formatCount(count - processed)} orders were not reached, and are as they were.</p>
        )}
      </Frame>
      <Outcomes bulk={bulk} refusal={refusal} />
    </Page>
  );
}

function Outcomes({ bulk, refusal }: { readonly bulk: BulkOperation; readonly refusal: string | undefined }) {
  const { action, id, outcomes } = bulk;
  const [{ outcome }, setSearch] = useSearchState(codec);
  const { fail } = useToasts();
  const [again, setAgain] = useState<readonly string[]>();
  const [collecting, setCollecting] = useState(false);
  const list = useInfiniteQuery({
    queryKey: ["bulk", id, "items", outcome],
    queryFn: ({ pageParam, signal }) => readItems(id, outcome, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  });
  const items = list.data?.pages.flatMap((page) => page.items) ?? [];
  const collect = async () => {
    setCollecting(true);
    try {
      setAgain(await idsWith(id, outcome));
    } catch (error) {
      fail(error);
    }
    setCollecting(false);
  };
  const failed = failedOf(bulk);
  const canRepeat = outcome !== "" && !isDone(outcome) && outcome !== "pending" && action in bulkActions;
  return (
    <Frame
      title="Outcomes"
      flush
      actions={
        canRepeat && (
          <Button
            icon="retry"
            disabled={collecting || items.length === 0 || refusal !== undefined}
            title={refusal}
            onClick={() => void collect()}
          >
            These orders again…
          </Button>
        )
      }
    >
      <div className={styles["outcomes"]} role="group" aria-label="Outcome">
        <button type="button" aria-pressed={outcome === ""} onClick={() => setSearch({ outcome: "" })}>
          all
        </button>
        {outcomes.map(({ code, count }) => (
          <button
            key={code}
            type="button"
            aria-pressed={outcome === code}
            onClick={() => setSearch({ outcome: code })}
          >
            <StateChip meaning={isDone(code) ? "done" : "failed"} label={code} />
            <b>{formatCount(count)}</b>
          </button>
        ))}
        {failed === 0 && !goesOn(bulk) && <span className="dim">No order has refused it.</span>}
      </div>
      {list.isPending ? (
        <Skeleton lines={4} />
      ) : list.error ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : items.length === 0 ? (
        <Empty title="No order has this outcome" />
      ) : (
        <ul className={styles["samples"]}>
          {items.map(({ orderId, outcome: became }) => (
            <li key={orderId}>
              <Link href={`/orders/${orderId}`} className="mono">
                {orderId}
              </Link>
              <StateChip
                meaning={isDone(became) ? "done" : became === "pending" ? "time" : "failed"}
                label={became}
              />
            </li>
          ))}
          {list.hasNextPage && (
            <li>
              <Button
                kind="quiet"
                disabled={list.isFetchingNextPage}
                onClick={() => void list.fetchNextPage()}
              >
                More orders
              </Button>
            </li>
          )}
        </ul>
      )}
      {again && (
        <BulkDialog
          target={{ ids: again }}
          says={[
            `${formatCount(again.length)} ${again.length === 1 ? "order" : "orders"} that answered ${inWords(outcome)}`,
          ]}
          action={action as BulkAction}
          onClose={() => setAgain(undefined)}
        />
      )}
    </Frame>
  );
}

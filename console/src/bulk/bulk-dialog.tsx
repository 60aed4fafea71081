/** A command to many orders: what, why, what it would reach, and the button that starts it. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import type { BulkAction, BulkPreview } from "../api/types.ts";
import { orderMeanings } from "../orders/meanings.ts";
import { Button } from "../ui/button.tsx";
import { StateChip } from "../ui/chip.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { SelectField, TextArea } from "../ui/field.tsx";
import { formatCount } from "../ui/format.ts";
import { Failure } from "../ui/panel.tsx";
import { type BulkTarget, previewBulk, startBulk } from "./bulk-queries.ts";
import { bulkActions, splitOf } from "./bulk-words.ts";
import styles from "./bulk.module.css";

const actions = Object.keys(bulkActions) as BulkAction[];
const orders = (count: number): string => `${formatCount(count)} ${count === 1 ? "order" : "orders"}`;

/** The dialog. @param says which orders, in words */
export default function BulkDialog({
  action: first = "cancel",
  onClose,
  says,
  target,
}: {
  readonly target: BulkTarget;
  readonly says: readonly string[];
  readonly action?: BulkAction;
  readonly onClose: () => void;
}) {
  const [action, setAction] = useState(first);
  const [reason, setReason] = useState("");
  const [confirming, setConfirming] = useState(false);
  // Of a preview: a second press, or a lost answer, starts nothing twice. Another preview is another start.
  const [key, setKey] = useState("");
  const [, navigate] = useLocation();
  const preview = useMutation({ mutationFn: () => previewBulk(target, action, reason.trim()) });
  const start = useMutation({
    mutationFn: (token: string) => startBulk(token, key),
    onSuccess: ({ id }) => {
      onClose();
      navigate(`/bulk/${id}`);
    },
    onError: () => setConfirming(false),
  });
  /** What was previewed is what is started: a change needs another preview. */
  const change = (act: () => void): void => {
    act();
    preview.reset();
    start.reset();
    setConfirming(false);
  };
  const { danger = false, title } = bulkActions[action];
  const seen = preview.data;
  const takes = seen ? splitOf(seen).takes : 0;
  const ask = (): void => {
    start.reset();
    setConfirming(false);
    setKey(crypto.randomUUID());
    preview.mutate();
  };
  return (
    <Dialog
      title="Many orders at once"
      onClose={onClose}
      wide
      footer={
        <>
          {confirming && seen && (
            <Button kind="danger" disabled={start.isPending} onClick={() => start.mutate(seen.token)}>
              Yes, {title.toLowerCase()}: {orders(seen.count)}
            </Button>
          )}
          <span className={styles["spread"]} />
          <Button kind="quiet" onClick={confirming ? () => setConfirming(false) : onClose}>
            {confirming ? "No, go back" : "Close"}
          </Button>
          {!confirming && (
            <>
              <Button
                kind={seen ? "plain" : "primary"}
                disabled={reason.trim() === "" || preview.isPending}
                onClick={ask}
              >
                {seen ? "Preview again" : "Preview"}
              </Button>
              {seen && (
                <Button
                  kind={danger ? "danger" : "primary"}
                  disabled={takes === 0 || start.isPending}
                  onClick={() => (danger ? setConfirming(true) : start.mutate(seen.token))}
                >
                  {title}: {orders(seen.count)}
                  {danger && "…"}
                </Button>
              )}
            </>
          )}
        </>
      }
    >
      <ul className={styles["target"]} aria-label="Which orders">
        {says.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
      <SelectField
        label="What is done to each"
        value={action}
        onChange={({ target: { value } }) => change(() => setAction(value as BulkAction))}
      >
        {actions.map((one) => (
          <option key={one} value={one}>
            {bulkActions[one].title}
          </option>
        ))}
      </SelectField>
      <TextArea
        label="Reason"
        hint="Recorded with every command. No personal data."
        maxLength={500}
        rows={2}
        value={reason}
        onChange={({ target: { value } }) => change(() => setReason(value))}
      />
      {confirming && (
        <p className={styles["warning"]} role="alert">
          This cannot be undone. The button that does it is at the left.
        </p>
      )}
      {start.error && <Failure error={start.error} />}
      {preview.error && <Failure error={preview.error} retry={ask} />}
      {seen ? (
        <Preview preview={seen} />
      ) : (
        <p className="dim">The preview shows which orders it would reach. Nothing is done before.</p>
      )}
    </Dialog>
  );
}

function Preview({ preview }: { readonly preview: BulkPreview }) {
  const { count, eligible, exact, samples } = preview;
  const { refuses, takes } = splitOf(preview);
  return (
    <section className={styles["preview"]} aria-label="Preview">
      <p role="status">
        <strong>{orders(count)}</strong> {exact ? "" : "at least "}fit now:{" "}
        <strong>{formatCount(takes)}</strong> would take it, <strong>{formatCount(refuses)}</strong> would
        refuse it.
      </p>
      <ul className={styles["parts"]} aria-label="By status">
        {eligible.map(({ count: some, state }) => (
          <li key={state}>
            <State state={state} />
            <meter
              min={0}
              max={Math.max(1, count)}
              value={some}
              aria-label={`${state}: ${some} of ${count}`}
            />
            <span>{formatCount(some)} take it</span>
          </li>
        ))}
        {refuses > 0 && (
          <li>
            <StateChip meaning="ended" label="another state" />
            <meter
              min={0}
              max={Math.max(1, count)}
              value={refuses}
              aria-label={`refused: ${refuses} of ${count}`}
            />
            <span>{formatCount(refuses)} refuse it, unchanged</span>
          </li>
        )}
      </ul>
      {samples.length > 0 && (
        <details>
          <summary>
            {samples.length === count ? "The orders" : `${formatCount(samples.length)} of the orders`}
          </summary>
          <ul className={styles["samples"]}>
            {samples.map(({ id, state }) => (
              <li key={id}>
                <Link href={`/orders/${id}`} className="mono">
                  {id}
                </Link>
                <State state={state} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

/** A status of an order as a chip; of a later version of the node it may be another one. */
export function State({ state }: { readonly state: string }) {
  const meanings: Readonly<Record<string, (typeof orderMeanings)[keyof typeof orderMeanings]>> =
    orderMeanings;
  return <StateChip meaning={meanings[state] ?? "moving"} label={state} />;
}

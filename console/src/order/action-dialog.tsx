/** An action: its form, what it would do now, and the button that does it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { send } from "../api/client.ts";
import { problemOf } from "../api/problem.ts";
import type { DryRun, Order, OrderAction } from "../api/types.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Failure, Skeleton } from "../ui/panel.tsx";
import { useToasts } from "../ui/toast.tsx";
import { DryRunView } from "./dry-run-view.tsx";
import { orderQuery } from "./order-queries.ts";
import { bodyOf, faultsOf, fieldsOf, type FormValues } from "./schema-fields.ts";
import { SchemaForm } from "./schema-form.tsx";
import styles from "./order.module.css";

/** The dialog of one action. */
export function ActionDialog({
  action,
  id,
  onClose,
  onDone,
  version,
}: {
  readonly id: string;
  /** Of the order as the page shows it: the dry run is made again for a later one. */
  readonly version: number;
  readonly action: OrderAction;
  readonly onClose: () => void;
  readonly onDone: (version: number) => void;
}) {
  const fields = useMemo(() => fieldsOf(action.schema), [action.schema]);
  const [values, setValues] = useState<FormValues>(() =>
    Object.fromEntries(fields.map(({ initial, name }) => [name, initial])),
  );
  const [confirming, setConfirming] = useState(false);
  const [tried, setTried] = useState(false);
  // A second press, or a lost answer, does nothing twice.
  const [key] = useState(() => crypto.randomUUID());
  const needed = useMemo(
    () =>
      fields.map((field) =>
        field.name === "reason" && action.needsReason ? { ...field, required: true } : field,
      ),
    [action.needsReason, fields],
  );
  const faults = faultsOf(needed, values);
  const complete = Object.keys(faults).length === 0;
  const body = bodyOf(fields, values);
  // What it would do does not depend on the reason, and is not asked for again with every key that is typed.
  const { reason: _, ...deciding } = body;
  const path = `/v1/orders/${id}/${action.path}`;
  const asked = action.needsReason ? { ...deciding, reason: "dry run" } : deciding;
  const run = useQuery({
    queryKey: ["order", id, "dry-run", action.path, JSON.stringify(asked), version],
    queryFn: async ({ signal }) =>
      (await send<DryRun>(path, { method: "POST", query: { dryRun: true }, body: asked, signal })).body,
    enabled: complete || (action.needsReason && Object.keys(faults).join() === "reason"),
    placeholderData: (before) => before,
    retry: false,
  });
  const toasts = useToasts();
  const client = useQueryClient();
  const based = run.data?.basedOn.version;
  const doIt = useMutation({
    mutationFn: () =>
      send<Order>(path, {
        method: "POST",
        body,
        headers: { "idempotency-key": key, ...(based === undefined ? {} : { "if-match": `"${based}"` }) },
      }),
    onSuccess: ({ body: order }) => {
      void client.invalidateQueries({ queryKey: orderQuery(id).queryKey });
      toasts.report(
        <>
          {action.title}: done, record <strong>{order.version}</strong>
        </>,
      );
      onDone(order.version);
    },
    onError: (error) => {
      setConfirming(false);
      if (problemOf(error).code === "version_changed")
        void client.invalidateQueries({ queryKey: orderQuery(id).queryKey });
    },
  });
  const press = (): void => {
    setTried(true);
    if (!complete) return;
    if (action.danger && !confirming) setConfirming(true);
    else doIt.mutate();
  };
  const refused = run.data?.accepted === false;
  return (
    <Dialog
      title={action.title}
      onClose={onClose}
      wide
      footer={
        <>
          {confirming && (
            <Button kind="danger" disabled={doIt.isPending} onClick={press}>
              Yes, {action.title.toLowerCase()}
            </Button>
          )}
          <span className={styles["spread"]} />
          <Button kind="quiet" onClick={confirming ? () => setConfirming(false) : onClose}>
            {confirming ? "No, go back" : "Close"}
          </Button>
          {!confirming && (
            <Button
              kind={action.danger ? "danger" : "primary"}
              disabled={doIt.isPending || refused || run.isFetching || run.isPending}
              onClick={press}
            >
              {action.danger ? `${action.title}…` : action.title}
            </Button>
          )}
        </>
      }
    >
      <SchemaForm fields={needed} values={values} faults={tried ? faults : {}} onChange={setValues} />
      {confirming && (
        <p className={styles["warning"]} role="alert">
          This cannot be undone. The button that does it is at the left.
        </p>
      )}
      {doIt.error && <Failure error={doIt.error} />}
      {run.data ? (
        <DryRunView run={run.data} />
      ) : run.error ? (
        <Failure error={run.error} retry={() => void run.refetch()} />
      ) : run.isFetching ? (
        <Skeleton lines={3} />
      ) : (
        <p className="dim">What would happen is shown once the form is complete.</p>
      )}
    </Dialog>
  );
}
